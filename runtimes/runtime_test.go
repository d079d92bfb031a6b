package runtimes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
)

func TestOpenUnknown(t *testing.T) {
	t.Parallel()
	if _, err := Open("cobol"); !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
}

func TestOpenBuilt(t *testing.T) {
	t.Parallel()
	whole := fstest.MapFS{
		"built/python.json": {Data: []byte(`{"version": "3.13.5", "recipe": "ab", "sha256": "cd", "prebuilt": true}`)},
		"built/python.wasm": {Data: []byte("wasm")},
	}
	got, err := open(whole, Python)
	if err != nil || got.Name != Python || got.Version != "3.13.5" || got.Recipe != "ab" || !got.Prebuilt || string(got.Wasm) != "wasm" {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, file := range []string{"built/python.json", "built/python.wasm"} {
		part := fstest.MapFS{file: whole[file]}
		var missing *MissingError
		if _, err := open(part, Python); !errors.As(err, &missing) || missing.Name != Python || !strings.Contains(err.Error(), "make runtimes") {
			t.Errorf("with %s alone: got %v, want a *MissingError that tells how to get it", file, err)
		}
	}
	whole["built/python.json"].Data = []byte("{")
	if _, err := open(whole, Python); err == nil {
		t.Error("a damaged python.json was taken")
	}
}

// What is embedded is what its origin says.
func TestBuiltDigests(t *testing.T) {
	t.Parallel()
	for _, name := range []string{Python, JavaScript} {
		runtime, err := Open(name)
		var missing *MissingError
		if errors.As(err, &missing) {
			t.Logf("NOT TESTED: %v", err)
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		from, err := readOrigin(built, name)
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(runtime.Wasm); hex.EncodeToString(sum[:]) != from.SHA256 {
			t.Errorf("%s.wasm has sha256 %x, its origin says %s; run `make runtimes`", name, sum, from.SHA256)
		}
	}
}
