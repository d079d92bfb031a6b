package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var (
	kills    = flag.Int("kills", 60, "how often TestKill kills; a tenth of it with -short")
	killSeed = flag.Uint64("kill-seed", 0, "seed of the moments at which TestKill kills; 0 draws one")
)

// Chains of tasks, and the task in which they end.
const (
	chains     = 27
	chainTasks = 37
	tasksInAll = chains*chainTasks + 1
)

// TestKill kills the command at random moments of a run of 1 000 tasks, each time
// goes on in another process, and wants what a run gives that nobody disturbs:
// the same output, each task committed once, and nothing done again that was.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("go test -run TestKill -kills %d -kill-seed %d", *kills, seed)
	k := newKilling(t, rand.New(rand.NewPCG(seed, 0)))
	left := *kills
	if testing.Short() {
		left /= 10
	}
	began, runs := time.Now(), 0
	for ; left > 0; runs++ {
		left -= k.run(t, fmt.Sprintf("run-%d", runs), left)
	}
	t.Logf("%d runs, %d kills in their midst, %d attempts that were cut noted again, in %s", runs, k.midst, k.again, time.Since(began).Round(time.Second))
	if k.midst == 0 {
		t.Error("no kill hit a run in its midst: it proves nothing")
	}
}

// killing is what all runs of the test share.
type killing struct {
	random  *rand.Rand
	binary  string
	flow    string
	notes   string
	state   string
	output  string        // of a run that nobody disturbs
	longest time.Duration // of the moments to kill at
	again   int
	midst   int // kills after which some tasks were committed, and not all
}

func newKilling(t *testing.T, random *rand.Rand) *killing {
	t.Helper()
	dir := t.TempDir()
	k := &killing{
		random: random, binary: filepath.Join(dir, "graflow-wasm"), flow: filepath.Join(dir, "links.flow.yaml"),
		notes: filepath.Join(dir, "notes"), state: filepath.Join(dir, "state"),
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", k.binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	if err := os.WriteFile(k.flow, []byte(linksFlow()), 0o600); err != nil {
		t.Fatal(err)
	}
	k.clear(t)
	warm := k.command(t, "run", k.flow, "--input", "7", "-q") // what it compiles is cached
	k.output = output(t, warm)
	began := time.Now()
	again := k.command(t, "run", k.flow, "--input", "7", "-q", "--state", k.state, "--id", "undisturbed")
	if got := output(t, again); got != k.output {
		t.Fatalf("an undisturbed run with --state gives %s, want %s", got, k.output)
	}
	k.longest = time.Since(began)
	return k
}

func linksFlow() string {
	var tasks, flow strings.Builder
	const options = "grants: {mounts: [{host: ./notes, guest: /notes, writable: true}]}"
	for c := range chains {
		flow.WriteString("  ")
		for i := range chainTasks {
			fmt.Fprintf(&tasks, "  c%d-%d: {wasm: guest#link, %s}\n", c, i, options)
			fmt.Fprintf(&flow, "c%d-%d >> ", c, i)
		}
		flow.WriteString("end\n")
	}
	return "name: links\nmodules: {guest: " + guest + "}\ntasks:\n" + tasks.String() +
		"  end: {wasm: guest#total, " + options + "}\nflow: |\n" + flow.String()
}

func (k *killing) clear(t *testing.T) {
	t.Helper()
	if err := errors.Join(os.RemoveAll(k.notes), os.Mkdir(k.notes, 0o700)); err != nil {
		t.Fatal(err)
	}
}

func (k *killing) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), k.binary, args...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "HOME="+cache)
	return cmd
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// run does one run, killed at most so often, and returns how often it was.
func (k *killing) run(t *testing.T, id string, most int) (killed int) {
	t.Helper()
	k.clear(t)
	committed := map[string]int{} // lines of each task when it was first seen committed
	for {
		var stdout, stderr bytes.Buffer
		cmd := k.command(t, "run", k.flow, "--input", "7", "-q", "--state", k.state, "--id", id)
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if killed < most {
			timer := time.AfterFunc(time.Duration(k.random.Int64N(int64(k.longest))), func() { _ = cmd.Process.Kill() }) // it may have ended
			defer timer.Stop()
		}
		err := cmd.Wait()
		wasKilled := err != nil && cmd.ProcessState.ExitCode() == -1
		if err != nil && !wasKilled {
			t.Fatalf("%s: after %d kills: %v\n%s", id, killed, err, stderr.String())
		}
		ended := k.check(t, id, committed)
		if wasKilled {
			killed++
			if len(committed) > 0 && !ended {
				k.midst++
			}
			continue
		}
		if got := strings.TrimSpace(stdout.String()); got != k.output || !ended {
			t.Fatalf("%s: after %d kills: output %s, all committed %t; want %s", id, killed, got, ended, k.output)
		}
		return killed
	}
}

// check wants each task to be committed at most once, and none to have been begun
// again that was committed before. It reports whether all are committed.
func (k *killing) check(t *testing.T, id string, committed map[string]int) bool {
	t.Helper()
	var stderr bytes.Buffer
	cmd := k.command(t, "runs", "show", id, "--events", "--state", k.state)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if text := stderr.String(); cmd.ProcessState.ExitCode() == exitUsage && (strings.Contains(text, "not found") || strings.Contains(text, "no runs are kept")) {
			return false // killed before it began
		}
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.String())
	}
	commits := map[string]int{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var e engine.Event
		if err := decoder.Decode(&e); err != nil {
			t.Fatal(err)
		}
		if e.Type == engine.EventCompleted {
			commits[e.Activation]++
		}
	}
	lines := k.lines(t)
	for task, n := range commits {
		if n != 1 {
			t.Fatalf("%s: task %s was committed %d times", id, task, n)
		}
		was, seen := committed[task]
		if !seen {
			committed[task] = lines[task]
			k.again += lines[task] - 1
		}
		if now := lines[task]; now < 1 || seen && now != was {
			t.Fatalf("%s: task %s has noted itself %d times; it had %d when it was committed", id, task, now, was)
		}
	}
	for task := range maps.Keys(committed) {
		if commits[task] == 0 {
			t.Fatalf("%s: the commit of task %s is lost", id, task)
		}
	}
	return len(commits) == tasksInAll
}

func (k *killing) lines(t *testing.T) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(k.notes, "lines"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	lines := map[string]int{}
	for line := range strings.Lines(string(text)) {
		lines[strings.TrimSpace(line)]++
	}
	return lines
}
