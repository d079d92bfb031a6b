package cell_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// TestAsUser runs the tests that attack once more, as a user who is not root.
func TestAsUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this is a user who is not root")
	}
	again := exec.Command("/proc/self/exe", "-test.run=^(TestAttacks|TestLend|TestBounds|TestExamine|TestHowCellsEnd)$", "-test.v")
	again.Dir = "/"
	again.Env = []string{"TMPDIR=/tmp"}
	again.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	out, err := again.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "NOT TESTED") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// TestSelf: root's own files can be used by a cell that is told to, and by no other.
func TestSelf(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("this user's cells are this user anyway")
	}
	p := newPool(t, cell.Config{})
	for _, self := range []bool{false, true} {
		c, err := p.Get(t.Context(), cell.Want{Tenant: "a", Self: self})
		if err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID()))
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]string{false: "Uid:\t65534\t65534\t65534\t65534\n", true: "Uid:\t0\t0\t0\t0\n"}[self]
		if !strings.Contains(string(status), want) || !strings.Contains(string(status), "Groups:\t \n") {
			t.Errorf("self %v:\n%s", self, status)
		}
		if c.Walls().Stands(cell.WallUser) == self {
			t.Errorf("self %v: %s", self, c.Walls())
		}
		c.Done()
	}
}
