package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// manyFlow stores more than a disk has room for that has 24 KiB.
const manyFlow = `name: many
tasks:
  each: {builtin: randint, map: "1..1000", with: {min: "${item}", max: "${item}"}}
  last: {builtin: choice, with: {items: ["done"]}}
flow: each >> last
`

const tasksOfMany = 1001

// onceEach wants each of so many tasks to be committed once, after the lines of
// events that were told before.
func onceEach(t *testing.T, events, before string, tasks int) {
	t.Helper()
	if !strings.HasPrefix(events, before) {
		t.Errorf("what was told before is not the beginning:\n%s\nof:\n%s", before, events)
	}
	commits := map[string]int{}
	for line := range strings.Lines(events) {
		var e engine.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Type == engine.EventCompleted {
			commits[e.Activation]++
		}
	}
	for activation, n := range commits {
		if n != 1 {
			t.Errorf("%s was committed %d times", activation, n)
		}
	}
	if len(commits) != tasks {
		t.Errorf("%d tasks were committed, want %d", len(commits), tasks)
	}
}

// TestFullDisk: a run whose state directory is full ends there and says so; what it
// had stored is kept, and once there is room it goes on from there.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	withDisk(t, func(d *disk) {
		many, kept := d.save("many.flow.yaml", manyFlow), d.save("kept.flow.yaml", keptFlow)
		want(t, d.dir, exitPaused, "run", kept, "--state", "state", "--id", "paused", "-q")

		d.leave(24 << 10)
		run := begin(t, d.dir, "run", many, "--state", "state", "--id", "many", "-q")
		if code := run.exit(); code != exitFailed {
			t.Errorf("on a full disk it ends with %d, want %d", code, exitFailed)
		}
		matches(t, run.all(), `state/runs/many/\d+\.journal: .*no space left on device`)
		matches(t, run.all(), `(?m)^Once that is mended, go on with it: graflow-wasm runs resume many --state state$`)
		before := want(t, d.dir, 0, "runs", "show", "many", "--events", "--state", "state")
		matches(t, before, `"type":"completed"`)
		matches(t, want(t, d.dir, 0, "runs", "ls", "--state", "state"), `(?m)^many +many +interrupted`)
		want(t, d.dir, exitFailed, "runs", "resume", "many", "--state", "state", "-q")

		d.leave(0)
		fresh := begin(t, d.dir, "run", many, "--state", "state", "--id", "fresh", "-q")
		if code := fresh.exit(); code != exitFailed {
			t.Errorf("a run that can't begin ends with %d, want %d", code, exitFailed)
		}
		matches(t, fresh.all(), `no space left on device\nFree space there, and do it again$`)

		d.free()
		if out := want(t, d.dir, 0, "runs", "resume", "many", "--state", "state", "-q"); out != "\"done\"\n" {
			t.Errorf("with room again it ends with %s, want done", out)
		}
		onceEach(t, want(t, d.dir, 0, "runs", "show", "many", "--events", "--state", "state"), before, tasksOfMany)
		if out := want(t, d.dir, 0, "runs", "resume", "paused", "ok", "7", "--state", "state", "-q"); out != "7\n" {
			t.Errorf("the run that was there ends with %s, want 7", out)
		}
		want(t, d.dir, 0, "run", many, "--state", "state", "--id", "fresh", "-q")
	})
}

// TestFullDiskOfServer: a server whose disk is full ends and says so; the next one
// finishes what was accepted, once there is room.
func TestFullDiskOfServer(t *testing.T) {
	t.Parallel()
	withDisk(t, func(d *disk) {
		many, kept := d.save("many.flow.yaml", manyFlow), d.save("kept.flow.yaml", keptFlow)
		serve := []string{"server", "--dir", "srv", "--name", "one", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0"}
		server := begin(t, d.dir, serve...)
		server.await("ready$")
		want(t, d.dir, exitPaused, "run", kept, "--id", "paused", "-q", "--nats", "./srv")

		d.leave(256 << 10)
		begin(t, d.dir, "run", many, "--id", "many", "-q", "--nats", "./srv") // until the end of the test: its server comes back at another address
		if code := server.exit(); code != exitFailed {
			t.Errorf("on a full disk the server ends with %d, want %d", code, exitFailed)
		}
		matches(t, server.all(), `(?m)^graflow-wasm: NATS server in srv: the store has failed: .*no space left on device$`)
		matches(t, server.all(), `(?m)^What was acknowledged is kept, .*free space there, .*start it again: graflow-wasm server --dir srv$`)
		want(t, d.dir, exitUnreachable, "runs", "ls", "--nats", "./srv")

		d.leave(0)
		early := begin(t, d.dir, serve...)
		if code := early.exit(); code != exitFailed {
			t.Errorf("without room the next server ends with %d, want %d", code, exitFailed)
		}
		matches(t, early.all(), `no space left on device`)

		d.free()
		server = begin(t, d.dir, serve...)
		server.await("ready$")
		matches(t, want(t, d.dir, 0, "runs", "watch", "many", "-o", "json", "--nats", "./srv"), `"status":"succeeded","output":"done"`)
		onceEach(t, want(t, d.dir, 0, "runs", "show", "many", "--events", "--nats", "./srv"), "", tasksOfMany)
		if out := want(t, d.dir, 0, "runs", "resume", "paused", "ok", "7", "-q", "--nats", "./srv"); out != "7\n" {
			t.Errorf("the run that was there ends with %s, want 7", out)
		}
		server.signal(syscall.SIGTERM)
		if code := server.exit(); code != 0 {
			t.Errorf("the next server ends with %d, want 0", code)
		}
	})
}

// TestSmallDisk: a server whose disk is too small from the start tells so.
func TestSmallDisk(t *testing.T) {
	t.Parallel()
	withDisk(t, func(d *disk) {
		d.leave(64 << 20)
		server := begin(t, d.dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", "127.0.0.1:0")
		if code := server.exit(); code != exitFailed {
			t.Errorf("it ends with %d, want %d", code, exitFailed)
		}
		matches(t, server.all(), `(?m)^graflow-wasm: set up stream \w+: there is less room on the server than it may take, \d+ MiB`)
		matches(t, server.all(), `(?m)^Three quarters of what is free on the disk of srv are .*: free space there$`)
	})
}
