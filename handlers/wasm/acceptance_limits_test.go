package wasm_test

import (
	"encoding/json"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// endlessLoop stops a guest that loops for ever within 100 ms of its limit, while
// its siblings and the garbage collector go on. The machine may be busy: one of
// some tries has to be in time.
func endlessLoop(t *testing.T) {
	t.Helper()
	const limit = 500 * time.Millisecond
	h := watched{Handler: newHandler(t, wasm.Config{}), task: "a", begun: make(chan time.Time, 1), ended: make(chan time.Time, 1)}
	tr := try(t, wasm.Config{}, map[string]engine.Handler{"watched": h})
	tr.run("1", task(t, "first", "noop")) // so that it is compiled
	spin := task(t, "a", "spin")
	spin.Handler, spin.Limits = "watched", json.RawMessage(`{"timeout":"500ms"}`)
	siblings := engine.Seq(task(t, "b", "count"), task(t, "c", "echo"))
	late, left := time.Hour, time.Duration(0)
	for range 10 {
		r := tr.start("1", engine.Par(spin, siblings).With(engine.Policy{BestEffort: true}))
		begun := <-h.begun
		runtime.GC()
		collected := time.Now()
		ended := <-h.ended
		late, left = min(late, ended.Sub(begun)-limit), max(left, ended.Sub(collected))
		out := tr.wait(r)
		var members struct {
			C      int
			Errors map[string]engine.TaskError
		}
		if err := json.Unmarshal(out.Output, &members); err != nil || members.C != 3 || members.Errors["a"].Kind != engine.KindTimeout {
			t.Fatalf("got %s, %v, want 3 of the siblings and a timeout", marshal(t, out), err)
		}
		if late <= 100*time.Millisecond && left > limit/4 {
			return
		}
	}
	t.Errorf("stopped %s after the limit, want 100ms at most; the collector was done %s before, want %s at least", late, left, limit/4)
}

func endlessRecursion(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	a := hostile(t, "a", "recurse")
	a.Limits = json.RawMessage(`{"timeout":"5s","memory":"64MiB"}`)
	out := tr.run("1", engine.Par(a, task(t, "b", "count")).With(engine.Policy{BestEffort: true}))
	var members struct {
		B      int
		Errors map[string]engine.TaskError
	}
	if err := json.Unmarshal(out.Output, &members); err != nil || members.B != 3 {
		t.Fatalf("got %s, %v, want 3 of the sibling", marshal(t, out), err)
	}
	// A Go guest keeps its stack in its memory.
	if kind := members.Errors["a"].Kind; kind != "stack" && kind != "memory" {
		t.Errorf("got %+v, want the stack or the memory to end it", members.Errors["a"])
	}
}

// memoryBomb takes all the memory that it can get below a limit of 64 MiB, 20 times.
func memoryBomb(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	a := hostile(t, "a", "bomb")
	a.Limits = json.RawMessage(`{"memory":"64MiB"}`)
	before := resident(t)
	for range 20 {
		r := tr.start("null", a)
		tr.wantFailed(tr.wait(r), "memory", `task "a"`, `export "bomb"`)
		if peak := ledger(t, tr.report(r.ID(), "a")).PeakMemory; peak < 32<<20 || peak > 64<<20 {
			t.Errorf("the guest had %d bytes, want all that it may have and no more", peak)
		}
	}
	// Other tests run beside this one, so the bound is a wide one.
	if grown := resident(t) - before; grown > 512<<20 {
		t.Errorf("the host has grown by %d MiB", grown>>20)
	}
}

// resident is how many bytes of memory the process has; 0 where nothing tells.
func resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
