package engine_test

import (
	"encoding/json"
	"errors"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// goes is a world's graph main>succ with a target beside it, in which main asks
// for something.
func goes(w *world, text string, f func(c *direct.Context)) engine.Outcome {
	w.Helper()
	w.effect("main", f)
	s := w.flow(text)
	s.Start = []string{"main"}
	out := w.run(s)
	if out.Status != engine.StatusSucceeded {
		w.Errorf("status %s: %v", out.Status, out.Error)
	}
	return out
}

var dynamicCases = []acceptanceCase{
	{name: "B20_new_task", run: func(w *world) {
		dyn := w.added("dyn")
		goes(w, "main>succ", func(c *direct.Context) { c.NextTask(dyn) })
		w.wantLog("main dyn succ")
	}},
	{name: "B21_goto", run: func(w *world) {
		out := goes(w, "main>succ, target", func(c *direct.Context) { c.Goto(engine.Task{ID: "target"}) })
		w.wantSucceeded(out, `"target"`)
		w.wantLog("main target")
		w.wantEnded("main:succeeded succ:skipped target:succeeded")
	}},
	{name: "B22_goto_new", run: func(w *world) {
		dyn := w.added("dyn")
		out := goes(w, "main>succ", func(c *direct.Context) { c.Goto(dyn) })
		w.wantSucceeded(out, `"dyn"`)
		w.wantLog("main dyn")
	}},
	{name: "B23_existing_is_goto", run: func(w *world) {
		goes(w, "main>succ>later>last, target", func(c *direct.Context) { c.NextTask(engine.Task{ID: "target"}) })
		w.wantLog("main target")
		w.wantEnded("main:succeeded succ:skipped later:skipped last:skipped target:succeeded")
	}},
	{name: "B24_new_and_goto", run: func(w *world) {
		dyn := w.added("dyn")
		goes(w, "main>succ, target", func(c *direct.Context) {
			c.NextTask(dyn)
			c.Goto(engine.Task{ID: "target"})
		})
		w.wantLog("main dyn target")
		w.wantEnded("main:succeeded succ:skipped dyn:succeeded target:succeeded")
	}},
	{name: "B25_call_order", run: func(w *world) {
		goes(w, "main>succ, t1, t2, t3", func(c *direct.Context) {
			for _, id := range []string{"t3", "t1", "t2"} {
				c.NextTask(engine.Task{ID: id})
			}
		})
		w.wantLog("main t3 t1 t2")
	}},
	{name: "B25_own_successors", run: func(w *world) {
		goes(w, "main>t1, main>t2, main>t3", func(c *direct.Context) {
			for _, id := range []string{"t3", "t1", "t2"} {
				c.NextTask(engine.Task{ID: id})
			}
		})
		w.wantLog("main t3 t1 t2")
	}},
	{name: "B26_workers_then_cleanup", run: func(w *world) {
		workers := []engine.Task{w.added("w1"), w.added("w2"), w.added("w3")}
		goes(w, "main>cleanup", func(c *direct.Context) {
			for _, t := range workers {
				c.NextTask(t)
			}
		})
		w.wantLog("main w1 w2 w3 cleanup")
	}},
	{name: "B28_target_has_successors", run: func(w *world) {
		out := goes(w, "main>succ, target>after", func(c *direct.Context) { c.Goto(engine.Task{ID: "target"}) })
		w.wantSucceeded(out, `"after"`)
		w.wantLog("main target after")
	}},
	{name: "B29_two_levels", run: func(w *world) {
		d2 := w.added("d2")
		w.effect("d1", func(c *direct.Context) { c.NextTask(d2) })
		d1 := w.added("d1")
		out := goes(w, "main>final", func(c *direct.Context) { c.NextTask(d1) })
		w.wantSucceeded(out, `"final"`)
		w.wantLog("main d1 d2 final")
	}},
	{name: "B29_a_new_task_jumps", run: func(w *world) {
		w.effect("d1", func(c *direct.Context) { c.Goto(engine.Task{ID: "target"}) })
		d1 := w.added("d1")
		goes(w, "main>final, target", func(c *direct.Context) { c.NextTask(d1) })
		if w.count("target") != 1 || w.count("final") != 1 {
			w.Errorf("log %q, want target and final once", w.log())
		}
	}},
	{name: "B30_however_built", run: howeverBuilt},
	{name: "B31_retried_request", run: func(w *world) {
		dyn := w.added("dyn")
		w.on("main", func(c *direct.Context, _ json.RawMessage) (any, error) {
			c.NextTask(dyn)
			if c.Call.Attempt == 1 {
				return nil, errors.New("not yet")
			}
			return "main", nil
		})
		s := w.flow("main>succ")
		task(s, "main").Retry = &engine.Retry{Max: 1}
		w.wantSucceeded(w.run(s), `"succ"`)
		w.wantLog("main main dyn succ")
	}},
	{name: "B32_same_id_in_two_runs", run: sameIDInTwoRuns},
	{name: "B33_unknown_handler", run: func(w *world) {
		unknownNext(w, engine.Task{ID: "dyn", Handler: "teleport"}, "teleport", "direct")
	}},
	{name: "B33_unknown_function", run: func(w *world) {
		unknownNext(w, engine.Task{ID: "dyn", Handler: "direct", Spec: json.RawMessage(`{"func":"nope"}`)}, `"nope"`)
	}},
	{name: "B33_unknown_task", run: func(w *world) {
		unknownNext(w, engine.Task{ID: "ghost"}, `"ghost"`)
	}},
}

// howeverBuilt is case 20 on a graph from a spec, from nodes, and from JSON.
func howeverBuilt(w *world) {
	dyn := w.added("dyn")
	main := w.effect("main", func(c *direct.Context) { c.NextTask(dyn) })
	spec := w.flow("main>succ")
	raw, err := json.Marshal(spec)
	if err != nil {
		w.Fatal(err)
	}
	var decoded engine.Spec
	if err := json.Unmarshal(raw, &decoded); err != nil {
		w.Fatal(err)
	}
	helper := func(s *engine.Spec) { s.Connect(engine.Seq(main, w.plain("succ"))) }
	var far engine.Spec
	helper(&far)
	for _, s := range []*engine.Spec{spec, &decoded, &far} {
		w.ran = nil
		w.wantSucceeded(w.run(s), `"succ"`)
		w.wantLog("main dyn succ")
	}
}

func sameIDInTwoRuns(w *world) {
	w.on("dyn", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
	w.on("main", func(c *direct.Context, in json.RawMessage) (any, error) {
		t := w.added("dyn")
		t.With = map[string]json.RawMessage{"p": in}
		c.NextTask(t)
		return "main", nil
	})
	w.on("succ", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got map[string]int
		err := c.Result("dyn", &got)
		return got["p"], err
	})
	g := w.build(w.flow("main>succ"))
	w.open()
	var wg sync.WaitGroup
	for _, input := range []string{"1", "2"} {
		wg.Go(func() {
			out, err := w.engine.Run(w.Context(), g, json.RawMessage(input))
			if err != nil || string(out.Output) != input {
				w.Errorf("output %s, %v, want %s", out.Output, err, input)
			}
		})
	}
	wg.Wait()
}

// unknownNext wants a clear error of the task that asked, and the engine alive.
func unknownNext(w *world, t engine.Task, parts ...string) {
	w.Helper()
	w.effect("main", func(c *direct.Context) { c.NextTask(t) })
	out := w.run(w.flow("main>succ"))
	w.wantStatus(out, engine.StatusFailed, "")
	w.wantError(out, engine.KindInvalidInput, append(parts, "next_task")...)
	if out.Task != "main" {
		w.Errorf("task %q, want main", out.Task)
	}
	w.wantLog("main")
	w.wantSucceeded(w.run(w.flow("next")), `"next"`)
}
