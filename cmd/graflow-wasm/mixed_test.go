package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

var mixedBase = flag.String("mixed-base", "", "the command of an earlier version, in a `FILE`, for TestMixed")

// mixedRuns is how many runs each of the two versions submits while a process is
// killed, and then again.
const mixedRuns = 6

// mixedFlow takes some seconds: long enough to lose a worker in, before its last tasks.
const mixedFlow = `name: mixed
modules: {answer: answer@1.0}
tasks:
  first: {wasm: answer}
  naps: {builtin: sleep, map: "[1, 2, 3]", with: {duration: 3s}}
  work: {wasm: answer, map: "1..8", max_concurrency: 4}
  last: {wasm: answer}
flow: first >> naps >> work >> last
`

// TestMixed runs an earlier version and this one on one cluster: both submit, both
// drive runs and execute tasks, one process at a time is killed, and the server changes
// from one version to the other. All runs end, once; see make mixed-check.
func TestMixed(t *testing.T) {
	t.Parallel()
	if *mixedBase == "" {
		t.Skip("it needs the command of an earlier commit: make mixed-check BASE=REV")
	}
	for _, serves := range []string{"old", "new"} {
		t.Run(serves+" server", func(t *testing.T) {
			t.Parallel()
			m := &mixed{t: t, dir: t.TempDir(), worked: map[string]int{}}
			save(t, filepath.Join(m.dir, "mixed.flow.yaml"), mixedFlow)
			save(t, filepath.Join(m.dir, "answer.wasm"), answering)
			server := m.serve(serves)
			m.must("old", "module", "push", "answer.wasm", "--name", "answer", "--version", "1.0")
			workers := map[string]*process{"old": m.work("old"), "new": m.work("new")}
			for _, victim := range []string{"old", "new"} {
				m.submit()
				m.until("(?m)^.* mixed +running")
				workers[victim].signal(syscall.SIGKILL)
				workers[victim].exit()
				m.submit()
				m.settle()
				workers[victim] = m.work(victim)
			}
			m.check()
			// The other version takes over what this one has stored.
			m.submit()
			server.signal(syscall.SIGTERM)
			server.exit()
			m.serve(map[string]string{"old": "new", "new": "old"}[serves])
			m.settle()
			m.check()
			t.Logf("%d runs; activations committed by process: %v", len(m.runs), m.worked)
			for _, version := range []string{"old", "new"} {
				if m.worked[version] == 0 {
					t.Errorf("the %s worker has done nothing: it proves nothing", version)
				}
			}
		})
	}
}

type mixed struct {
	t      *testing.T
	dir    string
	runs   []string
	worked map[string]int // commits by worker
}

// with has the command of a version run in place of this one's.
func (m *mixed) with(version string, cmd *exec.Cmd) *exec.Cmd {
	if version == "old" {
		cmd.Path, cmd.Err = *mixedBase, nil
	}
	return cmd
}

func (m *mixed) begin(version string, args ...string) *process {
	m.t.Helper()
	return beginCommand(m.t, m.with(version, inDir(m.t, m.dir, args...)))
}

func (m *mixed) serve(version string) *process {
	m.t.Helper()
	args := []string{"server", "--dir", "srv", "--name", "server-" + version, "--listen-nats", "127.0.0.1:0"}
	if help, _ := m.with(version, inDir(m.t, m.dir, "server", "--help")).CombinedOutput(); strings.Contains(string(help), "--listen ") {
		args = append(args, "--listen", "127.0.0.1:0") // one with an API: not at its usual port
	}
	p := m.begin(version, args...)
	p.await("ready$")
	return p
}

func (m *mixed) work(version string) *process {
	m.t.Helper()
	p := m.begin(version, "worker", "--nats", "./srv", "--name", version, "--concurrency", "4", "--wait")
	p.await("ready$")
	return p
}

// must runs a command of a version to its end, which must be a good one.
func (m *mixed) must(version string, args ...string) string {
	m.t.Helper()
	cmd := m.with(version, inDir(m.t, m.dir, append(args, "--nats", "./srv")...))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s%s", version, args, err, out, stderr.String())
	}
	return string(out)
}

// submit begins runs with both versions.
func (m *mixed) submit() {
	m.t.Helper()
	for i := range mixedRuns {
		version := []string{"old", "new"}[i%2]
		run := fmt.Sprintf("%s-%d", version, len(m.runs))
		m.runs = append(m.runs, run)
		m.must(version, "run", "mixed.flow.yaml", "--id", run, "--detach", "-q")
	}
}

func (m *mixed) until(expression string) {
	m.t.Helper()
	askUntil(m.t, m.dir, expression, "runs", "ls", "--limit", "0", "--nats", "./srv")
}

// settle waits until all runs have ended.
func (m *mixed) settle() {
	m.t.Helper()
	for i, run := range m.runs {
		m.must([]string{"old", "new"}[i%2], "runs", "watch", run)
	}
}

// check wants each run to have succeeded, as both versions see it, and each of its
// activations to be committed once.
func (m *mixed) check() {
	m.t.Helper()
	clear(m.worked)
	for _, run := range m.runs {
		for _, version := range []string{"old", "new"} {
			matches(m.t, m.must(version, "runs", "show", run, "-o", "json"), `"status":"succeeded","output":42`)
		}
		commits := map[string]int{}
		for d := json.NewDecoder(strings.NewReader(m.must("new", "runs", "show", run, "--events"))); d.More(); {
			var e engine.Event
			if err := d.Decode(&e); err != nil {
				m.t.Fatal(err)
			}
			if e.Type == engine.EventCompleted {
				commits[e.Activation]++
				m.worked[e.Worker]++
			}
		}
		if len(commits) != 1+3+8+1 {
			m.t.Errorf("%s: %d activations were committed, want 13: %v", run, len(commits), commits)
		}
		for activation, n := range commits {
			if n != 1 {
				m.t.Errorf("%s: %s was committed %d times", run, activation, n)
			}
		}
	}
	if dead := m.must("new", "dead", "ls"); dead != "" {
		m.t.Errorf("dead letters:\n%s", dead)
	}
}
