package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

var iterationCases = []acceptanceCase{
	{name: "C34_data", run: func(w *world) {
		var seen []string
		w.on("loop", func(c *direct.Context, in json.RawMessage) (any, error) {
			var d struct{ N int }
			if err := json.Unmarshal(in, &d); err != nil {
				return nil, err
			}
			seen = append(seen, string(in))
			if d.N < 3 {
				return d.N, c.NextIteration(map[string]int{"n": d.N + 1})
			}
			return d.N, nil
		})
		out := w.runGraph(w.build(w.flow("loop")), json.RawMessage(`{"n":0}`))
		w.wantSucceeded(out, "3")
		if want := []string{`{"n":0}`, `{"n":1}`, `{"n":2}`, `{"n":3}`}; !slices.Equal(seen, want) {
			w.Errorf("data %q, want %q", seen, want)
		}
	}},
	{name: "C35_guarded", run: func(w *world) {
		var cycles []int
		w.effect("loop", func(c *direct.Context) {
			cycles = append(cycles, c.Call.Cycle)
			if c.Call.MaxCycles != 5 {
				w.Errorf("max_cycles %d, want 5", c.Call.MaxCycles)
			}
			again(c)
		})
		s := w.flow("loop")
		task(s, "loop").MaxCycles = ptr(5)
		w.wantSucceeded(w.run(s), `"loop"`)
		if want := []int{1, 2, 3, 4, 5}; !slices.Equal(cycles, want) {
			w.Errorf("cycles %v, want %v", cycles, want)
		}
	}},
	{name: "C36_unguarded_1", run: func(w *world) { unguarded(w, 1) }},
	{name: "C36_unguarded_2", run: func(w *world) { unguarded(w, 2) }},
	{name: "C36_unguarded_5", run: func(w *world) { unguarded(w, 5) }},
	{name: "C37_task_over_default", run: func(w *world) {
		w.effect("loop", func(c *direct.Context) { _ = c.NextIteration(nil) })
		s := w.flow("loop")
		s.Limits.MaxCycles = ptr(2)
		task(s, "loop").MaxCycles = ptr(4)
		w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonCycleLimit)
		w.wantCount("loop", 4)
	}},
	{name: "C37_default", run: func(w *world) {
		w.effect("loop", func(c *direct.Context) { _ = c.NextIteration(nil) })
		s := w.flow("loop")
		s.Limits.MaxCycles = ptr(2)
		w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonCycleLimit)
		w.wantCount("loop", 2)
	}},
	{name: "C38_limit_1", run: func(w *world) {
		w.effect("loop", func(c *direct.Context) {
			if c.Call.CanIterate() {
				w.Error("can_iterate, want not")
			}
			again(c)
		})
		s := w.flow("loop")
		task(s, "loop").MaxCycles = ptr(1)
		w.wantSucceeded(w.run(s), `"loop"`)
		w.wantLog("loop")
	}},
	{name: "C39_no_data", run: func(w *world) {
		w.on("loop", func(c *direct.Context, in json.RawMessage) (any, error) {
			if c.Call.Cycle == 1 {
				return nil, c.NextIteration(nil)
			}
			return string(in), nil
		})
		w.wantSucceeded(w.runGraph(w.build(w.flow("loop")), json.RawMessage("7")), `"null"`)
		w.wantLog("loop loop")
	}},
	{name: "C40_stops_early", run: func(w *world) {
		var seen []int
		w.on("halve", func(c *direct.Context, in json.RawMessage) (any, error) {
			n := decodeInt(in)
			seen = append(seen, n)
			if n > 1 {
				return n, c.NextIteration(n / 2)
			}
			return n, nil
		})
		w.wantSucceeded(w.runGraph(w.build(w.flow("halve")), json.RawMessage("10")), "1")
		if want := []int{10, 5, 2, 1}; !slices.Equal(seen, want) {
			w.Errorf("seen %v, want %v", seen, want)
		}
	}},
	{name: "C41_collect_summarize", run: collect},
	{name: "C43_loop_then_new_task", run: func(w *world) { loopThenPublish(w, "loop", w.added("publish")) }},
	{name: "C43_loop_then_existing", run: func(w *world) { loopThenPublish(w, "loop, publish", engine.Task{ID: "publish"}) }},
	{name: "C44_goto_loop_guarded", run: func(w *world) {
		w.effect("agent", func(c *direct.Context) {
			if c.Call.CanIterate() {
				c.Goto(engine.Task{ID: "tool"})
			}
		})
		out := gotoLoop(w)
		w.wantStatus(out, engine.StatusSucceeded, "")
		w.wantLog("agent tool agent tool agent")
	}},
	{name: "C45_goto_loop_unguarded", run: func(w *world) {
		w.effect("agent", func(c *direct.Context) { c.Goto(engine.Task{ID: "tool"}) })
		out := gotoLoop(w)
		w.wantStatus(out, engine.StatusFailed, engine.ReasonCycleLimit)
		w.wantError(out, engine.KindCycleLimit, `"agent"`, "activation 4", "max_cycles 3")
		w.wantLog("agent tool agent tool agent tool")
	}},
	{name: "C46_retry_and_iterate", run: func(w *world) {
		retryInLoop(w, "loop", func(c *direct.Context) { again(c) })
		w.wantLog("loop loop loop loop")
	}},
	{name: "C46_retry_and_goto", run: func(w *world) {
		retryInLoop(w, "loop", func(c *direct.Context) {
			if c.Call.CanIterate() {
				c.Goto(engine.Task{ID: "loop"})
			}
		})
		w.wantLog("loop loop loop loop")
	}},
	{name: "C48_ten_thousand", local: true, alone: true, run: tenThousand},
}

// again asks for another iteration while there may be one.
func again(c *direct.Context) {
	if c.Call.CanIterate() {
		_ = c.NextIteration(nil)
	}
}

func unguarded(w *world, n int) {
	w.effect("loop", func(c *direct.Context) { _ = c.NextIteration(nil) })
	s := w.flow("loop>after")
	task(s, "loop").MaxCycles = &n
	out := w.run(s)
	w.wantStatus(out, engine.StatusFailed, engine.ReasonCycleLimit)
	w.wantError(out, engine.KindCycleLimit, `"loop"`, fmt.Sprintf("activation %d", n+1), fmt.Sprintf("max_cycles %d", n))
	w.wantCount("loop", n)
	w.wantCount("after", 0)
	if out.Error.Task != "loop" {
		w.Errorf("error's task %q, want loop", out.Error.Task)
	}
}

// collect is also case 42: the result is that of the last iteration.
func collect(w *world) {
	w.on("collect", func(c *direct.Context, _ json.RawMessage) (any, error) {
		if c.Call.Cycle < 3 {
			_ = c.NextIteration(nil)
		}
		return c.Call.Cycle, c.Append("items", c.Call.Cycle)
	})
	w.on("summarize", func(c *direct.Context, in json.RawMessage) (any, error) {
		var items []int
		if _, err := c.Get("items", &items); err != nil {
			return nil, err
		}
		return map[string]any{"items": items, "last": in}, nil
	})
	w.wantSucceeded(w.run(w.flow("collect>summarize")), `{"items":[1,2,3],"last":3}`)
	w.wantLog("collect collect collect summarize")
}

func loopThenPublish(w *world, text string, publish engine.Task) {
	w.effect("loop", func(c *direct.Context) {
		if c.Call.Cycle < 3 {
			_ = c.NextIteration(nil)
			return
		}
		c.NextTask(publish)
	})
	s := w.flow(text)
	s.Start = []string{"loop"}
	w.wantStatus(w.run(s), engine.StatusSucceeded, "")
	w.wantLog("loop loop loop publish")
}

func gotoLoop(w *world) engine.Outcome {
	w.effect("tool", func(c *direct.Context) { c.Goto(engine.Task{ID: "agent"}) })
	s := w.flow("agent, tool")
	s.Start = []string{"agent"}
	task(s, "agent").MaxCycles = ptr(3)
	return w.run(s)
}

func retryInLoop(w *world, id string, ask func(*direct.Context)) {
	var tries []string
	w.on(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		tries = append(tries, fmt.Sprintf("%d.%d", c.Call.Cycle, c.Call.Attempt))
		if len(tries) == 1 {
			return nil, errors.New("boom")
		}
		ask(c)
		return id, nil
	})
	s := w.flow(id)
	task(s, id).MaxCycles, task(s, id).Retry = ptr(3), &engine.Retry{Max: 1}
	w.wantStatus(w.run(s), engine.StatusSucceeded, "")
	if want := []string{"1.1", "1.2", "2.1", "3.1"}; !slices.Equal(tries, want) {
		w.Errorf("cycle.attempt %v, want %v", tries, want)
	}
}

func tenThousand(w *world) {
	w.config.Observe = nil
	var heaps []uint64
	var keys []int
	f := func(c *direct.Context, in json.RawMessage) (any, error) {
		n := decodeInt(in) + 1
		if n%3000 == 1000 {
			heaps, keys = append(heaps, heap()), append(keys, len(c.Keys("")))
		}
		if err := c.Set("n", n); err != nil {
			return nil, err
		}
		if n < 10_000 {
			return n, c.NextIteration(n)
		}
		return n, nil
	}
	direct.Func(w.handler, "loop", f)
	w.do["loop"] = nil
	s := w.flow("loop")
	s.Limits = engine.RunLimits{MaxSteps: 20_000, MaxCycles: ptr(0)}
	out := w.run(s)
	w.wantSucceeded(out, "10000")
	if out.Steps != 10_000 {
		w.Errorf("%d steps, want 10000", out.Steps)
	}
	if want := []int{1, 1, 1, 1}; !slices.Equal(keys, want) {
		w.Errorf("keys at 1000, 4000, 7000, 10000: %v, want %v", keys, want)
	}
	if first, last := heaps[0], heaps[len(heaps)-1]; last > first+128<<10 {
		w.Errorf("heap grew from %d to %d bytes", first, last)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
