package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/quarantine"
)

// bounded is a server with a policy, and a directory to ask it from.
type bounded struct {
	*testing.T

	dir    string
	server *process
}

// newBounded begins a server with a policy; "" is none.
func newBounded(t *testing.T, policy string) bounded {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: there are cells on Linux alone")
	}
	b := bounded{T: t, dir: t.TempDir()}
	for _, dir := range []string{"open/notes", "closed"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0", "--quarantine-file", "quarantine.json"}
	if policy != "" {
		b.must("", "module", "keygen", "release.key")
		b.write("policy.yaml", []byte(strings.ReplaceAll(policy, "DIR", b.dir)))
		b.must("policy.yaml: valid", "policy", "check", "policy.yaml")
		args = append(args, "--policy", "policy.yaml")
	}
	b.server = begin(t, b.dir, args...)
	b.server.await("ready$")
	return b
}

func (b bounded) write(name string, data []byte) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o600); err != nil {
		b.Fatal(err)
	}
}

// said runs the command, and returns its exit code and all that it wrote.
func (b bounded) said(args ...string) (code int, out string) {
	b.Helper()
	cmd := inDir(b.T, b.dir, args...)
	text, _ := cmd.CombinedOutput() // its code tells
	return cmd.ProcessState.ExitCode(), string(text)
}

// must runs the command, which succeeds and writes what is wanted.
func (b bounded) must(want string, args ...string) {
	b.Helper()
	if code, out := b.said(args...); code != 0 || !strings.Contains(out, want) {
		b.Fatalf("%q: exit code %d, want 0 and %q:\n%s", args, code, want, out)
	}
}

// variant writes the guest under another digest: with one more section that means
// nothing.
func (b bounded) variant(name string) {
	b.Helper()
	code, err := os.ReadFile(guest)
	if err != nil {
		b.Fatal(err)
	}
	b.write(name, append(slices.Clone(code), append([]byte{0, byte(1 + len(name)), byte(len(name))}, name...)...))
}

// cells are the processes that the server has begun and that are still there.
func (b bounded) cells() []int {
	b.Helper()
	parents := map[int]int{}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		fields := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
		if parent, err := strconv.Atoi(string(fields[1])); err == nil && string(fields[0]) != "Z" {
			parents[pid] = parent
		}
	}
	var all []int
	for pid := range parents {
		for up := parents[pid]; up > 1; up = parents[up] {
			if up == b.server.cmd.Process.Pid {
				all = append(all, pid)
				break
			}
		}
	}
	return all
}

// until waits for what only looking tells.
func (b bounded) until(what string, is func() bool) {
	b.Helper()
	for end := time.Now().Add(patience); !is(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("never: %s", what)
		}
	}
}

const boundedPolicy = `
trusted_keys: [release.key.pub]
cells: {kills: 1}
grants:
  mounts: [{host: DIR/open, writable: true}]
  http: [api.example.com]
  secrets: [mine]
`

// TestPolicy has a server held to a policy by flows that want more, and looks behind
// which walls it runs modules.
func TestPolicy(t *testing.T) {
	t.Parallel()
	b := newBounded(t, boundedPolicy)
	b.variant("signed.wasm")
	b.must("signed by", "module", "push", "signed.wasm", "--name", "signed", "--version", "1", "--sign", "release.key", "--nats", "./srv")
	b.until("what compiled it has ended", func() bool { return len(b.cells()) == 0 })
	b.must("1", "run", "signed@1#echo", "--input", "1", "--nats", "./srv", "-q")
	b.until("a signed module has no cell", func() bool { return len(b.cells()) == 0 })
	b.must("2", "run", guest+"#echo", "--input", "2", "--nats", "./srv", "-q")
	if len(b.cells()) == 0 {
		t.Error("an unsigned module has no cell")
	}
	b.must("3", "run", guest+"#echo", "--input", "3", "--nats", "./srv", "-q", "--mount", "open:/d:rw")
	for _, c := range []struct{ flag, value, want string }{
		{"--mount", "closed:/d", "grants.mounts[0]: the operator does not allow reading " + b.dir + "/closed; that is the policy policy.yaml, key grants.mounts: its operator would add [{host: /DIR}]"},
		{"--mount", "open/../closed:/d", "that is the policy policy.yaml"},
		{"--http", "*", "grants.http[0]: the operator does not allow all of \"*\", only api.example.com; that is the policy policy.yaml, key grants.http"},
		{"--http-network", "127.0.0.0/8", "grants.http_networks[0]: the operator does not allow 127.0.0.0/8; that is the policy policy.yaml"},
	} {
		if code, out := b.said("run", guest+"#echo", "--input", "4", "--nats", "./srv", c.flag, c.value); code != exitFailed || !strings.Contains(out, c.want) {
			t.Errorf("%s %s: exit code %d, want %d and %q:\n%s", c.flag, c.value, code, exitFailed, c.want, out)
		}
	}
	b.write("f.flow.yaml", fmt.Appendf(nil, "name: f\ntasks:\n  a: {wasm: %q, secrets: [yours]}\nflow: a\n", guest+"#echo"))
	if code, out := b.said("run", "f.flow.yaml", "--nats", "./srv"); code != exitFailed || !strings.Contains(out, `grants.secrets: the operator does not allow "yours"; that is the policy policy.yaml`) {
		t.Errorf("a secret: exit code %d:\n%s", code, out)
	}
	b.write("f.flow.yaml", fmt.Appendf(nil, "name: f\ntasks:\n  a: {wasm: %q, isolation: inproc}\nflow: a\n", guest+"#echo"))
	if code, out := b.said("run", "f.flow.yaml", "--nats", "./srv"); code != exitUsage || !strings.Contains(out, "never for less") {
		t.Errorf("a flow that asks for less: exit code %d:\n%s", code, out)
	}
}

// TestQuarantine kills the cell of a task: that is the end of the module, until it is
// lifted.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	b := newBounded(t, boundedPolicy)
	b.must("q1", "run", guest+"#waits", "--nats", "./srv", "--detach", "--id", "q1", "--mount", "open/notes:/notes:rw")
	b.until("the task runs", func() bool {
		_, err := os.Stat(filepath.Join(b.dir, "open/notes/lines"))
		return err == nil
	})
	for _, pid := range b.cells() {
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it may have ended
		}
	}
	askUntil(t, b.dir, "^q1 .* failed ", "runs", "ls", "--nats", "./srv")
	if _, out := b.said("runs", "show", "q1", "--nats", "./srv"); !strings.Contains(out, "crash") {
		t.Errorf("the run did not end by a crash:\n%s", out)
	}
	b.refusal()
	for name, want := range map[string]string{"ls": "quarantined", "show": "q1"} {
		args := []string{"module", "quarantine", name, "--quarantine-file", "quarantine.json"}
		if name == "show" {
			args = append(args, b.quarantined().Digest)
		}
		b.must(want, args...)
	}
	if e := b.quarantined(); e.Kind != quarantine.KindModule || e.Last().Run != "q1" || !strings.Contains(e.Last().How, "KILL") {
		t.Errorf("got %+v", e)
	}
	b.must("not run any more", "doctor", "--quarantine-file", "quarantine.json", "--policy", "policy.yaml", "--cache-dir", filepath.Join(cache, "graflow-wasm"))
	b.must("may run again", "module", "quarantine", "lift", "--quarantine-file", "quarantine.json", b.quarantined().Digest[:20])
	b.must("6", "run", guest+"#echo", "--input", "6", "--nats", "./srv", "-q")
}

// refusal wants the module not to be run.
func (b bounded) refusal() {
	b.Helper()
	code, out := b.said("run", guest+"#echo", "--input", "5", "--nats", "./srv")
	for _, want := range []string{"quarantined", "it has killed 1 cell, the last at", "module quarantine show sha256:"} {
		if code != exitFailed || !strings.Contains(out, want) {
			b.Errorf("exit code %d, want %d and %q:\n%s", code, exitFailed, want, out)
		}
	}
}

// quarantined is the one entry that there is.
func (b bounded) quarantined() (e quarantine.Entry) {
	b.Helper()
	out, code := ask(b.T, b.dir, "module", "quarantine", "ls", "-o", "json", "--quarantine-file", "quarantine.json")
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 {
		b.Fatalf("exit code %d, %v:\n%s", code, err, out)
	}
	return e
}

// TestNoPolicy has a server without a policy give nothing of its machine.
func TestNoPolicy(t *testing.T) {
	t.Parallel()
	b := newBounded(t, "")
	if said := b.server.all(); !strings.Contains(said, "no --policy: tasks get no directory of this machine and no network but the internet; every module runs in a process of its own") {
		t.Errorf("it does not say so:\n%s", said)
	}
	for _, flags := range [][]string{{"--mount", "open:/d"}, {"--http", "localhost", "--http-network", "127.0.0.0/8"}} {
		code, out := b.said(append([]string{"run", guest + "#echo", "--input", "1", "--nats", "./srv"}, flags...)...)
		if code != exitFailed || !strings.Contains(out, "no policy was given here") || !strings.Contains(out, "--policy FILE") {
			t.Errorf("%q: exit code %d:\n%s", flags, code, out)
		}
	}
	b.must("1", "run", guest+"#echo", "--input", "1", "--nats", "./srv", "-q", "--scratch", "/tmp", "--http", "example.com")
	if code, out := b.said("run", guest+"#echo", "--input", "1", "--mount", "open:/d", "-q"); code != 0 {
		t.Errorf("one's own machine: exit code %d:\n%s", code, out)
	}
}

// TestPolicyOfOwn holds one's own commands to a policy.
func TestPolicyOfOwn(t *testing.T) {
	t.Parallel()
	b := bounded{T: t, dir: t.TempDir()}
	b.write("p.yaml", []byte("isolation: inproc\ngrants: {http: [a.com]}\n"))
	b.write("bad.yaml", []byte("grants:\n  htp: [a.com]\n"))
	b.write("least.yaml", []byte("{}"))
	why := "that is the policy p.yaml, key grants.http"
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"run GUEST#echo --input 1 -q --policy p.yaml", 0, "1"},
		{"run GUEST#echo --input 1 --policy p.yaml --http b.com", exitUsage, why},
		{"run GUEST#echo --input 1 --policy bad.yaml", exitUsage, `--policy: bad.yaml:2:3: grants: unknown key "htp" (did you mean "http"?)`},
		{"exec -c 1 --policy p.yaml --http b.com", exitUsage, "exec: grants.http[0]: the operator does not allow all of \"b.com\", only a.com; " + why},
		{"mcp --policy p.yaml --allow-http b.com", exitUsage, "mcp: --allow-http, --allow-http-network: grants.http[0]"},
		{"run GUEST#echo --policy p.yaml --nats ./srv", exitUsage, "on a cluster they are the workers'"},
		{"run GUEST#echo --isolation inproc", exitUsage, "want one of unsigned, process"},
		{"policy check p.yaml bad.yaml", exitUsage, "p.yaml: valid: all modules run in this process"},
		{"policy show p.yaml", 0, `http: ["a.com"]`},
		{"policy show least.yaml", 0, "isolation: unsigned"},
		{"policy show --own", 0, "isolation: inproc"},
		{"module quarantine lift sha256:1", exitUsage, "nothing is known of that digest"},
	} {
		args := strings.Fields(strings.ReplaceAll(c.args, "GUEST", guest))
		if code, out := b.said(args...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.want, out)
		}
	}
}
