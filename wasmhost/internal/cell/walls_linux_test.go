package cell_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// TestExamine: what stands is said by a cell, for all walls that there are.
func TestExamine(t *testing.T) {
	t.Parallel()
	r := cell.Examine()
	if r.Problem != "" {
		t.Fatal(r.Problem)
	}
	if len(r.Walls) != 15 {
		t.Errorf("%d walls", len(r.Walls))
	}
	for _, name := range []string{cell.WallPrivileges, cell.WallLimits, cell.WallDescriptors, cell.WallEnvironment, cell.WallParent} {
		if !r.Stands(name) {
			t.Errorf("no wall of %s", name)
		}
	}
	if n := len(r.Standing()) + len(r.Missing()); n != 15 && n != 14 { // one may stand instead of another
		t.Errorf("%d walls stand or are missing", n)
	}
	for _, w := range r.Missing() {
		if w.Note == "" {
			t.Errorf("no reason why there is no wall of %s", w.Name)
		}
	}
	t.Logf("\n%s", r)
}
