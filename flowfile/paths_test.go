package flowfile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

// TestAbsolute changes the working directory, and so does not run in parallel.
func TestAbsolute(t *testing.T) {
	dir := write(t, map[string]string{
		"flows/main.flow.yaml": `name: main
modules: {img: ../img.wasm}
tasks:
  a: {wasm: img#a, grants: {mounts: [{host: data, guest: /data}], spawn: [img, ./lib/*.wasm, "builtin:*"]}}
  b: {wasm: guest#b}
  c: {wasm: "img@1.2"}
  d: {flow: sub/sub.flow.yaml}
  e: {flow: {tasks: {x: {wasm: ./x#x}}}}
`,
		"flows/sub/sub.flow.yaml": "name: sub\ntasks: {s: {wasm: ./s.wasm}}\n",
		"guest/main.go":           "package main\n",
	})
	t.Chdir(dir)
	dir, err := os.Getwd() // by the name that the system has for it
	if err != nil {
		t.Fatal(err)
	}
	f, err := flowfile.Load("flows/main.flow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	abs, err := f.Absolute()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	in := func(path string) string { return filepath.Join(dir, filepath.FromSlash(path)) }
	for i, want := range []string{in("img.wasm"), in("guest"), "img@1.2"} {
		if got := module(t, abs.Spec.Tasks[i]); got != want {
			t.Errorf("got module %s, want %s", got, want)
		}
	}
	for _, want := range []string{in("flows/data"), in("img.wasm"), in("flows/lib/*.wasm"), `"builtin:*"`} {
		if grants := string(abs.Spec.Tasks[0].Grants); !strings.Contains(grants, want) {
			t.Errorf("got %s, want %s in it", grants, want)
		}
	}
	if got, want := module(t, inner(t, abs.Spec.Tasks[3]).Tasks[0]), in("flows/sub/s.wasm"); got != want {
		t.Errorf("in the sub-flow's file: got %s, want %s", got, want)
	}
	if got, want := module(t, inner(t, abs.Spec.Tasks[4]).Tasks[0]), in("flows/x"); got != want {
		t.Errorf("in the sub-flow in place: got %s, want %s", got, want)
	}
	if got := module(t, f.Spec.Tasks[0]); abs.Name != f.Name || got != "./img.wasm" {
		t.Errorf("got %s and %s: the file itself is changed", abs.Name, got)
	}
}
