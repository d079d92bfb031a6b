package javascript_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestBundles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"local.js":              "export const n = 1; export default 'local'",
		"typed.ts":              "export const twice = (x: number): number => x * 2",
		"pure/index.js":         "import { part } from './part.js'; export const p = part + 1",
		"pure/part.js":          "export const part = 10",
		"pack/package.json":     `{"main": "lib/main.js"}`,
		"pack/lib/main.js":      "const { c } = require('./c'); module.exports = { c, all: true }",
		"pack/lib/c.js":         "exports.c = 'common'",
		"data.json":             `{"x": [1]}`,
		"broken.js":             "\nthrow new Error('in a bundle')",
		"modern/package.json":   `{"exports": {".": {"import": "./m.mjs"}}}`,
		"modern/m.mjs":          "export default 'modern'",
		"node_modules/far/x.js": "export default 'far'",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	opt := wasmhost.Options{Grants: wasmhost.Grants{Mounts: []wasmhost.Mount{{Host: dir, Guest: "/with/0"}, {Guest: "/tmp", Memory: true}}}}
	for code, want := range map[string]string{
		"import local, { n } from 'local'; [local, n]":                 `["local",1]`,
		"import { twice } from './typed'; twice(4)":                    `8`,
		"import { p } from 'pure'; p":                                  `11`,
		"import pack, { c } from 'pack'; [pack.all, c]":                `[true,"common"]`,
		"import data from 'data.json'; data":                           `{"x":[1]}`,
		"import m from 'modern'; import far from 'far/x.js'; [m, far]": `["modern","far"]`,
		"const { p } = await import('pure'); p":                        `11`,
		"require('pack').c":                                            `"common"`,
		"import fs from 'graflow:fs'; fs.mkdir('/tmp/a/b', {recursive: true}); fs.writeFile('/tmp/a/b/c', 'hé'); [fs.readFile('/tmp/a/b/c', 'utf8'), fs.readFile('/tmp/a/b/c').length, fs.readdir('/tmp/a')]": `["hé",3,["b"]]`,
		"import { readFileSync } from 'node:fs'; try { readFileSync('/none') } catch (e) { [e.code, e.message] }":                                                                                             `["ENOENT","ENOENT: no such file or directory, open '/none'"]`,
		"await import('broken').catch((e) => e.stack.includes('/with/0/broken.js:2'))":                                                                                                                        `true`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			got, _, err := call(t, document{Code: code, Path: []string{"/with/0"}}, opt)
			if err != nil || got.Error != nil || string(got.Value) != want {
				t.Errorf("got %s %+v %v, want %s", got.Value, got.Error, err, want)
			}
		})
	}
}
