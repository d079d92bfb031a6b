package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	primesLimit = 1_000_000_000
	primesParts = 200
)

// TestCluster counts primes on three workers and kills one of them.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := newPool(t)
	c.begin("server", "--dir", c.dir, "--listen-nats", "127.0.0.1:0", "--name", "server")
	workers := map[string]*exec.Cmd{}
	for _, name := range []string{"ada", "bea", "cyd"} {
		workers[name] = c.begin("worker", "--nats", c.dir, "--wait", "--queues", "primes", "--concurrency", "4", "--name", name)
	}
	c.until("all are there", func() bool { return len(c.workers()) == 4 })
	submit := []string{
		"run", "--nats", c.dir, "--cache-dir", cache, "10-cluster/primes.flow.yaml", "--id", "primes", "--quiet",
		"--set", fmt.Sprint("limit=", primesLimit), "--set", fmt.Sprint("parts=", primesParts),
	}
	if _, errs, code := execute(t, append(submit, "--detach")...); code != 0 {
		t.Fatalf("submit: exit code %d, %s", code, errs)
	}
	// Two workers hold 8 at most: then bea has some of the rest.
	c.until("the run is in its midst, and bea at work", func() bool { return len(c.events()) > primesParts/10 && c.inFlight() > 8 })
	if err := workers["bea"].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = workers["bea"].Wait() // it was killed
	killed := time.Now()

	out, errs, code := execute(t, submit...) // follows it
	if want := primesAnswer(t); code != 0 || strings.TrimSpace(out) != want {
		t.Errorf("got exit code %d, %s, want %s: %s", code, out, want, errs)
	}
	events := c.events()
	checkOnce(t, events)
	checkElsewhere(t, events, killed)
	c.until("bea is off the list", func() bool { return strings.Join(c.workers(), " ") == "ada cyd server" })
}

// TestClusterScript runs the script for readers, with less to do.
func TestClusterScript(t *testing.T) {
	t.Parallel()
	newPool(t)
	dir := t.TempDir()
	const limit = 50_000_000
	cmd := exec.CommandContext(t.Context(), "10-cluster/run.sh", strconv.Itoa(limit))
	built, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output() // it would be in XDG_CACHE_HOME
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "GRAFLOW_WASM="+command, "TMPDIR="+dir, "XDG_CACHE_HOME="+cache, "GOCACHE="+strings.TrimSpace(string(built)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		fmt.Sprintf(`{"limit":%d,"ranges":200,"primes":%d,`, limit, countPrimes(limit)),
		"bea is killed, ", "ranges that count: 200\n", "committed twice:   0\n", "\nada ", "\ncyd ", "\nserver ",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not tell %q:\n%s", want, out)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}

// pool is a server in a directory, with workers around it.
type pool struct {
	*testing.T

	dir string
}

func newPool(t *testing.T) pool {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: there is no sh on Windows, and nothing ends a server there but a kill")
	}
	return pool{t, filepath.Join(t.TempDir(), "srv")}
}

// begin runs the command in the background until the test ends.
func (p pool) begin(args ...string) *exec.Cmd {
	p.Helper()
	cmd := exec.CommandContext(p.Context(), command, append(args, "--cache-dir", cache)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()         // it was killed
		}
		if p.Failed() {
			p.Logf("%q said: %s", args, errs.String())
		}
	})
	return cmd
}

// until waits for what only asking tells.
func (p pool) until(what string, is func() bool) {
	p.Helper()
	for end := time.Now().Add(time.Minute); !is(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("not in a minute: %s", what)
		}
	}
}

// lines are the lines of JSON that a command prints; none if it fails.
func lines[T any](p pool, args ...string) []T {
	p.Helper()
	out, _, code := execute(p.T, append(args, "--nats", p.dir)...)
	if code != 0 {
		return nil
	}
	var all []T
	for line := range strings.Lines(out) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			p.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

// workers are the names of the processes that are there.
func (p pool) workers() []string {
	p.Helper()
	names := []string{}
	for _, w := range lines[struct{ Node string }](p, "workers", "ls", "-o", "json") {
		names = append(names, w.Node)
	}
	return names
}

// inFlight is how many ranges workers have taken and not counted yet.
func (p pool) inFlight() int {
	p.Helper()
	for _, q := range lines[struct {
		Queue    string
		InFlight int `json:"in_flight"`
	}](p, "queues", "ls", "-o", "json") {
		if q.Queue == "primes" {
			return q.InFlight
		}
	}
	return 0
}

// event is part of one in a run's journal.
type event struct {
	Activation string
	Type       string
	Time       time.Time
	Started    time.Time
}

// events are those of the ranges, so far.
func (p pool) events() []event {
	p.Helper()
	var all []event
	for _, e := range lines[event](p, "runs", "show", "primes", "--events") {
		if strings.HasPrefix(e.Activation, "count[") {
			all = append(all, e)
		}
	}
	return all
}

// checkOnce wants each range to be committed once, and none to have failed.
func checkOnce(t *testing.T, all []event) {
	t.Helper()
	times := map[string]int{}
	for _, e := range all {
		switch e.Type {
		case "completed":
			times[e.Activation]++
		case "begun": // by another worker
		default:
			t.Errorf("%s: %s: to lose a worker is no failure of a task", e.Activation, e.Type)
		}
	}
	for i := range primesParts {
		if name := fmt.Sprintf("count[%d]", i); times[name] != 1 {
			t.Errorf("%s is committed %d times", name, times[name])
		}
	}
	if len(times) != primesParts {
		t.Errorf("%d ranges are committed, want %d", len(times), primesParts)
	}
}

// checkElsewhere wants what the killed worker was at to have been begun by others, once
// its lease was over.
func checkElsewhere(t *testing.T, all []event, killed time.Time) {
	t.Helper()
	begun := map[string]bool{}
	for _, e := range all {
		switch {
		case e.Type == "begun" && e.Time.After(killed):
			begun[e.Activation] = true
		case begun[e.Activation] && !e.Started.After(killed):
			t.Errorf("%s was begun elsewhere after the kill, and what counts was begun before", e.Activation)
		}
	}
	t.Logf("%d of %d ranges were begun elsewhere", len(begun), primesParts)
	if len(begun) == 0 {
		t.Error("the worker that was killed had nothing to do: this proves nothing")
	}
}

// primesAnswer is the output of 10-cluster. The widest gap is the one that Lander and
// Parkin found in 1967.
func primesAnswer(t *testing.T) string {
	t.Helper()
	const after, width = 436_273_009, 282
	for n := int64(after); n <= after+width; n++ {
		if is := n == after || n == after+width; big.NewInt(n).ProbablyPrime(0) != is { // exact below 2^64
			t.Fatalf("%d is prime: %t", n, !is)
		}
	}
	return fmt.Sprintf(`{"limit":%d,"ranges":%d,"primes":%d,"gap":{"width":%d,"after":%d}}`, primesLimit, primesParts, countPrimes(primesLimit), width, after)
}

// countPrimes is how many primes there are up to n, by a way that looks at none of
// them but those up to the root: numbers are struck out that have a factor p, for each
// p, from all counts of numbers up to n/1, n/2, … at once.
func countPrimes(n int) int {
	root := int(math.Sqrt(float64(n)))
	small, large := make([]int, root+1), make([]int, root+1) // numbers up to i, up to n/i, without 1
	for i := 1; i <= root; i++ {
		small[i], large[i] = i-1, n/i-1
	}
	for p := 2; p <= root; p++ {
		if small[p] == small[p-1] {
			continue // it was struck out
		}
		for i := 1; i <= root && i <= n/(p*p); i++ {
			if i*p <= root {
				large[i] -= large[i*p] - small[p-1]
			} else {
				large[i] -= small[n/(i*p)] - small[p-1]
			}
		}
		for i := root; i >= p*p; i-- {
			small[i] -= small[i/p] - small[p-1]
		}
	}
	return large[1]
}
