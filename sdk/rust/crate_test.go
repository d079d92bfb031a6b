package rust_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/rust"
)

// TestCrate runs the crate's own tests, those of its documentation aside, natively.
func TestCrate(t *testing.T) {
	t.Parallel()
	path := guesttest.RustPath(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(filepath.SplitList(path)[0], "cargo"),
		"test", "--quiet", "--offline", "--lib", "--tests", "--target-dir", t.TempDir())
	cmd.Env = append(os.Environ(), "PATH="+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("cargo test: %v\n%s", err, out)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Cargo.toml", "src/lib.rs", "src/json/mod.rs"} {
		if _, err := rust.Files.ReadFile(name); err != nil {
			t.Error(err)
		}
	}
}
