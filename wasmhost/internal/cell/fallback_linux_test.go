package cell_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

// forbidVariable makes the test binary forbid itself some namespaces, and then say
// which walls stand.
const forbidVariable = "CELL_TEST_FORBID"

func playForbidden(kinds string) {
	for kind := range strings.FieldsSeq(kinds) {
		if err := os.WriteFile("/proc/sys/user/max_"+kind+"_namespaces", []byte("0"), 0); err != nil {
			panic(err)
		}
	}
	p, err := cell.New(cell.Config{})
	if err != nil {
		panic(err)
	}
	c, err := p.Get(context.Background(), cell.Want{Tenant: "a"})
	if err != nil {
		panic(err)
	}
	text, err := json.Marshal(c.Walls())
	if err != nil {
		panic(err)
	}
	c.Done()
	if err := p.Close(); err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	os.Exit(0)
}

// TestFallsBack: on a system that forbids namespaces, cells have the walls that can
// be had without, and say why there are no more.
func TestFallsBack(t *testing.T) {
	t.Parallel()
	for kinds, want := range map[string]struct {
		stands, missing []string
	}{
		"": {[]string{cell.WallMounts, cell.WallNetwork, cell.WallProcesses}, nil},
		"user mnt": {
			[]string{cell.WallSystemCalls, cell.WallLimits, cell.WallPrivileges},
			[]string{cell.WallMounts, cell.WallNetwork, cell.WallProcesses},
		},
	} {
		child := exec.Command("/proc/self/exe")
		child.Env = []string{forbidVariable + "=" + kinds, roleVariable + "=forbidden", "TMPDIR=/tmp"}
		child.Stderr = os.Stderr
		one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: one,
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		}
		out, err := child.Output()
		if err != nil {
			t.Skipf("NOT TESTED: no user namespaces here: %v %s", err, out)
		}
		var walls cell.Report
		if err := json.Unmarshal(out, &walls); err != nil {
			t.Fatal(err)
		}
		for _, name := range want.stands {
			if !walls.Stands(name) {
				t.Errorf("without %q: no wall of %s:\n%s", kinds, name, walls)
			}
		}
		for _, w := range walls.Walls {
			if slices.Contains(want.missing, w.Name) && (w.Stands || w.Note == "") {
				t.Errorf("without %q: %+v", kinds, w)
			}
		}
	}
}
