package script_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	given := map[string][]byte{"a.csv": []byte("x,y\n1,2\n"), "sub/b.bin": {0, 1}}
	for l, code := range map[script.Language]string{
		script.Python: `
import os
with open("/in/a.csv") as f: text = f.read()
with open("/in/a.csv", "a") as f: f.write("mine")
os.makedirs("/out/deep/er")
open("/out/up.csv", "w").write(text.upper())
open("/out/deep/er/b.bin", "wb").write(open("/in/sub/b.bin", "rb").read())
open("/out/not.this", "w").write("x")
open("/tmp/t", "w").write("x")
sorted(os.listdir("/in"))`,
		script.JavaScript: `
import fs from "graflow:fs"
const text = fs.readFile("/in/a.csv", "utf8")
fs.writeFile("/in/a.csv", "mine")
fs.mkdir("/out/deep/er", {recursive: true})
fs.writeFile("/out/up.csv", text.toUpperCase())
fs.writeFile("/out/deep/er/b.bin", fs.readFile("/in/sub/b.bin"))
fs.writeFile("/out/not.this", "x")
fs.writeFile("/tmp/t", "x")
fs.readdir("/in").sort()`,
	} {
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Files: given, FilesOut: []string{"*.csv", "deep/**"}})
		if err != nil || fmt.Sprint(tree(t, result.Value)) != "[a.csv sub]" {
			t.Errorf("%s: got %s, %v", l, result.Value, err)
			continue
		}
		if len(result.Files) != 2 || result.Files[0].Name != "deep/er/b.bin" || !bytes.Equal(result.Files[0].Data, []byte{0, 1}) ||
			result.Files[1].Name != "up.csv" || string(result.Files[1].Data) != "X,Y\n1,2\n" {
			t.Errorf("%s: got %q", l, result.Files)
		}
		if string(given["a.csv"]) != "x,y\n1,2\n" {
			t.Errorf("%s changed what it was given: %q", l, given["a.csv"])
		}
	}
}

// TestFilesAfterError wants what was written before an error, which may be what tells.
func TestFilesAfterError(t *testing.T) {
	t.Parallel()
	code := "open('/out/log', 'w').write('so far')\nraise ValueError('bad')"
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, script.Options{FilesOut: []string{"**"}})
	wantKind(t, err, script.KindException)
	if len(result.Files) != 1 || string(result.Files[0].Data) != "so far" {
		t.Errorf("got %q", result.Files)
	}
}

// TestFilesBounded wants the files that code writes to be bounded, and those it was given
// not to count.
func TestFilesBounded(t *testing.T) {
	t.Parallel()
	options := script.Options{Files: map[string][]byte{"big": make([]byte, 2<<20)}, Limits: wasmhost.Limits{DiskBytes: 1 << 20}}
	code := `
open("/tmp/a", "wb").write(bytes(512 << 10))
try:
  open("/tmp/b", "wb").write(bytes(2 << 20))
except OSError as e:
  result = len(open("/in/big", "rb").read())`
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, options)
	if err != nil || string(result.Value) != "2097152" {
		t.Errorf("got %s, %v", result.Value, err)
	}
}

// zipped writes a zip file of texts by name.
func zipped(t *testing.T, name string, files ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	var data bytes.Buffer
	w := zip.NewWriter(&data)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBundles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"local.py": "where = 'dir'\n", "local.js": "export const where = 'dir'\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wheel := zipped(t, "pure-1.0-py3-none-any.whl",
		"pure/__init__.py", "from .part import n\n", "pure/part.py", "n = 40\n", "pure/data.txt", "text",
		"pure/index.js", "export { n } from './part.js'\n", "pure/part.js", "export const n = 40\n")
	for l, code := range map[script.Language]string{
		script.Python: `
import pure, local, importlib.resources
text = importlib.resources.files("pure").joinpath("data.txt").read_text()
[pure.n, local.where, text]`,
		script.JavaScript: "import { n } from 'pure'\nimport { where } from 'local.js'\n;[n, where, 'text']",
	} {
		for range 2 {
			result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{With: []string{wheel, dir}})
			if err != nil || fmt.Sprint(tree(t, result.Value)) != "[40 dir text]" {
				t.Errorf("%s: got %s, %v", l, result.Value, err)
			}
		}
	}
	if _, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "open('/with/0/x', 'w')", script.Options{With: []string{dir}}); err == nil {
		t.Error("wrote to a directory of the machine")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("got %v, %v", entries, err)
	}
}

// TestBundleErrors wants errors in libraries to be told with the library's file.
func TestBundleErrors(t *testing.T) {
	t.Parallel()
	wheel := zipped(t, "x.whl", "lib.py", "def f():\n  raise ValueError('inside')\n")
	_, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "import lib\nlib.f()", script.Options{With: []string{wheel}})
	if failure := failureOf(t, err, script.KindException); !strings.Contains(failure.Traceback, "lib.py") || !strings.Contains(failure.Traceback, `"main.py", line 2`) {
		t.Errorf("got %+v", failure)
	}
}

// TestBundleChanges wants a wheel that was replaced to be read anew.
func TestBundleChanges(t *testing.T) {
	t.Parallel()
	file := zipped(t, "x.whl", "lib.py", "n = 1\n")
	for i, text := range []string{"n = 1\n", "n = 22\n"} {
		data, err := os.ReadFile(zipped(t, "y.whl", "lib.py", text))
		if err == nil {
			err = os.WriteFile(file, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "import lib\nlib.n", script.Options{With: []string{file}})
		if want := []string{"1", "22"}[i]; err != nil || string(result.Value) != want {
			t.Errorf("got %s, %v, want %s", result.Value, err, want)
		}
	}
}

func TestBundlesRefused(t *testing.T) {
	t.Parallel()
	garbage := filepath.Join(t.TempDir(), "g.zip")
	if err := os.WriteFile(garbage, []byte("PK not at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	many := make([]string, 2*20_001)
	for i := range many {
		many[i] = fmt.Sprintf("f%d", i/2)
	}
	for file, want := range map[string]string{
		garbage: "no wheel or zip file",
		zipped(t, "up.zip", "../../etc/passwd", "x"):              "not a relative path",
		zipped(t, "root.zip", "/etc/passwd", "x"):                 "not a relative path",
		zipped(t, "back.zip", `..\x`, "x"):                        "not a relative path",
		zipped(t, "twice.zip", "a", "1", "a", "2"):                "there twice",
		zipped(t, "both.zip", "a", "1", "a/b", "2"):               "both a file and a directory",
		zipped(t, "bomb.zip", "a", strings.Repeat("0", 64<<20)):   "looks like a bomb",
		zipped(t, "many.zip", many...):                            "20001 files",
		zipped(t, "long.zip", strings.Repeat("a/", 300)+"b", "x"): "more than 512 bytes",
	} {
		_, err := sandbox(t, script.JavaScript).Run(t.Context(), script.JavaScript, "1", script.Options{With: []string{file}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", filepath.Base(file), err, want)
		}
	}
}

// TestGrants wants nothing of the machine without grants, and what was granted with them.
func TestGrants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("granted"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	options := script.Options{Grants: wasmhost.Grants{
		Mounts: []wasmhost.Mount{{Host: dir, Guest: "/data"}}, Env: map[string]string{"MODE": "test"}, Secrets: []string{"key"},
	}, Services: wasmhost.Services{Secrets: vault{}}}
	code := `
import os
def no(f):
  try: return f()
  except Exception as e: return type(e).__name__
[open("/data/f").read(), dict(os.environ), no(lambda: open("/data/out").read()), no(lambda: open("/data/g", "w")), ctx.secret("key"), no(lambda: ctx.secret("other"))]`
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, options)
	if got := fmt.Sprint(tree(t, result.Value)); err != nil || !strings.HasPrefix(got, "[granted map[MODE:test] ") || strings.Contains(got, "root:") || !strings.Contains(got, " hidden ") {
		t.Errorf("got %s, %v", got, err)
	}
	result, err = sandbox(t, script.Python).Run(t.Context(), script.Python, strings.Replace(code, `open("/data/f").read()`, "no(lambda: open('/data/f').read())", 1), script.Options{})
	if err == nil {
		t.Fatalf("got %s, want no secret", result.Value)
	}
}

type vault struct{}

func (vault) Secret(_ context.Context, name string) ([]byte, error) { return []byte("hidden"), nil }
