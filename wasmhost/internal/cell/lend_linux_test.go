package cell_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

func TestLend(t *testing.T) {
	t.Parallel()
	eachWay(t, cell.Config{}, func(t *testing.T, p *cell.Pool) { //nolint:thelper // it is a test
		dir := filepath.Join(t.TempDir(), "lent")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "old"), []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, confined := lentTo(t, p, dir, true); got != "done: old" && (confined || got != "done: climbed out") {
			t.Errorf("writable: %s", got)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "new")); err != nil || string(b) != "new" {
			t.Errorf("the cell wrote %q, %v", b, err)
		}
		got, confined := lentTo(t, p, dir, false)
		if !confined {
			t.Skip("NOT TESTED: directories can't be confined here")
		}
		if !strings.Contains(got, "read-only file system") {
			t.Errorf("not writable: %s", got)
		}
	})
}

// lentTo lends a directory to a cell that tries to leave it.
func lentTo(t *testing.T, p *cell.Pool, path string, writable bool) (string, bool) {
	t.Helper()
	dir, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	lent, confined, err := p.Lend(t.Context(), dir, writable)
	if err != nil {
		t.Fatal(err)
	}
	defer lent.Close()
	c, err := p.Get(t.Context(), cell.Want{Tenant: "borrower", Self: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Done()
	if err := c.Write(kindDo, []byte("lent"), nil, lent); err != nil {
		t.Fatal(err)
	}
	f, err := c.Read()
	if err != nil {
		t.Fatal(c.Lost())
	}
	return map[byte]string{kindDone: "done: ", kindFailed: "failed: "}[f.Kind] + string(f.Data), confined
}
