package engine_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// inBubble runs a test on a virtual clock.
func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		f(newWorld(t, inMemory))
	})
}

// waitOr waits at most a virtual time for the end.
func (w *world) waitOr(r *engine.Running, d time.Duration) engine.Outcome {
	w.Helper()
	select {
	case <-r.Done():
	case <-time.After(d):
		w.Errorf("the run hangs: %+v", r.Outcome())
	}
	return r.Outcome()
}

func TestHoldOutlastsSubFlow(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		var r *engine.Running
		ready := make(chan struct{})
		w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
			<-ready
			if err := r.Hold("x"); err != nil {
				return nil, err
			}
			c.Terminate("done")
			return 1, nil
		})
		r = w.start(w.outer(w.flow("a>b")))
		close(ready)
		out := w.wait(r)
		w.wantStatus(out, engine.StatusPaused, engine.ReasonHeld)
		w.wantCount("out", 0)
	})
}

func TestRetryOfARestoredRun(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		r := w.flaky(w.flow("a>b>c"))
		f, err := w.open().Fork(w.Context(), r.ID(), "#3", "fork")
		if err != nil {
			t.Fatal(err)
		}
		out := w.waitOr(f, time.Minute)
		w.wantStatus(out, engine.StatusFailed, "")
		g, err := w.restart().Retry(w.Context(), "fork", engine.RetryFrom{})
		if err != nil {
			t.Fatal(err)
		}
		w.wantSucceeded(w.waitOr(g, time.Minute), `"c"`)
	})
}

func TestRetryOfACancelInAMember(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		first := true
		w.on("b", func(c *direct.Context, _ json.RawMessage) (any, error) {
			if first {
				first = false
				c.Cancel("no")
			}
			return "b", nil
		})
		r := w.start(w.nodes(engine.Seq(engine.Par(w.plain("a"), w.plain("b")).Named("g"), w.echo("end"))))
		w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
		w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `{"a":"a","b":"b"}`)
	})
	inBubble(t, func(w *world) {
		w.retained()
		first := true
		w.on("m", func(c *direct.Context, in json.RawMessage) (any, error) {
			if first && string(in) == "2" {
				first = false
				c.Cancel("no")
			}
			return in, nil
		})
		s := w.flow("m")
		task(s, "m").Map = "1..3"
		r := w.start(s)
		w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
		w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `[1,2,3]`)
	})
}

func TestRetryFromAfterStepLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		s := w.flow("a>b>c>d>e>f")
		s.Limits.MaxSteps = 4
		r := w.start(s)
		w.wait(r)
		w.forget()
		w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "c"}), `"f"`)
		w.wantLog("c d e f")
	})
}

func TestRetryFromWhoAddedATask(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		n := 0
		w.on("dyn", func(c *direct.Context, in json.RawMessage) (any, error) {
			if n++; n == 1 {
				return nil, errBoom
			}
			return "dyn", nil
		})
		w.on("main", func(c *direct.Context, in json.RawMessage) (any, error) {
			c.NextTask(w.added("dyn"))
			return "main", nil
		})
		r := w.start(w.flow("main>succ"))
		w.wait(r)
		w.forget()
		w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "main"}), `"succ"`)
		w.wantLog("main dyn succ")
	})
}

func TestCancelOfAPausedFallback(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
		w.pauses("f", engine.Pause{Name: "n"})
		var got string
		w.on("undo", func(c *direct.Context, in json.RawMessage) (any, error) {
			got = c.Call.Activation + " " + string(in)
			return nil, nil
		})
		s := w.flow("in>a")
		s.Tasks = append(s.Tasks, engine.Task{ID: "f"}, w.plain("undo"))
		task(s, "a").Fallback, task(s, "a").Rollback = "f", "undo"
		r := w.start(s)
		w.wantPaused(w.wait(r), "n")
		if err := r.Cancel("x"); err != nil {
			t.Fatal(err)
		}
		w.waitOr(r, time.Minute)
		w.wantText(got, `a!rollback {`, `"input":"in"`, `boom`)
	})
}

func TestDeadlineOverAPause(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.on("a", func(c *direct.Context, in json.RawMessage) (any, error) {
			if _, ok := c.Call.Answers["n"]; !ok {
				return nil, c.Pause(engine.Pause{Name: "n", After: engine.Duration(8 * time.Second)}, nil)
			}
			<-c.Done()
			return nil, c.Err()
		})
		s := w.flow("a")
		task(s, "a").Deadline = engine.Duration(10 * time.Second)
		begun := time.Now()
		r := w.start(s)
		<-r.Done()
		w.wantError(r.Outcome(), engine.KindDeadline)
		if d := time.Since(begun); d != 10*time.Second {
			t.Errorf("ended after %v", d)
		}
	})
}

func TestSubFlowTimeoutWhileItDrains(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.config.Concurrency = 4
		n := 0
		w.on("a", func(c *direct.Context, in json.RawMessage) (any, error) {
			if n++; n == 1 {
				time.Sleep(500 * time.Millisecond)
				return nil, errBoom
			}
			<-c.Done()
			return nil, c.Err()
		})
		w.on("slow", func(c *direct.Context, in json.RawMessage) (any, error) {
			time.Sleep(1500 * time.Millisecond)
			return nil, nil
		})
		s := w.outer(w.flow("a,slow"))
		task(s, "sub").Timeout = engine.Duration(time.Second)
		task(s, "sub").Retry = &engine.Retry{Max: 1}
		r := w.start(s)
		w.wantError(w.waitOr(r, time.Hour), engine.KindTimeout)
		time.Sleep(time.Minute) // virtual: what was given up ends
	})
}

func TestSubFlowDeadlineAfterRetry(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		block := false
		w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
			if !block {
				return nil, errBoom
			}
			<-c.Done()
			return nil, c.Err()
		})
		s := w.outer(w.flow("a>b"))
		task(s, "sub").Deadline = engine.Duration(time.Minute)
		r := w.start(s)
		w.wait(r)
		block = true
		again, err := w.restart().Retry(w.Context(), r.ID(), engine.RetryFrom{})
		if err != nil {
			t.Fatal(err)
		}
		w.wantError(w.waitOr(again, time.Hour), engine.KindDeadline)
	})
	inBubble(t, func(w *world) {
		w.retained()
		block := false
		w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
			if !block {
				return nil, errBoom
			}
			select {
			case <-time.After(10 * time.Second):
				return "b", nil
			case <-c.Done():
				return nil, c.Err()
			}
		})
		s := w.outer(w.flow("a>b"))
		task(s, "sub").Deadline = engine.Duration(time.Minute)
		r := w.start(s)
		w.wait(r)
		block = true
		time.Sleep(time.Hour)
		again, err := w.restart().Retry(w.Context(), r.ID(), engine.RetryFrom{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		again = w.recover(again.ID())
		out := w.waitOr(again, time.Hour)
		w.wantSucceeded(out, `"out"`)
	})
}

func TestWaitEndsWithItsEngine(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
			<-c.Done()
			return nil, c.Err()
		})
		r := w.start(w.flow("b"))
		ended := make(chan struct{})
		go func() {
			_, err := r.Wait(w.Context())
			w.wantIs(err, engine.ErrClosed)
			close(ended)
		}()
		synctest.Wait()
		if err := w.engine.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-ended:
		case <-time.After(time.Hour):
			t.Error("Wait hangs after Close")
		}
	})
}

func TestSubFlowBudgetAfterRetry(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		n := 0
		w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
			if n++; n < 4 {
				return nil, errBoom
			}
			return "b", nil
		})
		s := w.outer(w.flow("a>b"))
		task(s, "sub").Retry = &engine.Retry{Max: 1}
		r := w.start(s)
		w.wait(r)
		w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"out"`)
	})
}

func TestTerminateWhileFailing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.config.Concurrency = 2
		n := 0
		w.on("bad", func(c *direct.Context, in json.RawMessage) (any, error) {
			if n++; n == 1 {
				time.Sleep(time.Second / 2)
				return nil, errBoom
			}
			return nil, nil
		})
		w.on("t", func(c *direct.Context, in json.RawMessage) (any, error) {
			time.Sleep(time.Second)
			c.Terminate("enough")
			return "t", nil
		})
		r := w.start(w.flow("bad, t>x"))
		w.wait(r)
		w.wantStatus(w.retry(r, engine.RetryFrom{}), engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantCount("x", 0)
	})
}

func TestRetryFromWhoAddedATaskThatSucceeded(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.on("main", func(c *direct.Context, in json.RawMessage) (any, error) {
			c.NextTask(w.added("dyn"))
			return "main", nil
		})
		r := w.start(w.flow("main>succ"))
		w.wantSucceeded(w.wait(r), `"succ"`)
		w.forget()
		w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "main"}), `"succ"`)
		w.wantLog("main dyn succ")
	})
}

func TestSubFlowTimeoutAfterStepLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
			<-c.Done()
			return nil, c.Err()
		})
		s := w.outer(w.flow("a>b"))
		s.Limits.MaxSteps = 3
		task(s, "sub").Timeout = engine.Duration(time.Minute)
		r := w.start(s)
		w.wantStatus(w.wait(r), engine.StatusFailed, engine.ReasonStepLimit)
		again, err := w.restart().Retry(w.Context(), r.ID(), engine.RetryFrom{})
		if err != nil {
			t.Fatal(err)
		}
		w.wantError(w.waitOr(again, time.Hour), engine.KindTimeout)
	})
}

func TestRetryOfAGroupInACutGroup(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.config.Concurrency = 3
		block := true
		w.on("x", func(c *direct.Context, _ json.RawMessage) (any, error) {
			if block {
				<-c.Done()
			}
			return "x", c.Err()
		})
		inner := engine.Par(w.plain("x"), w.plain("y")).Named("in")
		r := w.start(w.nodes(engine.Seq(engine.Par(inner, w.plain("z")).Named("g"), w.echo("end"))))
		synctest.Wait()
		if err := r.Cancel("no"); err != nil {
			t.Fatal(err)
		}
		w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
		block = false
		w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `{"in":{"x":"x","y":"y"},"z":"z"}`)
	})
}

// TestSameTaskAddedByItems: each item of a map, and each member of a group, adds its
// own.
func TestSameTaskAddedByItems(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.echo("dyn")
		w.on("m", func(c *direct.Context, in json.RawMessage) (any, error) {
			c.NextTask(w.added("dyn"))
			return in, nil
		})
		s := w.flow("m")
		task(s, "m").Map = "1..3"
		w.wantSucceeded(w.run(s), "[1,2,3]")
		w.wantCount("dyn", 3)
	})
}

// TestManyFailures: what many members do at once costs time in proportion.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, inMemory)
	w.on("m", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
	for _, onError := range []engine.OnError{engine.OnErrorFail, engine.OnErrorCollect} {
		s := w.flow("m")
		task(s, "m").Map, task(s, "m").OnError = "1..30000", onError
		s.Limits.MaxSteps = 1_000_000
		w.run(s)
		s.Limits.MaxSteps = 10
		w.run(s)
	}
}

// TestRetryAfterAnAddedTask: of a task that was added and succeeded while its run was
// failing, the adder's successors follow at a retry.
func TestRetryAfterAnAddedTask(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.config.Concurrency = 2
		n := 0
		w.on("bad", func(*direct.Context, json.RawMessage) (any, error) {
			if n++; n == 1 {
				time.Sleep(time.Second / 2) // virtual
				return nil, errBoom
			}
			return "bad", nil
		})
		w.on("dyn", func(*direct.Context, json.RawMessage) (any, error) {
			time.Sleep(time.Second) // virtual: within the drain
			return "dyn", nil
		})
		w.on("main", func(c *direct.Context, _ json.RawMessage) (any, error) {
			c.NextTask(w.added("dyn"))
			return "main", nil
		})
		r := w.start(w.flow("bad, main>succ"))
		w.wantStatus(w.wait(r), engine.StatusFailed, "")
		w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `{"bad":"bad","succ":"succ"}`)
		w.wantCount("dyn", 1)
	})
}

// TestForkOfAHeldFork: a hold ends where another run goes on, also for the runs that
// go on from that one.
func TestForkOfAHeldFork(t *testing.T) {
	t.Parallel()
	inBubble(t, func(w *world) {
		w.retained()
		w.pauses("p", engine.Pause{Name: "n"})
		r := w.start(w.flow("p>q"))
		w.wantPaused(w.wait(r), "n")
		if err := r.Hold(""); err != nil {
			t.Fatal(err)
		}
		w.resume(r, "n", "1")
		w.wantStatus(w.wait(r), engine.StatusPaused, engine.ReasonHeld)
		w.wantSucceeded(w.wait(w.restore(w.export(r.ID(), "#4"), "second")), `"q"`)
		w.wantSucceeded(w.wait(w.restore(w.export("second", "#1"), "third")), `"q"`)
		w.wantSucceeded(w.wait(w.restore(w.export("second", "#2"), "fourth")), `"q"`)
		w.wantCount("q", 3)
	})
}
