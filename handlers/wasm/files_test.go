package wasm_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/wasm"
)

const oneTask = `package main

func main() {}

//go:wasmexport only
func only() int32 { return 0 }
`

func newSource(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "my [guest]")
	write(t, filepath.Join(dir, "go.mod"), "module example.com/guest\n\ngo 1.24\n")
	write(t, filepath.Join(dir, "main.go"), oneTask)
	return dir
}

func TestFilesBuild(t *testing.T) {
	t.Parallel()
	dir, cache := newSource(t), t.TempDir()
	files := &wasm.Files{Dir: filepath.Dir(dir), CacheDir: cache}
	first, name, err := files.Load(t.Context(), "my [guest]")
	if err != nil {
		t.Fatal(err)
	}
	if want := "my [guest]"; name != want {
		t.Errorf("name: got %q, want %q", name, want)
	}
	if !bytes.HasPrefix(first, []byte("\x00asm\x01\x00\x00\x00")) {
		t.Errorf("got %q…, want a module", first[:min(8, len(first))])
	}
	again, _, err := files.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, again) {
		t.Error("an unchanged source gave another module")
	}
	write(t, filepath.Join(dir, "main.go"), strings.ReplaceAll(oneTask, "only", "other"))
	changed, _, err := files.Load(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(first, changed) {
		t.Error("a changed source gave the same module")
	}
	kept, err := filepath.Glob(filepath.Join(cache, "guests", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || filepath.Base(kept[0]) != "guest.wasm" {
		t.Errorf("cache: got %q, want one guest.wasm", kept)
	}
}

func TestFilesBuildFailure(t *testing.T) {
	t.Parallel()
	dir := newSource(t)
	write(t, filepath.Join(dir, "main.go"), "package main\n\nfunc main() { undefinedThing() }\n")
	_, _, err := (&wasm.Files{CacheDir: t.TempDir()}).Load(t.Context(), dir)
	for _, want := range []string{"go build in " + dir, "main.go:3:15: undefined: undefinedThing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func TestFilesWithoutGo(t *testing.T) {
	dir := newSource(t)
	t.Setenv("PATH", t.TempDir())
	_, _, err := (&wasm.Files{CacheDir: t.TempDir()}).Load(t.Context(), dir)
	if want := "install Go 1.24 or later from https://go.dev/dl"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q in it", err, want)
	}
}

func TestOneTaskNeedsNoExport(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{CacheDir: t.TempDir()})
	call := newCall(t, "", nil)
	call.Task.Spec = marshal(t, newSource(t))
	r, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Value), "null"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
