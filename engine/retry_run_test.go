package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestRetryRun: a run that has failed goes on from what failed, or from a task,
// and keeps what succeeded.
func TestRetryRun(t *testing.T) {
	t.Parallel()
	for _, c := range []acceptanceCase{
		{name: "failed_task", run: func(w *world) {
			w.retained()
			r := w.flaky(w.flow("a>b>c"))
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"c"`)
			w.wantLog("a b b c")
			w.wantIs(w.retryError(r, engine.RetryFrom{}), engine.ErrNotRetryable)
		}},
		{name: "budget", virtual: true, run: func(w *world) {
			w.retained()
			n := 0
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
				if n++; n < 5 {
					return nil, errBoom
				}
				return c.Call.Attempt, nil
			})
			s := w.flow("a>b")
			task(s, "a").Retry, task(s, "a").Rollback = &engine.Retry{Max: 1, Delay: engine.Duration(time.Second)}, "undo"
			s.Tasks = append(s.Tasks, w.plain("undo"))
			r := w.start(s)
			w.wantError(w.wait(r), engine.KindError)
			w.wantError(w.retry(r, engine.RetryFrom{}), engine.KindError)
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"b"`)
			w.wantCount("a", 5)
			w.wantCount("undo", 2) // once for each time it failed for good
		}},
		{name: "siblings", virtual: true, run: func(w *world) {
			w.retained()
			w.config.Concurrency = 3
			w.on("slow", func(c *direct.Context, _ json.RawMessage) (any, error) {
				select {
				case <-time.After(time.Hour):
				case <-c.Done():
				}
				return "slow", c.Err()
			})
			r := w.flaky(w.flow("a>b>d, a>c>d, a>slow>d"))
			w.on("slow", func(*direct.Context, json.RawMessage) (any, error) { return "slow", nil })
			out := w.retry(r, engine.RetryFrom{})
			w.wantSucceeded(out, `"d"`)
			w.wantCount("a", 1)
			w.wantCount("c", 1)
			w.wantCount("d", 1)
		}},
		{name: "followers", run: func(w *world) { // c succeeds while the run fails: what follows it is not lost
			w.retained()
			w.config.Concurrency = 2
			failing, failed := make(chan struct{}), make(chan struct{})
			w.on("b", func(*direct.Context, json.RawMessage) (any, error) {
				<-failing
				return nil, errBoom
			})
			w.on("c", func(*direct.Context, json.RawMessage) (any, error) {
				close(failing)
				<-failed
				return "c", nil
			})
			observe := w.config.Observe
			w.config.Observe = func(n engine.Notice) {
				observe(n)
				if n.Type == engine.NoticeTaskFailed {
					close(failed)
				}
			}
			s := w.flow("a>b>d, a>c>e>d")
			r := w.start(s)
			w.wantError(w.wait(r), engine.KindError)
			w.wantCount("e", 0)
			w.config.Observe = observe
			w.on("b", func(*direct.Context, json.RawMessage) (any, error) { return "b", nil })
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"d"`)
			w.wantCount("c", 1)
			w.wantCount("e", 1)
		}},
		{name: "group", run: func(w *world) {
			w.retained()
			r := w.flaky(w.nodes(engine.Seq(engine.Par(w.plain("a"), engine.Seq(w.plain("b"), w.plain("x")), w.plain("c")).Named("g"), w.plain("end"))))
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"end"`)
			w.wantCount("b", 2)
			w.wantCount("x", 1)
			w.wantCount("end", 1)
		}},
		{name: "map", run: func(w *world) {
			w.retained()
			n := 0
			w.on("m", func(_ *direct.Context, in json.RawMessage) (any, error) {
				if string(in) == "3" {
					if n++; n == 1 {
						return nil, errBoom
					}
				}
				return in, nil
			})
			s := w.flow("m")
			task(s, "m").Map = "1..5"
			r := w.start(s)
			w.wantError(w.wait(r), engine.KindError)
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), "[1,2,3,4,5]")
			w.wantCount("m", 6)
		}},
		{name: "from", run: func(w *world) {
			w.retained()
			w.on("b", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
			w.on("c", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
			r := w.start(w.flow("a>b>c, a>z"))
			w.wait(r)
			out := w.retry(r, engine.RetryFrom{Task: "b", Input: json.RawMessage("7")})
			w.wantSucceeded(out, `{"c":7,"z":"z"}`)
			w.wantLog("a b z c b c")
			w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "a"}), `{"c":"a","z":"z"}`)
			w.wantIs(w.retryError(r, engine.RetryFrom{Task: "nope"}), engine.ErrNotRetryable)
			w.wantIs(w.retryError(r, engine.RetryFrom{Input: json.RawMessage("1")}), engine.ErrNotRetryable)
		}},
		{name: "step_limit", run: func(w *world) {
			w.retained()
			s := w.flow("a>b>c>d")
			s.Limits.MaxSteps = 2
			r := w.start(s)
			w.wantStatus(w.wait(r), engine.StatusFailed, engine.ReasonStepLimit)
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"d"`) // another two
			w.wantLog("a b c d")
		}},
		{name: "cycle_limit", run: func(w *world) {
			w.retained()
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) { return 1, c.NextIteration(1) })
			s := w.flow("a")
			task(s, "a").MaxCycles = ptr(2)
			r := w.start(s)
			w.wantStatus(w.wait(r), engine.StatusFailed, engine.ReasonCycleLimit)
			w.wantStatus(w.retry(r, engine.RetryFrom{}), engine.StatusFailed, engine.ReasonCycleLimit)
			w.wantCount("a", 2) // its cycles are not forgotten
		}},
		{name: "canceled", run: func(w *world) {
			w.retained()
			first := true
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
				if first {
					c.Cancel("not now")
				}
				first = false
				return "a", nil
			})
			r := w.start(w.flow("a>b"))
			w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"b"`)
		}},
		{name: "from_failed_group", run: func(w *world) {
			w.retained()
			r := w.flaky(w.nodes(engine.Seq(engine.Par(w.plain("a"), w.plain("b")).Named("g"), w.plain("end"))))
			w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "g"}), `"end"`)
			w.wantCount("a", 2)
			w.wantCount("b", 2)
			w.wantIs(w.retryError(r, engine.RetryFrom{Task: "a"}), engine.ErrNotRetryable)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.virtual {
				synctest.Test(t, func(t *testing.T) { c.run(newWorld(t, inMemory)) })
				return
			}
			c.run(newWorld(t, inMemory))
		})
	}
}

// flaky runs a flow whose task b fails the first time.
func (w *world) flaky(s *engine.Spec) *engine.Running {
	w.Helper()
	w.on("b", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
	r := w.start(s)
	if out := w.wait(r); out.Status != engine.StatusFailed {
		w.Fatalf("status %s, want failed", out.Status)
	}
	w.on("b", func(*direct.Context, json.RawMessage) (any, error) { return "b", nil })
	return r
}

// retry goes on with a run in another process.
func (w *world) retry(r *engine.Running, from engine.RetryFrom) engine.Outcome {
	w.Helper()
	again, err := w.restart().Retry(w.Context(), r.ID(), from)
	if err != nil {
		w.Fatal(err)
	}
	return w.wait(again)
}

func (w *world) retryError(r *engine.Running, from engine.RetryFrom) error {
	w.Helper()
	_, err := w.open().Retry(w.Context(), r.ID(), from)
	return err
}

// TestHold: a held run begins nothing new, what runs may end, also over the end of
// the process.
func TestHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory)
	w.retained()
	w.config.Concurrency = 2
	begun, end := make(chan string), make(chan struct{})
	for _, id := range []string{"a", "b", "c"} {
		w.on(id, func(*direct.Context, json.RawMessage) (any, error) {
			begun <- id
			<-end
			return id, nil
		})
	}
	r := w.start(w.nodes(engine.Seq(engine.Par(w.plain("a"), w.plain("b"), w.plain("c"), w.plain("d")), w.plain("last"))))
	<-begun
	<-begun
	if err := errors.Join(r.Hold("lunch"), r.Hold("again")); err != nil {
		t.Fatal(err)
	}
	close(end)
	out := w.wait(r)
	w.wantStatus(out, engine.StatusPaused, engine.ReasonHeld)
	w.wantCount("c", 0)
	r = w.recover(r.ID())
	w.wantStatus(w.wait(r), engine.StatusPaused, engine.ReasonHeld)
	if err := r.Release(); err != nil {
		t.Fatal(err)
	}
	<-begun
	w.wantSucceeded(w.wait(r), `"last"`)
	for _, id := range []string{"a", "b", "c", "d"} {
		w.wantCount(id, 1)
	}
}

// TestHoldThenCancel: a held run can be canceled; what was held back never begins.
func TestHoldThenCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory)
	held := make(chan struct{})
	var r *engine.Running
	ready := make(chan struct{})
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) {
		<-ready
		defer close(held)
		return "a", r.Hold("")
	})
	r = w.start(w.flow("a>b"))
	close(ready)
	<-held
	w.wantStatus(w.wait(r), engine.StatusPaused, engine.ReasonHeld)
	if err := r.Cancel("enough"); err != nil {
		t.Fatal(err)
	}
	w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
	w.wantLog("a")
	w.wantIs(r.Hold(""), engine.ErrFinished)
}

// TestOutput: large values are kept as blobs, and whole where they are used.
func TestOutput(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 100_000)
	for output, blob := range map[engine.Output]bool{"": false, engine.OutputInline: false, engine.OutputAuto: true, engine.OutputBlob: true} {
		t.Run(string(output), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, inMemory)
			w.retained()
			w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return large, nil })
			w.on("small", func(*direct.Context, json.RawMessage) (any, error) { return "s", nil })
			w.on("b", func(_ *direct.Context, in json.RawMessage) (any, error) {
				var got struct{ A, Small string }
				if err := json.Unmarshal(in, &got); err != nil {
					return nil, err
				}
				return len(got.A) + len(got.Small), nil
			})
			s := w.flow("a>b, small>b")
			task(s, "a").Output, task(s, "small").Output = output, engine.OutputAuto
			s.End = []string{"b"}
			r := w.start(s)
			w.wantSucceeded(w.wait(r), "100001")
			events, err := w.backend.Journal.Read(t.Context(), r.ID(), 0)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(events, func(e *engine.Event) bool { return e.Activation == "a" })
			if got := strings.Contains(string(events[i].Value), "$blob"); got != blob || blob && len(events[i].Value) > 200 {
				t.Errorf("value of %d bytes, a blob: %t, want %t", len(events[i].Value), got, blob)
			}
			whole, err := w.engine.Whole(t.Context(), r.ID(), events[i].Value)
			if err != nil || len(whole) != len(large)+2 {
				t.Errorf("whole value of %d bytes, %v, want %d", len(whole), err, len(large)+2)
			}
			// A checkpoint takes its blobs along.
			doc := w.export(r.ID(), "#3")
			w.backend.Journal, w.backend.Blobs = engine.InMemory().Journal, engine.InMemory().Blobs
			w.restart()
			w.wantSucceeded(w.wait(w.restore(doc, "")), "100001")
		})
	}
}

// TestOutputSpoofed: a value that looks like a reference is a value, unless the
// engine made it; one that refers to what the run keeps but no task returned, as
// its graph, is a value too.
func TestOutputSpoofed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory)
	w.retained()
	s := w.flow("a>b>p")
	w.pauses("p", engine.Pause{Name: "n"})
	g := w.build(s)
	spoofed := fmt.Sprintf(`{"$blob":%q,"size":1}`, g.Digest())
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return json.RawMessage(spoofed), nil })
	w.echo("b")
	r, err := w.open().Start(t.Context(), g, engine.Start{})
	if err != nil {
		t.Fatal(err)
	}
	w.wantPaused(w.wait(r), "n")
	for _, task := range w.recorder.Tasks() {
		if string(task.Output) != spoofed {
			t.Errorf("%s returned %s, want %s", task.Activation, task.Output, spoofed)
		}
	}
	w.restore(w.export(r.ID(), "#2"), "copy")
	if whole, err := w.engine.Whole(t.Context(), r.ID(), json.RawMessage(spoofed)); err != nil || string(whole) != spoofed {
		t.Errorf("whole value %s, %v, want it as it is", whole, err)
	}
	w.wantIs(w.retryError(r, engine.RetryFrom{Task: "a"}), engine.ErrNotRetryable) // it has not ended
}

// TestOutputManyTimes: a short value that names a large blob many times does not
// become one that fills the memory.
func TestOutputManyTimes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory)
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return strings.Repeat("x", 1<<20), nil })
	w.on("b", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var ref json.RawMessage
		if err := c.Result("a", &ref); err != nil {
			return nil, err
		}
		return slices.Repeat([]json.RawMessage{ref}, 5000), nil
	})
	s := w.flow("a>b>c")
	task(s, "a").Output = engine.OutputBlob
	task(s, "c").Retry = &engine.Retry{Max: 3}
	out := w.run(s)
	w.wantError(out, engine.KindInvalidInput, "with its blobs in place")
	w.wantCount("c", 0)
}
