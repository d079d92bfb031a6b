package engine_test

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// boundCases are those of timeout, deadline, queue_timeout and the run's timeout.
var boundCases = []acceptanceCase{
	{name: "E62b_four_kinds", virtual: true, run: fourKinds},
	{name: "E62b_deadline_of_retries", virtual: true, run: func(w *world) {
		w.on("a", failing(-1))
		s := w.recovering("a>b", "", "R")
		task(s, "a").Retry, task(s, "a").Deadline = &engine.Retry{Max: 100, Delay: second}, 5*second/2
		out := w.run(s)
		w.wantError(out, engine.KindDeadline, `"a"`, "2.5s")
		w.wantEndedAfter(2500 * time.Millisecond)
		w.wantLog("a a a R")
		if out.Error.Attempts != 3 {
			w.Errorf("%d attempts, want 3", out.Error.Attempts)
		}
	}},
	{name: "E62b_deadline_of_a_deaf_attempt", virtual: true, run: func(w *world) {
		release := make(chan struct{})
		w.on("a", func(*direct.Context, json.RawMessage) (any, error) {
			<-release
			return "late", nil
		})
		s := w.recovering("a>b", "F", "R")
		task(s, "a").Retry, task(s, "a").Deadline = &engine.Retry{Max: 3, On: []string{engine.KindDeadline}}, second
		w.wantSucceeded(w.run(s), `"b"`)
		if took := time.Since(w.started); took > 1100*time.Millisecond {
			w.Errorf("ended after %s, want 1s to 1.1s", took)
		}
		w.wantLog("a F b") // never retried, even if listed
		close(release)
		synctest.Wait()
	}},
	{name: "E62b_deadline_in_the_queue", virtual: true, run: func(w *world) {
		s := w.flow("x,a")
		task(s, "a").Deadline = second
		w.queued(s, engine.KindDeadline)
	}},
	{name: "E62b_queue_timeout", virtual: true, run: func(w *world) {
		s := w.flow("x,a")
		task(s, "a").QueueTimeout, task(s, "a").Retry = second, &engine.Retry{Max: 3} // which does not count
		w.queued(s, engine.KindQueueTimeout)
	}},
	{name: "E62b_queue_timeout_retried_if_listed", virtual: true, run: func(w *world) {
		w.on("x", func(*direct.Context, json.RawMessage) (any, error) {
			time.Sleep(1500 * time.Millisecond) // virtual
			return "x", nil
		})
		s := w.flow("x,a")
		task(s, "a").QueueTimeout = second
		task(s, "a").Retry = &engine.Retry{Max: 3, On: []string{engine.KindQueueTimeout}}
		w.wantSucceeded(w.run(s), `{"x":"x","a":"a"}`)
		w.wantLog("x a")
	}},
	{name: "E62b_bounds_kept", virtual: true, run: func(w *world) {
		w.on("a", func(c *direct.Context, in json.RawMessage) (any, error) {
			time.Sleep(900 * time.Millisecond) // virtual
			if c.Call.Cycle < 5 {
				_ = c.NextIteration(nil)
			}
			return "a", nil
		})
		s := w.flow("a>b")
		task(s, "a").Deadline, task(s, "a").QueueTimeout, task(s, "a").Timeout = second, second, second
		w.wantSucceeded(w.run(s), `"b"`) // each cycle has its own
		w.wantEndedAfter(4500 * time.Millisecond)
	}},
	{name: "E62b_timers_end", virtual: true, run: timersEnd},
	{name: "E62b_delay_is_no_waiting", virtual: true, run: func(w *world) {
		w.on("a", failing(1))
		s := w.flow("a")
		task(s, "a").Retry, task(s, "a").QueueTimeout = &engine.Retry{Max: 1, Delay: 10 * second}, second
		w.wantSucceeded(w.run(s), `"a"`)
	}},
}

// countedTimers tells how many timers are set.
type countedTimers struct {
	engine.Timers
	set *atomic.Int32
}

func (c countedTimers) After(d time.Duration, f func()) func() {
	c.set.Add(1)
	ended := sync.OnceFunc(func() { c.set.Add(-1) })
	stop := c.Timers.After(d, func() { ended(); f() })
	return func() { ended(); stop() }
}

// timersEnd: no timer outlives the activation that it bounds.
func timersEnd(w *world) {
	timers := countedTimers{w.backend.Timers, &atomic.Int32{}}
	w.backend.Timers = timers
	w.on("a", failing(1))
	w.effect("b", func(*direct.Context) {
		if n := timers.set.Load(); n != 1 {
			w.Errorf("%d timers while b runs, want its own", n)
		}
	})
	s := w.recovering("a>b", "F", "R")
	task(s, "a").Deadline, task(s, "a").QueueTimeout, task(s, "b").Deadline = second, second, second
	w.wantSucceeded(w.run(s), `"b"`)
	synctest.Wait() // where another drives the run, for it to hear of the end
	if n := timers.set.Load(); n != 0 {
		w.Errorf("%d timers after the run", n)
	}
}

// queued runs a flow whose task a waits behind x, and wants a to fail after 1 s
// without having run, also when it would get its turn later.
func (w *world) queued(s *engine.Spec, kind string) {
	w.Helper()
	var at time.Duration
	w.config.Observe = func(n engine.Notice) {
		w.recorder.Observe(n)
		if n.Type == engine.NoticeTaskFailed {
			at = time.Since(w.started)
		}
		if n.Type == engine.NoticeWarning {
			w.Errorf("warning %q", n.Message)
		}
	}
	w.on("x", func(*direct.Context, json.RawMessage) (any, error) {
		time.Sleep(2500 * time.Millisecond) // virtual: shorter than the drain
		return "x", nil
	})
	s.Tasks = append(s.Tasks, w.plain("R"), w.plain("F"))
	task(s, "a").Rollback = "R"
	w.wantError(w.run(s), kind, `"a"`, "1s")
	w.wantLog("x")
	if !w.lasted(at, time.Second) {
		w.Errorf("failed after %s, want 1s", at)
	}
	// Its delivery comes up later, and is dropped.
	task(s, "a").Fallback = "F"
	s.End = []string{"x", "a"}
	w.wantSucceeded(w.run(s), `{"x":"x","a":"F"}`)
	w.wantLog("x x F")
}

func (w *world) wantEndedAfter(want time.Duration) {
	w.Helper()
	if took := time.Since(w.started); !w.lasted(took, want) {
		w.Errorf("ended after %s, want %s", took, want)
	}
}

func fourKinds(w *world) {
	w.on("a", waiting)
	w.on("x", waiting)
	for kind, set := range map[string]func(*engine.Spec){
		engine.KindTimeout:      func(s *engine.Spec) { task(s, "a").Timeout = second },
		engine.KindDeadline:     func(s *engine.Spec) { task(s, "a").Deadline = second },
		engine.KindQueueTimeout: func(s *engine.Spec) { s.Start = []string{"x", "a"}; task(s, "a").QueueTimeout = second },
		engine.KindRunTimeout:   func(s *engine.Spec) { s.Limits.Timeout = second },
	} {
		s := w.flow("a,x")
		s.Start = []string{"a"}
		set(s)
		began := time.Now()
		out := w.run(s)
		w.wantError(out, kind, "1s")
		reason := ""
		if kind == engine.KindRunTimeout {
			reason = engine.ReasonDeadline
		}
		w.wantStatus(out, engine.StatusFailed, reason)
		if took := time.Since(began); took > 3100*time.Millisecond {
			w.Errorf("%s: ended after %s", kind, took)
		}
	}
}
