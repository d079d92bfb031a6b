package engine_test

import (
	"encoding/json"
	"errors"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

var endingCases = []acceptanceCase{
	{name: "D49_terminate", run: func(w *world) {
		w.effect("a", func(c *direct.Context) { c.Terminate("enough") })
		out := w.run(w.flow("a>b>c"))
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantSucceeded(out, `"a"`)
		w.wantEnded("a:succeeded")
		wantMessage(w, out, "a", "enough")
	}},
	{name: "D50_cancel", run: func(w *world) {
		w.effect("b", func(c *direct.Context) { c.Cancel("no use") })
		out := w.run(w.flow("a>b>c"))
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		w.wantLog("a b")
		w.wantEnded("a:succeeded b:canceled")
		wantMessage(w, out, "b", "no use")
	}},
	{name: "D51_cancel_and_terminate", run: func(w *world) {
		w.effect("a", func(c *direct.Context) {
			c.Cancel("stop")
			c.Terminate("done")
		})
		out := w.run(w.flow("a>b"))
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		wantMessage(w, out, "a", "stop")
		w.wantLog("a")
	}},
	{name: "D51_terminate_and_goto", run: func(w *world) {
		w.effect("a", func(c *direct.Context) {
			c.Goto(engine.Task{ID: "x"})
			c.Terminate("done")
		})
		s := w.flow("a>b, x")
		s.Start = []string{"a"}
		out := w.run(s)
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		wantMessage(w, out, "a", "done")
		w.wantLog("a")
	}},
	{name: "D52_terminate_in_a_branch", run: func(w *world) {
		w.effect("b1", func(c *direct.Context) { c.Terminate("done") })
		out := w.run(w.flow("start>b1>final, start>b2>final"))
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		wantMessage(w, out, "b1", "done")
		w.wantLog("start b1")
	}},
	{name: "D52_terminate_beside_a_running_branch", virtual: true, run: func(w *world) {
		w.config.Concurrency = 2
		w.effect("b1", func(c *direct.Context) { c.Terminate("done") })
		w.on("b2", func(c *direct.Context, _ json.RawMessage) (any, error) {
			<-c.Done()
			return nil, c.Err()
		})
		out := w.run(w.flow("start>b1>final, start>b2>final"))
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantCount("final", 0)
	}},
	{name: "D52_terminate_in_a_member", run: func(w *world) {
		p := w.plain
		w.effect("b1", func(c *direct.Context) { c.Terminate("done") })
		out := w.run(w.nodes(engine.Seq(p("start"), engine.Par(p("b1"), p("b2")), p("final"))))
		w.wantStatus(out, engine.StatusSucceeded, engine.ReasonTerminated)
		w.wantCount("final", 0)
	}},
	{name: "D53_cancel_then_error", run: func(w *world) {
		w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
			c.Cancel("no use")
			return nil, errors.New("boom")
		})
		s := w.flow("a>b")
		task(s, "a").Retry = &engine.Retry{Max: 2}
		out := w.run(s)
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		wantMessage(w, out, "a", "no use")
		w.wantLog("a")
	}},
	{name: "D54_cancel_in_best_effort", run: func(w *world) {
		p := w.plain
		w.effect("m1", func(c *direct.Context) { c.Cancel("no use") })
		group := engine.Par(p("m1"), p("m2")).With(engine.Policy{BestEffort: true})
		out := w.run(w.nodes(engine.Seq(group, p("after"))))
		w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
		wantMessage(w, out, "m1", "no use")
		w.wantCount("after", 0)
	}},
	{name: "D55b_cancel_from_outside", virtual: true, run: cancelFromOutside},
	{name: "D55b_cancel_a_deaf_function", virtual: true, run: cancelDeaf},
	{name: "D55b_cancel_a_waiting_retry", virtual: true, run: cancelRetry},
}

func wantMessage(w *world, out engine.Outcome, task, message string) {
	w.Helper()
	if out.Task != task || out.Message != message {
		w.Errorf("task %q, message %q, want %q, %q", out.Task, out.Message, task, message)
	}
}

func cancelFromOutside(w *world) {
	w.on("b", func(c *direct.Context, _ json.RawMessage) (any, error) {
		<-c.Done()
		time.Sleep(50 * time.Millisecond) // virtual: time for the second cancel
		return nil, c.Err()
	})
	r := w.start(w.flow("a>b>c"))
	synctest.Wait()
	began := time.Now()
	if err := r.Cancel("first"); err != nil {
		w.Error(err)
	}
	if err := r.Cancel("second"); err != nil {
		w.Errorf("second cancel: %v", err)
	}
	out := w.wait(r)
	if took := time.Since(began); took > 100*time.Millisecond {
		w.Errorf("stopped after %s, want 100ms", took)
	}
	w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
	wantMessage(w, out, "", "first")
	w.wantEnded("a:succeeded b:canceled")
	w.wantPending(out, "c")
	if err := r.Cancel("third"); !errors.Is(err, engine.ErrFinished) {
		w.Errorf("cancel of a finished run: %v, want ErrFinished", err)
	}
	if again := w.wait(r); again.Message != "first" || again.Status != engine.StatusCanceled {
		w.Errorf("a late cancel changed the outcome to %+v", again)
	}
}

func cancelDeaf(w *world) {
	release := make(chan struct{})
	w.on("b", func(*direct.Context, json.RawMessage) (any, error) {
		<-release
		return "late", nil
	})
	r := w.start(w.flow("a>b>c"))
	synctest.Wait()
	began := time.Now()
	if err := r.Cancel("stop"); err != nil {
		w.Error(err)
	}
	out := w.wait(r)
	if took := time.Since(began); took > 100*time.Millisecond {
		w.Errorf("stopped after %s, want 100ms", took)
	}
	w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
	w.wantEnded("a:succeeded b:canceled")
	// Its slot is free although it never gave it back.
	w.wantSucceeded(w.run(w.flow("x>y")), `"y"`)
	close(release)
	synctest.Wait()
	w.wantLog("a b x y")
}

func cancelRetry(w *world) {
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errors.New("boom") })
	s := w.flow("a>b")
	task(s, "a").Retry = &engine.Retry{Max: 3, Delay: engine.Duration(time.Minute)}
	r := w.start(s)
	synctest.Wait()
	began := time.Now()
	if err := r.Cancel("stop"); err != nil {
		w.Error(err)
	}
	w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
	if took := time.Since(began); took > 0 {
		w.Errorf("stopped after %s, want at once", took)
	}
	w.wantLog("a")
}
