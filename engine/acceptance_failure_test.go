package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

var errBoom = errors.New("boom")

const second = engine.Duration(time.Second)

var failureCases = []acceptanceCase{
	{name: "E56_no_retries", run: func(w *world) {
		w.on("b", failing(-1))
		out := w.run(w.flow("a>b>c"))
		w.wantStatus(out, engine.StatusFailed, "")
		w.wantError(out, engine.KindError, "boom")
		w.wantLog("a b")
		w.wantPending(out, "c")
		if w.slack == 0 && !errors.Is(out.Error, errBoom) {
			w.Errorf("error %v lost its cause", out.Error)
		}
	}},
	{name: "E57_third_attempt", run: func(w *world) {
		var seen []int
		w.on("a", func(c *direct.Context, in json.RawMessage) (any, error) {
			seen = append(seen, c.Call.Attempt)
			if c.Call.MaxAttempts != 4 {
				w.Errorf("max attempts %d, want 4", c.Call.MaxAttempts)
			}
			return failing(2)(c, in)
		})
		s := w.flow("a>b")
		task(s, "a").Retry = &engine.Retry{Max: 3}
		w.wantSucceeded(w.run(s), `"b"`)
		if want := []int{1, 2, 3}; !slices.Equal(seen, want) {
			w.Errorf("attempts %v, want %v", seen, want)
		}
	}},
	{name: "E58_always_fails", run: func(w *world) {
		w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
			return nil, fmt.Errorf("try %d: %w", c.Call.Attempt, errBoom)
		})
		s := w.flow("a>b")
		task(s, "a").Retry = &engine.Retry{Max: 2}
		out := w.run(s)
		w.wantStatus(out, engine.StatusFailed, "")
		w.wantError(out, engine.KindError, "try 3")
		w.wantLog("a a a")
		if out.Error.Task != "a" || out.Error.Attempts != 3 || w.slack == 0 && !errors.Is(out.Error, errBoom) {
			w.Errorf("error %+v, want task a, 3 attempts, the cause", out.Error)
		}
	}},
	{name: "E59_backoff_2", virtual: true, run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 3, Delay: second, Backoff: 2})
		w.wantWaits(time.Second, 2*time.Second, 4*time.Second)
	}},
	{name: "E59_cap", virtual: true, run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 3, Delay: second, Backoff: 100, MaxDelay: 5 * second})
		w.wantWaits(time.Second, 5*time.Second, 5*time.Second)
	}},
	{name: "E59_backoff_3", virtual: true, run: func(w *world) {
		w.wantSucceeded(retried(w, failing(2), engine.Retry{Max: 3, Delay: second, Backoff: 3}), `"a"`)
		w.wantWaits(time.Second, 3*time.Second)
	}},
	{name: "E59_jitter", virtual: true, run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 40, Delay: 2 * second, Jitter: true, MaxDelay: 5 * second / 2})
		waits := w.waits()
		if len(waits) != 40 {
			w.Fatalf("%d waits, want 40", len(waits))
		}
		slices.Sort(waits)
		if waits[0] < time.Second || waits[39] > 2500*time.Millisecond || waits[0] == waits[39] {
			w.Errorf("waits from %s to %s, want different ones in [1s, 2.5s]", waits[0], waits[39])
		}
	}},
	{name: "E59_no_delay", virtual: true, run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 2})
		w.wantWaits(0, 0)
	}},
	{name: "E60_others_proceed", virtual: true, run: func(w *world) {
		w.on("F", failing(1))
		s := w.flow("A>F, C>D")
		task(s, "F").Retry = &engine.Retry{Max: 1, Delay: 10 * second}
		w.wantSucceeded(w.run(s), `{"F":"F","D":"D"}`)
		w.wantLog("A C F D F")
		if at := w.at[3]; at != 0 {
			w.Errorf("D ran at %s, want before F's delay", at)
		}
		if at := w.at[4]; at != 10*time.Second {
			w.Errorf("F ran again at %s, want 10s", at)
		}
	}},
	{name: "E62_own_policy", run: func(w *world) {
		w.on("a", failing(-1))
		w.on("b", failing(-1))
		for id, retries := range map[string]int{"a": 1, "b": 3} {
			s := w.flow(id)
			task(s, id).Retry = &engine.Retry{Max: retries}
			out := w.run(s)
			w.wantStatus(out, engine.StatusFailed, "")
			w.wantCount(id, retries+1)
		}
	}},
	{name: "E62b_hanging_attempts", virtual: true, run: func(w *world) {
		hanging(w, func(c *direct.Context) { <-c.Done() }, time.Second)
	}},
	{name: "E62b_deaf_attempts", virtual: true, run: func(w *world) {
		release := make(chan struct{})
		hanging(w, func(*direct.Context) { <-release }, 1100*time.Millisecond)
		close(release)
		synctest.Wait()
	}},
	{name: "E62h_denied", run: func(w *world) {
		retried(w, kind(engine.KindDenied), engine.Retry{Max: 3})
		w.wantLog("a")
	}},
	{name: "E62h_invalid_input", run: func(w *world) {
		retried(w, kind(engine.KindInvalidInput), engine.Retry{Max: 3})
		w.wantLog("a")
	}},
	{name: "E62h_denied_if_listed", run: func(w *world) {
		retried(w, kind(engine.KindDenied), engine.Retry{Max: 3, On: []string{engine.KindDenied}})
		w.wantLog("a a a a")
	}},
	{name: "E62h_only_listed", run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 3, On: []string{engine.KindTimeout}})
		w.wantLog("a")
	}},
	{name: "E62h_except", run: func(w *world) {
		retried(w, failing(-1), engine.Retry{Max: 3, Except: []string{engine.KindError}})
		w.wantLog("a")
	}},
	{name: "E62i_permanent", run: func(w *world) {
		out := retried(w, func(*direct.Context, json.RawMessage) (any, error) {
			return nil, &engine.TaskError{Kind: "quota", Message: "used up", Permanent: true}
		}, engine.Retry{Max: 3})
		w.wantError(out, "quota", "used up")
		w.wantLog("a")
	}},
	{name: "E62i_retry_after", virtual: true, run: func(w *world) {
		out := retried(w, func(c *direct.Context, _ json.RawMessage) (any, error) {
			if c.Call.Attempt == 1 {
				return nil, &engine.TaskError{Kind: "busy", Message: "later", RetryAfter: 7 * time.Second}
			}
			return failing(2)(c, nil)
		}, engine.Retry{Max: 3, Delay: second})
		w.wantSucceeded(out, `"a"`)
		w.wantWaits(7*time.Second, time.Second)
	}},
}

// failing fails on the first n attempts; -1 is on all.
func failing(n int) do {
	return func(c *direct.Context, _ json.RawMessage) (any, error) {
		if n < 0 || c.Call.Attempt <= n {
			return nil, errBoom
		}
		return c.Call.Task.ID, nil
	}
}

func kind(k string) do {
	return func(*direct.Context, json.RawMessage) (any, error) {
		return nil, &engine.TaskError{Kind: k, Message: k}
	}
}

// retried runs one task under a policy.
func retried(w *world, f do, p engine.Retry) engine.Outcome {
	w.Helper()
	w.on("a", f)
	s := w.flow("a")
	task(s, "a").Retry = &p
	return w.run(s)
}

// hanging runs a task whose four attempts each exceed 1 s.
func hanging(w *world, hang func(*direct.Context), atMost time.Duration) {
	w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
		hang(c)
		return nil, c.Err()
	})
	s := w.flow("a>b")
	task(s, "a").Retry, task(s, "a").Timeout = &engine.Retry{Max: 3}, second
	out := w.run(s)
	w.wantStatus(out, engine.StatusFailed, "")
	w.wantError(out, engine.KindTimeout, `"a"`, "1s")
	w.wantLog("a a a a")
	if out.Error.Attempts != 4 {
		w.Errorf("%d attempts, want 4", out.Error.Attempts)
	}
	for i, d := range append(w.waits(), time.Since(w.started)-w.at[3]) {
		if d < time.Second || d > atMost+w.slack {
			w.Errorf("attempt %d lasted %s, want 1s to %s", i+1, d, atMost)
		}
	}
}
