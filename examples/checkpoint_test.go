package examples_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	// exponent is one whose test takes about a second.
	exponent = 9949
	// cycles are how many visits of the task test that is, activations those of
	// the whole run.
	cycles      = 40
	activations = cycles + 2
)

// verdict is the output of 09-checkpoint: what a single loop finds, with a
// division for each step.
func verdict(t *testing.T) string {
	t.Helper()
	one := big.NewInt(1)
	modulus := new(big.Int).Sub(new(big.Int).Lsh(one, exponent), one)
	s := big.NewInt(4)
	for range exponent - 2 {
		s.Mul(s, s).Sub(s, big.NewInt(2)).Mod(s, modulus)
	}
	digits, prime := len(modulus.String()), s.Sign() == 0
	low := s.And(s, new(big.Int).SetUint64(1<<64-1))
	return fmt.Sprintf(`{"exponent":%d,"prime":%t,"digits":%d,"residue":"%016X"}`, exponent, prime, digits, low)
}

// TestCheckpoint kills a run, goes on with it, repeats part of it, and moves it.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	want := verdict(t)
	here, there := kept(filepath.Join(t.TempDir(), "here")), kept(filepath.Join(t.TempDir(), "there"))
	startAndKill(t, here, "m", "checkpoint step-2000")
	if got := here.list(t, "interrupted"); !slices.Equal(got, []string{"m"}) {
		t.Fatalf("interrupted are %q, want m: was it killed too late?", got)
	}
	file := filepath.Join(t.TempDir(), "m.json")
	if _, errs, code := here.call(t, "runs", "export", "m", "--checkpoint", "step-2000", "--out", file); code != 0 {
		t.Fatalf("export: exit code %d, %s", code, errs)
	}

	goOn(t, here, want, 9, "runs", "resume", "m")
	checkStory(t, here.show(t, "m"), want)
	goOn(t, here, want, 5, "runs", "fork", "m", "--checkpoint", "step-1000", "--id", "again")
	again := here.show(t, "again")
	checkStory(t, again, want)
	if o := again.Origin; o == nil || o.Run != "m" || o.Checkpoint != "step-1000" {
		t.Errorf("the fork comes from %+v, want step-1000 of m", o)
	}
	sameMarks(t, here.show(t, "m"), again)

	// The other directory has nothing but the document.
	if err := os.RemoveAll(string(here)); err != nil {
		t.Fatal(err)
	}
	goOn(t, there, want, 9, "runs", "resume", file)
	moved := there.show(t, "m")
	checkStory(t, moved, want)
	sameMarks(t, again, moved)
	goOn(t, there, want, 9, "runs", "resume", file)
	if got := there.list(t, "succeeded"); len(got) != 2 {
		t.Errorf("there are the runs %q, want two: the second time makes another run", got)
	}
}

// startAndKill begins a run, and kills its process when it says so and so.
func startAndKill(t *testing.T, k kept, id, when string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, "run", "09-checkpoint/mersenne.flow.yaml", "--set", fmt.Sprintf("exponent=%d", exponent),
		"--state", string(k), "--id", id, "--cache-dir", cache)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		if !killed && strings.HasSuffix(scanner.Text(), when) {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !killed {
		t.Fatalf("it ended by itself: %v, killed: %t", err, killed)
	}
}

var started = regexp.MustCompile(`(?m) (\S+): started`)

// goOn goes on with a run, in which cycles of test before first must not run again.
func goOn(t *testing.T, k kept, want string, first int, args ...string) {
	t.Helper()
	out, errs, code := k.drive(t, args...)
	if code != 0 || strings.TrimSpace(out) != want {
		t.Errorf("%q: got exit code %d, %q, want %s: %s", args, code, out, want, errs)
	}
	begun := started.FindStringSubmatch(errs)
	if begun == nil {
		t.Fatalf("%q: nothing ran: %s", args, errs)
	}
	var cycle int
	if _, err := fmt.Sscanf(begun[1], "test#%d", &cycle); err != nil || cycle < first {
		t.Errorf("%q: it went on with %s, want test#%d or a later one", args, begun[1], first)
	}
}

// checkStory wants every activation to have happened once, and all checkpoints.
func checkStory(t *testing.T, s story, want string) {
	t.Helper()
	if s.Status != "succeeded" || string(s.Output) != want || s.Steps != activations {
		t.Errorf("run %s: %s, %s after %d steps, want %s after %d", s.Run, s.Status, s.Output, s.Steps, want, activations)
	}
	for i, c := range s.Checkpoints {
		var mark struct{ Step, Of int }
		if err := json.Unmarshal(c.Meta, &mark); err != nil {
			t.Fatal(err)
		}
		if c.Name != fmt.Sprintf("step-%d", 1000*(i+1)) || mark.Step != 1000*(i+1) || mark.Of != exponent-2 {
			t.Errorf("run %s: checkpoint %d is %s: %s", s.Run, i, c.Name, c.Meta)
		}
	}
	if len(s.Checkpoints) != exponent/1000 {
		t.Errorf("run %s: got %d checkpoints, want %d", s.Run, len(s.Checkpoints), exponent/1000)
	}
}

// sameMarks wants two runs to have found the same on the way.
func sameMarks(t *testing.T, a, b story) {
	t.Helper()
	for i := range min(len(a.Checkpoints), len(b.Checkpoints)) {
		if x, y := a.Checkpoints[i], b.Checkpoints[i]; string(x.Meta) != string(y.Meta) {
			t.Errorf("%s of %s says %s, of %s %s", x.Name, a.Run, x.Meta, b.Run, y.Meta)
		}
	}
}
