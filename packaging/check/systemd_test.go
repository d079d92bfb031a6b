package check_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func units(tb testing.TB) []string {
	tb.Helper()
	all, err := filepath.Glob(filepath.Join(packaging, "systemd", "*.service"))
	if err != nil || len(all) != 2 {
		tb.Fatalf("got units %v, %v, want 2", all, err)
	}
	return all
}

var execStart = regexp.MustCompile(`(?m)^ExecStart=(/\S+/graflow-wasm) (.*)$`)

// unitLines are the command lines of units. Variables of systemd are names of
// directories there, or flags that are not known here.
func unitLines(tb testing.TB) []line {
	tb.Helper()
	var all []line
	for _, unit := range units(tb) {
		text, err := os.ReadFile(unit)
		if err != nil {
			tb.Fatal(err)
		}
		found := execStart.FindSubmatch(text)
		if found == nil {
			tb.Fatalf("%s starts nothing", unit)
		}
		args := strings.ReplaceAll(string(found[2]), "$GRAFLOW_WASM_FLAGS", "")
		all = append(all, line{unit, strings.Fields(args)})
	}
	return all
}

// analyze runs systemd-analyze, which reads units without a systemd that runs.
func analyze(tb testing.TB, args ...string) (string, error) {
	tb.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		absent(tb, "%v: install Debian's package systemd", err)
	}
	out, err := exec.CommandContext(context.WithoutCancel(tb.Context()), path, args...).CombinedOutput()
	return string(out), err
}

// TestUnits has systemd read the units: what it does not know it tells, and what can't
// be executed is an error. In place of the installed command stands the one built here.
func TestUnits(t *testing.T) {
	t.Parallel()
	binary := command(t)
	for _, unit := range units(t) {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), filepath.Base(unit))
		text = execStart.ReplaceAll(text, []byte("ExecStart="+binary+" $2"))
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := analyze(t, "verify", "--man=no", path); err != nil || strings.TrimSpace(out) != "" {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
		wrong := append(text, "[Service]\nNoSuchThing=yes\n"...)
		if err := os.WriteFile(path, wrong, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _ := analyze(t, "verify", "--man=no", path); !strings.Contains(out, "NoSuchThing") {
			t.Errorf("%s: systemd does not tell what it does not know, so nothing was checked: %s", unit, out)
		}
	}
}

// TestUnitsAreHardened wants the exposure that systemd reckons to be 2.0 of 10 at most.
func TestUnitsAreHardened(t *testing.T) {
	t.Parallel()
	for _, unit := range units(t) {
		if out, err := analyze(t, "security", "--offline=true", "--threshold=20", "--no-pager", unit); err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}
