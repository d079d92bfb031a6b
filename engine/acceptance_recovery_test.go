package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

var (
	errFallback = errors.New("no fallback either")
	errRollback = errors.New("can't undo")
)

var recoveryCases = []acceptanceCase{
	{name: "E62c_fallback", run: fallbackAfterRetries},
	{name: "E62c_input", run: recoveryInputs},
	{name: "E62c_with", run: recoveryWith},
	{name: "E62c_effects", run: fallbackEffects},
	{name: "E62c_goto", virtual: true, run: fallbackGoes},
	{name: "E62d_run_failing", virtual: true, run: func(w *world) {
		w.config.Concurrency = 2
		w.on("x", func(*direct.Context, json.RawMessage) (any, error) {
			time.Sleep(time.Second / 2) // virtual
			return nil, errBoom
		})
		w.on("a", func(*direct.Context, json.RawMessage) (any, error) {
			time.Sleep(time.Second) // virtual: shorter than the drain
			return nil, errFallback
		})
		w.wantError(w.run(w.recovering("x,a>b", "F", "R")), engine.KindError, "boom")
		w.wantCount("F", 0)
		w.wantEnded("x:failed a!rollback:succeeded a:failed")
	}},
	{name: "E62c_iteration", run: fallbackIterates},
	{name: "E62c_timeout", virtual: true, run: fallbackTimeout},
	{name: "E62c_invalid_input", run: func(w *world) {
		w.on("a", failing(-1))
		s := w.recovering("a>b", "F", "R")
		task(s, "a").Params = []engine.Param{{Name: "absent"}}
		w.wantSucceeded(w.run(s), `"b"`)
		w.wantLog("F b") // a never began
	}},
	{name: "E62d_rollback", run: func(w *world) {
		w.on("a", failing(-1))
		s := w.recovering("a>b", "", "R")
		task(s, "a").Retry = &engine.Retry{Max: 2}
		out := w.run(s)
		w.wantStatus(out, engine.StatusFailed, "")
		w.wantError(out, engine.KindError, "boom")
		w.wantLog("a a a R")
		w.wantEnded("a!rollback:succeeded a:failed")
		if out.Task != "a" || w.slack == 0 && !errors.Is(out.Error, errBoom) || out.Error.Attempts != 3 || out.Error.Rollback != nil || out.Steps != 1 {
			w.Errorf("outcome %+v, error %+v: want a's own error after 3 attempts, in 1 step", out, out.Error)
		}
	}},
	{name: "E62d_never_began", run: func(w *world) {
		s := w.recovering("a>b", "", "R")
		task(s, "a").Params = []engine.Param{{Name: "absent"}}
		w.wantError(w.run(s), engine.KindInvalidInput, "absent")
		w.wantLog("")
	}},
	{name: "E62d_effects", run: rollbackEffects},
	{name: "E62e_fallback_fails", run: func(w *world) {
		w.on("a", failing(-1))
		w.on("F", func(*direct.Context, json.RawMessage) (any, error) { return nil, errFallback })
		var told string
		w.on("R", func(_ *direct.Context, in json.RawMessage) (any, error) {
			told = string(in)
			return nil, nil
		})
		out := w.run(w.recovering("a>b", "F", "R"))
		w.wantError(out, engine.KindError, "boom")
		w.wantLog("a F R")
		w.wantEnded("a!fallback:failed a!rollback:succeeded a:failed")
		if f := out.Error.Fallback; f == nil || w.slack == 0 && !errors.Is(f, errFallback) {
			w.Errorf("error %+v does not carry the fallback's", out.Error)
		}
		w.wantText(told, `"message":"boom"`, `"fallback":{"kind":"error","message":"no fallback either"}`)
	}},
	{name: "D55b_anothers_stop", virtual: true, run: anothersStop},
	{name: "E62f_rollback_fails", run: func(w *world) {
		w.on("a", failing(-1))
		w.on("R", func(*direct.Context, json.RawMessage) (any, error) { return nil, errRollback })
		ends := 0
		w.config.Observe = func(n engine.Notice) {
			w.recorder.Observe(n)
			if n.Activation == "a" && n.Type == engine.NoticeTaskFailed {
				ends++
			}
		}
		out := w.run(w.recovering("a>b", "", "R"))
		w.wantError(out, engine.KindError, "boom")
		w.wantLog("a R")
		if r := out.Error.Rollback; r == nil || w.slack == 0 && !errors.Is(r, errRollback) || ends != 1 {
			w.Errorf("error %+v, %d terminal events; want the rollback's attached, and one", out.Error, ends)
		}
		w.wantText(strings.Join(out.Warnings, "\n"), "rollback of a failed: can't undo")
	}},
	{name: "E62c_delivered_twice", run: deliveredTwice},
	{name: "E62c_in_a_group", run: func(w *world) {
		w.on("m1", failing(-1))
		s := w.nodes(engine.Seq(engine.Par(w.plain("m1"), w.plain("m2")), w.plain("z")), w.plain("F"))
		task(s, "m1").Fallback = "F"
		w.wantSucceeded(w.run(s), `"z"`)
		w.wantLog("m1 m2 F z")
	}},
	{name: "E62d_in_a_group", virtual: true, run: rollbackOfSiblings},
	{name: "E62c_in_a_map", run: recoveriesInMap},
	{name: "E62c_of_a_new_task", run: recoveryOfNewTask},
	{name: "E62_build_errors", run: func(w *world) {
		s := w.nodes(engine.Seq(w.plain("a"), engine.Par(w.plain("b"), w.plain("c")).Named("g")), w.plain("m"))
		task(s, "m").Map = "[1]"
		task(s, "a").Fallback, task(s, "a").Rollback = "none", "g"
		task(s, "b").Fallback, task(s, "b").Rollback = "b", "m"
		task(s, "c").Deadline, task(s, "c").QueueTimeout = -1, -1
		w.wantBuildError(s, `tasks.a.fallback: no task "none"`, `tasks.a.rollback: "g" is a group`,
			`tasks.b.fallback: "b" can't`, `tasks.b.rollback: task "m" has a map`, "tasks.c.deadline", "tasks.c.queue_timeout")
		s = w.nodes(w.plain("a"), w.plain("b"))
		task(s, "a").Fallback, task(s, "b").Fallback = "b", "a"
		w.wantBuildError(s, "name a start")
	}},
	{name: "D55b_cancel_rolls_back", virtual: true, run: cancelRollsBack},
	{name: "D55b_rollback_bound", virtual: true, run: rollbackBound},
	{name: "D55b_cancel_in_the_rollback", virtual: true, run: cancelInRollback},
	{name: "D55b_cancel_before_the_rollback", virtual: true, run: func(w *world) {
		w.on("a", failing(-1))
		w.on("x", waiting)
		w.wantStatus(w.cancelMidway(w.recovering("a>b,x", "", "R")), engine.StatusCanceled, engine.ReasonCanceled)
		w.wantLog("a x R")
		w.wantEnded("x:canceled a!rollback:succeeded a:failed")
	}},
	{name: "D55b_cancel_in_the_fallback", virtual: true, run: func(w *world) {
		w.on("a", failing(-1))
		w.on("F", waiting)
		out := w.cancelMidway(w.recovering("a>b", "F", "R"))
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		w.wantLog("a F R")
		w.wantEnded("a!fallback:canceled a!rollback:succeeded a:failed")
	}},
	{name: "D55b_cancel_a_retry_rolls_back", virtual: true, run: func(w *world) {
		w.on("a", failing(-1))
		s := w.recovering("a>b", "F", "R")
		task(s, "a").Retry = &engine.Retry{Max: 3, Delay: 60 * second}
		w.wantStatus(w.cancelMidway(s), engine.StatusCanceled, engine.ReasonCanceled)
		w.wantLog("a R")
	}},
	{name: "D55b_not_begun_no_rollback", virtual: true, run: func(w *world) {
		w.on("x", waiting)
		s := w.recovering("x,a>b", "F", "R")
		w.wantStatus(w.cancelMidway(s), engine.StatusCanceled, engine.ReasonCanceled)
		w.wantLog("x")
	}},
	{name: "D52_terminate_rolls_back", virtual: true, run: func(w *world) {
		w.config.Concurrency = 2
		w.on("a", waiting)
		w.effect("t", func(c *direct.Context) {
			time.Sleep(time.Second) // virtual
			c.Terminate("enough")
		})
		w.wantStatus(w.run(w.recovering("a>b,t", "F", "R")), engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantCount("R", 1)
		w.wantCount("F", 0)
	}},
	{name: "D50_cancel_by_a_fallback", run: func(w *world) {
		w.on("a", failing(-1))
		w.effect("F", func(c *direct.Context) { c.Cancel("no way") })
		out := w.run(w.recovering("a>b", "F", "R"))
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		wantMessage(w, out, "a", "no way")
		w.wantLog("a F")
	}},
}

// recovering is a flow whose task a has a fallback and a rollback; "" is none.
func (w *world) recovering(text, fallback, rollback string) *engine.Spec {
	s := w.flow(text)
	for _, id := range []string{fallback, rollback} {
		if id != "" {
			s.Tasks = append(s.Tasks, w.plain(id))
		}
	}
	task(s, "a").Fallback, task(s, "a").Rollback = fallback, rollback
	return s
}

// waiting hangs until it is stopped.
func waiting(c *direct.Context, _ json.RawMessage) (any, error) {
	<-c.Done()
	return nil, c.Err()
}

// cancelMidway cancels a run when all in it wait.
func (w *world) cancelMidway(s *engine.Spec) engine.Outcome {
	w.Helper()
	r := w.start(s)
	synctest.Wait()
	if err := r.Cancel("stop"); err != nil {
		w.Error(err)
	}
	return w.wait(r)
}

func (w *world) report(activation string) engine.TaskReport {
	w.Helper()
	all := w.recorder.Tasks()
	i := slices.IndexFunc(all, func(r engine.TaskReport) bool { return r.Activation == activation })
	if i < 0 {
		w.Fatalf("no report of %s in %q", activation, w.ended())
	}
	return all[i]
}

func fallbackAfterRetries(w *world) {
	w.on("a", failing(-1))
	w.on("F", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Activation != "a!fallback" || c.Call.Attempt != 1 || c.Call.MaxAttempts != 1 {
			w.Errorf("call %+v, want the only attempt of a!fallback", c.Call)
		}
		return "spare", nil
	})
	w.on("b", func(c *direct.Context, in json.RawMessage) (any, error) {
		var a string
		return string(in), c.Result("a", &a)
	})
	s := w.recovering("a>b", "F", "R")
	task(s, "a").Retry = &engine.Retry{Max: 2}
	task(s, "F").Retry = &engine.Retry{Max: 9}
	out := w.run(s)
	w.wantSucceeded(out, `"\"spare\""`)
	w.wantLog("a a a F b")
	w.wantEnded("a!fallback:succeeded a:succeeded b:succeeded")
	if out.Steps != 2 {
		w.Errorf("%d steps, want 2: a fallback is part of its task", out.Steps)
	}
	if a := w.report("a"); a.Recovered == nil || a.Recovered.Message != "boom" || a.Attempts != 3 || string(a.Output) != `"spare"` {
		w.Errorf("report %+v, want the value of the fallback, and the error that it made good", a)
	}
	if f := w.report("a!fallback"); f.Task != "F" || f.Why != "fallback of a: error: boom" {
		w.Errorf("report %+v, want why F ran", f)
	}
}

func recoveryInputs(w *world) {
	for own, want := range map[string]string{
		`{"n":1,"error":2}`: `{"error":{"attempts":1,"kind":"error","message":"boom"},"n":1}`,
		`[1]`:               `{"error":{"attempts":1,"kind":"error","message":"boom"},"input":[1]}`,
		`null`:              `{"error":{"attempts":1,"kind":"error","message":"boom"},"input":null}`,
	} {
		w.on("a", failing(-1))
		w.on("F", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
		out := w.runGraph(w.build(w.recovering("a", "F", "")), json.RawMessage(own))
		w.wantSucceeded(out, want)
	}
}

func recoveryWith(w *world) {
	w.on("a", failing(-1))
	w.on("F", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
	s := w.recovering("a", "F", "")
	task(s, "a").With = map[string]json.RawMessage{"n": json.RawMessage(`1`), "m": json.RawMessage(`2`)}
	task(s, "F").With = map[string]json.RawMessage{"n": json.RawMessage(`"${error.kind} of ${input.x}"`)}
	task(s, "F").Params = []engine.Param{{Name: "m"}, {Name: "d", Default: json.RawMessage(`3`)}}
	out := w.runGraph(w.build(s), json.RawMessage(`{"x":7}`))
	w.wantSucceeded(out, `{"d":3,"error":{"attempts":1,"kind":"error","message":"boom"},"m":2,"n":"error of 7"}`)
}

func fallbackEffects(w *world) {
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		_ = c.Set("k", "dropped")
		return nil, errBoom
	})
	w.on("F", func(c *direct.Context, _ json.RawMessage) (any, error) {
		c.NextTask(w.added("new"))
		return "spare", c.Add("k", 2)
	})
	w.on("b", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var k int
		_, err := c.Get("k", &k)
		return k, err
	})
	s := w.recovering("a>b,a>c", "F", "")
	s.Edges[0].When, s.Edges[1].When = `result == "spare"`, `result != "spare"`
	w.wantSucceeded(w.run(s), "2")
	w.wantLog("a F new b")
}

// fallbackGoes: what another task has added before a fallback began exists for it.
func fallbackGoes(w *world) {
	w.config.Concurrency = 2
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) {
		time.Sleep(time.Second) // virtual
		return nil, errBoom
	})
	w.effect("x", func(c *direct.Context) { c.NextTask(w.added("new")) })
	w.effect("F", func(c *direct.Context) { c.NextTask(engine.Task{ID: "new"}) })
	w.wantStatus(w.run(w.recovering("a>b,x", "F", "")), engine.StatusSucceeded, "")
	w.wantCount("new", 2)
	w.wantCount("b", 0)
}

func fallbackIterates(w *world) {
	w.on("a", func(_ *direct.Context, in json.RawMessage) (any, error) {
		if decodeInt(in) == 0 {
			return nil, errBoom
		}
		return string(in), nil
	})
	w.effect("F", func(c *direct.Context) {
		if c.Call.MaxCycles != 3 {
			w.Errorf("max cycles %d, want a's 3", c.Call.MaxCycles)
		}
		_ = c.NextIteration(5)
	})
	s := w.recovering("a>b", "F", "")
	task(s, "a").MaxCycles = ptr(3)
	w.wantSucceeded(w.run(s), `"b"`)
	w.wantLog("a F a b")
}

func fallbackTimeout(w *world) {
	w.on("a", waiting)
	w.on("F", waiting)
	s := w.recovering("a>b", "F", "R")
	task(s, "a").Timeout, task(s, "F").Timeout = second, 60*second
	out := w.run(s)
	w.wantError(out, engine.KindTimeout, `"a"`)
	w.wantLog("a F R")
	if f := out.Error.Fallback; f == nil || f.Kind != engine.KindTimeout || !w.lasted(time.Since(w.started), 2*time.Second) {
		w.Errorf("error %+v after %s, want a fallback that timed out, after 2s", out.Error, time.Since(w.started))
	}
}

func rollbackEffects(w *world) {
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		_ = c.Set("k", "dropped")
		return nil, errBoom
	})
	w.on("R", func(c *direct.Context, _ json.RawMessage) (any, error) {
		c.NextTask(w.added("new"))
		c.Terminate("enough")
		return nil, c.Set("undone", true)
	})
	w.on("z", func(c *direct.Context, _ json.RawMessage) (any, error) {
		undone := false
		_, err := c.Get("undone", &undone)
		return undone, err
	})
	p := w.plain
	s := w.nodes(engine.Seq(engine.Par(engine.Seq(p("a"), p("b")), p("m")).With(engine.Policy{BestEffort: true}), p("z")), p("R"))
	task(s, "a").Rollback = "R"
	out := w.run(s)
	w.wantSucceeded(out, "true")
	w.wantLog("a m R z")
	w.wantText(strings.Join(out.Warnings, "\n"), "rollback of group-1/a asked to change the run's course")
}

// doubled delivers everything twice.
type doubled struct{ engine.Queue }

func (q doubled) Enqueue(ctx context.Context, receiving bool, ds ...*engine.Delivery) error {
	return q.Queue.Enqueue(ctx, receiving, slices.Concat(ds, ds)...)
}

func deliveredTwice(w *world) {
	w.backend.Queue = doubled{w.backend.Queue}
	w.on("a", failing(-1))
	w.on("x", failing(-1))
	s := w.recovering("x>a>b", "F", "R")
	task(s, "x").Fallback = "F"
	w.on("F", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Activation == "a!fallback" {
			return nil, errFallback
		}
		return "spare", c.Add("n", 1)
	})
	w.on("R", func(c *direct.Context, _ json.RawMessage) (any, error) { return nil, c.Add("n", 1) })
	w.wantError(w.run(s), engine.KindError, "boom")
	w.wantEnded("x!fallback:succeeded x:succeeded a!fallback:failed a!rollback:succeeded a:failed")
}

func rollbackOfSiblings(w *world) {
	w.config.Concurrency = 3
	w.on("m1", func(*direct.Context, json.RawMessage) (any, error) {
		time.Sleep(time.Second) // virtual
		return nil, errBoom
	})
	w.on("m2", waiting)
	var told string
	w.on("R", func(_ *direct.Context, in json.RawMessage) (any, error) {
		told = string(in)
		return nil, nil
	})
	p := w.plain
	s := w.nodes(engine.Seq(engine.Par(p("m1"), p("m2"), p("m3")), p("z")), p("F"), p("R"))
	for _, id := range []string{"m2", "m3"} {
		task(s, id).Fallback, task(s, id).Rollback = "F", "R"
	}
	w.wantError(w.run(s), engine.KindGroup, "m1: boom", "succeeded: m3")
	for _, id := range []string{"m1", "m2", "m3", "R"} { // side by side
		w.wantCount(id, 1)
	}
	w.wantText(told, `"kind":"canceled"`, "its group failed")
	w.wantEnded("group-1/m3:succeeded group-1/m1:failed group-1/m2!rollback:succeeded group-1/m2:canceled")
}

func recoveriesInMap(w *world) {
	w.on("a", func(_ *direct.Context, in json.RawMessage) (any, error) {
		if n := decodeInt(in); n != 2 {
			return n, nil
		}
		return nil, errBoom
	})
	w.on("F", func(c *direct.Context, in json.RawMessage) (any, error) { return in, nil })
	s := w.recovering("a>b,a>c", "F", "")
	// These are over the map's result: an item's can't be cut.
	s.Edges[0].When, s.Edges[1].When = "len(result[1:]) == 2", "len(result[1:]) != 2"
	s.End = []string{"a"}
	task(s, "a").Map = "1..3"
	w.wantSucceeded(w.run(s), `[1,{"error":{"attempts":1,"kind":"error","message":"boom"},"input":2},3]`)
	w.wantLog("a a a F b")
	w.wantEnded("a[0]:succeeded a[2]:succeeded a[1]!fallback:succeeded a[1]:succeeded c:skipped b:succeeded")
}

func recoveryOfNewTask(w *world) {
	w.on("new", failing(-1))
	w.effect("a", func(c *direct.Context) {
		t := w.added("new")
		t.Fallback = "F"
		c.NextTask(t)
	})
	w.wantSucceeded(w.run(w.recovering("a", "F", "")), `"a"`)
	w.wantLog("a new F")
	w.effect("a", func(c *direct.Context) {
		t := w.added("new")
		t.Rollback = "none"
		c.NextTask(t)
	})
	w.wantError(w.run(w.flow("a")), engine.KindInvalidInput, `"none"`)
}

func cancelRollsBack(w *world) {
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		<-c.Done()
		time.Sleep(5 * time.Minute) // virtual: as deaf as a loop without end
		return "late", nil
	})
	var told string
	w.on("R", func(_ *direct.Context, in json.RawMessage) (any, error) {
		told = string(in)
		return nil, nil
	})
	r := w.start(w.recovering("a>b", "F", "R"))
	synctest.Wait()
	began := time.Now()
	for _, message := range []string{"first", "second"} {
		if err := r.Cancel(message); err != nil {
			w.Error(err)
		}
	}
	out := w.wait(r)
	if took := time.Since(began); took > 100*time.Millisecond {
		w.Errorf("stopped after %s, want 100ms", took)
	}
	w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
	wantMessage(w, out, "", "first")
	w.wantLog("a R")
	w.wantEnded("a!rollback:succeeded a:canceled")
	w.wantText(told, `"error":{"attempts":1,"kind":"canceled","message":"the run was canceled: first"}`)
	if err := r.Cancel("third"); !errors.Is(err, engine.ErrFinished) {
		w.Errorf("cancel of a finished run: %v, want ErrFinished", err)
	}
	time.Sleep(5 * time.Minute) // virtual: the deaf one ends, too late
	w.wantEnded("a!rollback:succeeded a:canceled")
}

// anothersStop: an attempt may fail because of what it shared with one that was
// stopped or timed out; that is a failure as any, and may be retried.
func anothersStop(w *world) {
	for _, bound := range []engine.Duration{0, second} {
		var shared error
		w.on("R", func(c *direct.Context, _ json.RawMessage) (any, error) {
			<-c.Done()
			shared = context.Cause(c)
			return nil, shared
		})
		w.on("a", failing(-1))
		s := w.recovering("a", "", "R")
		task(s, "a").Timeout = bound
		w.cancelMidway(s)
		w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
			if c.Call.Attempt == 1 {
				return nil, fmt.Errorf("shared: %w", shared)
			}
			return nil, errBoom
		})
		s = w.flow("a")
		task(s, "a").Retry = &engine.Retry{Max: 1, On: []string{engine.KindError}}
		out := w.run(s)
		w.wantError(out, engine.KindError, "boom")
		if shared == nil || out.Error.Attempts != 2 {
			w.Errorf("shared %v, error %+v, want 2 attempts", shared, out.Error)
		}
	}
}

func rollbackBound(w *world) {
	w.on("a", waiting)
	w.on("R", waiting)
	s := w.recovering("a>b", "F", "R")
	task(s, "a").Timeout = 60 * second
	out := w.cancelMidway(s)
	if took := time.Since(w.started); !w.lasted(took, 10*time.Second) {
		w.Errorf("ended after %s, want 10s", took)
	}
	w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
	w.wantText(strings.Join(out.Warnings, "\n"), "rollback of a failed")
	if a := w.report("a"); a.Error == nil || a.Error.Kind != engine.KindCanceled || a.Error.Rollback == nil || a.Error.Rollback.Kind != engine.KindTimeout {
		w.Errorf("report %+v, want canceled, and the rollback's timeout", a)
	}
}

// cancelInRollback: a rollback that runs already, or waits for a worker, is not
// stopped by a cancel, but bounded.
func cancelInRollback(w *world) {
	w.on("a", failing(-1))
	w.on("R", func(c *direct.Context, _ json.RawMessage) (any, error) {
		time.Sleep(5 * time.Second) // virtual
		return nil, c.Err()
	})
	w.wantStatus(w.cancelMidway(w.recovering("a>b", "", "R")), engine.StatusCanceled, engine.ReasonCanceled)
	w.wantEnded("a!rollback:succeeded a:failed")

	w.on("R", waiting)
	began := time.Now()
	out := w.cancelMidway(w.recovering("a>b", "", "R"))
	if took := time.Since(began); !w.lasted(took, 10*time.Second) {
		w.Errorf("ended after %s, want 10s", took)
	}
	w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
	if e := w.recorder.Tasks()[3].Error; e == nil || e.Message != "boom" || e.Rollback == nil || e.Rollback.Kind != engine.KindTimeout {
		w.Errorf("error %+v, want boom and the rollback's timeout", e)
	}
}
