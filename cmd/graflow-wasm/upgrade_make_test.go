package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/quarantine"
	"github.com/graflow/graflow-wasm/natsbus/streamtext"
)

var upgradeWrite = flag.String("upgrade-write", "", "the `NAME` of the set of data that TestUpgradeMake writes below testdata/upgrade, as v002")

// TestUpgradeMake writes what this version stores, for later ones; see make
// upgrade-data. A set that is there it does not touch: it is what another version has
// written.
func TestUpgradeMake(t *testing.T) { //nolint:paralleltest // it makes files, when it is asked to
	if *upgradeWrite == "" {
		t.Skip("it writes data only if it is asked to: make upgrade-data SET=vNNN")
	}
	dir := filepath.Join(upgradeData, *upgradeWrite)
	if _, err := os.Stat(dir); err == nil {
		t.Fatalf("%s is there: name another set", dir)
	}
	makeSet(t, true).keep(t, dir)
}

// answering is a command of 129 bytes that writes 42.
const answering = "\x00asm\x01\x00\x00\x00" +
	"\x01\x0c\x02\x60\x04\x7f\x7f\x7f\x7f\x01\x7f\x60\x00\x00" +
	"\x02\x23\x01\x16wasi_snapshot_preview1\x08fd_write\x00\x00" +
	"\x03\x02\x01\x01\x05\x03\x01\x00\x01" +
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x01" +
	"\x0a\x0f\x01\x0d\x00\x41\x01\x41\x00\x41\x01\x41\x0c\x10\x00\x1a\x0b" +
	"\x0b\x15\x02\x00\x41\x00\x0b\x08\x10\x00\x00\x00\x02\x00\x00\x00\x00\x41\x10\x0b\x0242"

// Flows whose runs are kept, on a machine and on a cluster. The last task of half goes
// to workers in another zone, which are not there yet.
const (
	keptFlow = `name: kept
tasks:
  first: {builtin: randint, with: {min: 7, max: 7}, output: blob}
  gate: {builtin: pause, with: {name: ok, message: go on?}}
  last: {builtin: choice, with: {items: ["${tasks.gate}"]}}
flow: first >> gate >> last
`
	sleepsFlow = `name: sleeps
tasks:
  first: {builtin: randint, map: "[1, 2, 3]", with: {min: "${item}", max: "${item}"}}
  wait: {builtin: sleep, with: {duration: 3s}}
  last: {builtin: choice, with: {items: ["awake"]}}
flow: first >> wait >> last
`
	badFlow = `name: bad
tasks:
  first: {builtin: now}
  bad: {builtin: randint, with: {min: 2, max: 1}}
flow: first >> bad
`
	stepsFlow = `name: steps
modules: {answer: answer@1.0}
tasks:
  first: {wasm: answer}
  gate: {builtin: pause, with: {name: ok, message: go on?}}
  last: {wasm: answer}
flow: first >> gate >> last
`
	halfFlow = `name: half
modules: {answer: answer@1.0}
tasks:
  first: {wasm: answer}
  parts: {builtin: randint, map: "[1, 2, 3]", with: {min: "${item}", max: "${item}"}}
  far: {wasm: answer, requires: {zone: b}}
flow: first >> parts >> far
`
)

// makeSet does what leaves each kind of data behind. What takes long is made only with
// all: a session, for which the interpreter is compiled, and an archived run, which is
// archived after a minute.
func makeSet(t *testing.T, all bool) dataSet {
	t.Helper()
	dir := t.TempDir()
	for name, flow := range map[string]string{"kept": keptFlow, "sleeps": sleepsFlow, "bad": badFlow, "steps": stepsFlow, "half": halfFlow} {
		save(t, filepath.Join(dir, name+".flow.yaml"), flow)
	}
	save(t, filepath.Join(dir, "answer.wasm"), answering)
	var s dataSet
	s.checkpoint = makeState(t, dir, all)
	makeReceipts(t, dir)
	makeQuarantine(t, filepath.Join(dir, "files", "quarantine.json"))
	s.files = packed(t, filepath.Join(dir, "files"))
	s.streams = makeStreams(t, dir, all)
	s.form = formOf(t, s)
	return s
}

// want runs the command to its end, which has to be as it should.
func want(t *testing.T, dir string, code int, args ...string) string {
	t.Helper()
	out, got := ask(t, dir, args...)
	if got != code {
		t.Fatalf("%s ends with %d, want %d: %s", args, got, code, out)
	}
	return out
}

// makeState makes what is kept on a machine, below files, and returns a checkpoint.
func makeState(t *testing.T, dir string, all bool) string {
	t.Helper()
	want(t, dir, 0, "run", "kept.flow.yaml", "--state", "files/state", "--id", "done", "--answer", "ok=1", "-q")
	want(t, dir, exitPaused, "run", "kept.flow.yaml", "--state", "files/state", "--id", "paused", "-q")
	want(t, dir, 1, "run", "bad.flow.yaml", "--state", "files/state", "--id", "failed", "-q")
	half := begin(t, dir, "run", "sleeps.flow.yaml", "--state", "files/state", "--id", "half")
	half.await("wait: ")
	half.signal(syscall.SIGKILL)
	half.exit()
	if all {
		want(t, dir, 0, "exec", "--session", "notes", "--state", "files/state", "-c", "x = 41", "-q")
	}
	want(t, dir, 0, "secrets", "set", "token", "--value", "a-secret", "--secrets-file", "files/secrets.age", "--identity", "files/identity.txt")
	return want(t, dir, 0, "runs", "export", "paused", "--state", "files/state", "--at", "3")
}

// makeReceipts makes receipts of a module and of a flow, and the key that signs them.
func makeReceipts(t *testing.T, dir string) {
	t.Helper()
	save(t, filepath.Join(dir, "files", "receipts", "answer.wasm"), answering)
	want(t, dir, 0, "module", "keygen", "files/receipts/key")
	signed := []string{"--receipt-key", "files/receipts/key", "-q"}
	want(t, dir, 0, append([]string{"run", "files/receipts/answer.wasm", "--receipt", "files/receipts/answer.receipt"}, signed...)...)
	want(t, dir, 0, append([]string{"run", "kept.flow.yaml", "--answer", "ok=1", "--receipt", "files/receipts/kept.receipt", "--receipt-embed"}, signed...)...)
}

// killer is the digest of a module that is quarantined.
const killer = "sha256:4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c4f1c"

// makeQuarantine notes a module that has killed as many processes as it may.
func makeQuarantine(t *testing.T, file string) {
	t.Helper()
	s, err := quarantine.Open(quarantine.Config{File: file, Worker: "first"})
	for range 3 {
		if err == nil {
			_, err = s.Died(killer, quarantine.KindModule, quarantine.Report{
				How: "signal: segmentation fault", Stderr: "fault", Name: "killer", Export: "run", Tenant: "main", Run: "failed", Task: "bad",
			})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// makeStreams makes what a cluster keeps.
func makeStreams(t *testing.T, dir string, all bool) string {
	t.Helper()
	server := begin(t, dir, "server", "--dir", "srv", "--name", "first", "--labels", "zone=a", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0")
	server.await("ready$")
	there := func(code int, args ...string) { t.Helper(); want(t, dir, code, append(args, "--nats", "./srv")...) }
	there(0, "module", "push", "answer.wasm", "--name", "answer", "--version", "1.0")
	there(0, "flows", "put", "steps.flow.yaml")
	there(0, "schedules", "add", "later", "steps", "--every", "10000h")
	there(0, "queues", "limit", "slow", "3")
	there(0, "run", "steps.flow.yaml", "--id", "done", "--answer", "ok=true", "-q")
	there(exitPaused, "run", "steps.flow.yaml", "--id", "paused", "-q")
	there(1, "run", "bad.flow.yaml", "--id", "failed", "-q")
	there(0, "run", "half.flow.yaml", "--id", "half", "--detach", "-q")
	there(0, "run", "half.flow.yaml", "--id", "canceled", "--detach", "-q")
	there(0, "runs", "cancel", "canceled")
	askUntil(t, dir, "^canceled +half +canceled", "runs", "ls", "--nats", "./srv")
	askUntil(t, dir, `"activation":"far"`, "runs", "show", "half", "-o", "json", "--nats", "./srv")
	if err := streamtext.Publish(t.Context(), owner(t, filepath.Join(dir, "srv")), "gf.task._default._.n._main._x._y.1", []byte("no ticket")); err != nil {
		t.Fatal(err)
	}
	askUntil(t, dir, "no ticket|ticket", "dead", "ls", "--nats", "./srv")
	text := written(t, filepath.Join(dir, "srv"))
	for end := time.Now().Add(3 * time.Minute); all && !strings.Contains(text, `"subject":"gf.arc.`); text = written(t, filepath.Join(dir, "srv")) {
		if time.Now().After(end) {
			t.Fatal("no run was archived within three minutes")
		}
		<-time.After(time.Second) // nobody tells when that is done
	}
	server.signal(syscall.SIGTERM)
	server.exit()
	return text
}

// written are the streams of the server in a directory, but who is there.
func written(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := streamtext.Write(t.Context(), &b, owner(t, dir), "GF_NODE"); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
