package estimate_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

var (
	modules  = flag.String("modules", "", "more modules that must be accepted, as a pattern of paths")
	measured = flag.Bool("measure", false, "compile real modules and show how long it takes")
)

// accept fails if a real module is refused, or comes near to it.
func accept(t *testing.T, path string) {
	t.Helper()
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, wasm)
	begun := time.Now()
	cost := estimate.Compile(m)
	t.Logf("%s: %d bytes, linear %v, excess %v, estimated in %v", filepath.Base(path), len(wasm), cost.Linear, cost.Excess, time.Since(begun))
	if err := estimate.Check(m, limit/2); err != nil {
		t.Errorf("%s: %v", filepath.Base(path), err)
	}
	if *measured {
		took, mebibytes := measure(t, wasm, time.Minute)
		t.Logf("    took %v and %d MiB, estimated %.2f of it", took, mebibytes, float64(cost.Linear+cost.Excess)/float64(took))
	}
}

func TestAcceptGo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "guest.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", path, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	accept(t, path)
}

// The plug-ins come from C, Rust, TinyGo, Go, Zig and Haskell.
func TestAcceptExtism(t *testing.T) {
	t.Parallel()
	const sdk = "github.com/extism/go-sdk@v1.7.1"
	download := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", sdk)
	download.Dir = t.TempDir() // outside of any module
	out, err := download.Output()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("NOT TESTED: no real plug-ins, as %s cannot be downloaded: %v", sdk, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	acceptAll(t, filepath.Join(module.Dir, "wasm", "*.wasm"), 27)
}

func TestAcceptOthers(t *testing.T) {
	t.Parallel()
	if *modules == "" {
		t.Skip("no modules: set -modules")
	}
	acceptAll(t, *modules, 1)
}

func acceptAll(t *testing.T, pattern string, least int) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) < least {
		t.Fatalf("found %d modules in %s, want %d: %v", len(paths), pattern, least, err)
	}
	for _, path := range paths {
		accept(t, path)
	}
}

// All valid modules of the WebAssembly test suite are accepted.
func TestAcceptSpec(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Fatal(err)
	}
	valid := 0
	suite := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	err = filepath.WalkDir(suite, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".wasm" {
			return err
		}
		wasm, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
		if err != nil || m.Validate() != nil {
			return nil //nolint:nilerr // other tests see to invalid modules
		}
		valid++
		return errors.Join(estimate.Check(m, limit/10))
	})
	if err != nil {
		t.Error(err)
	}
	if valid < 2700 {
		t.Errorf("saw %d valid modules, want 2700", valid)
	}
}
