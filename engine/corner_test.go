package engine_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestCorners: what the simulator found once.
func TestCorners(t *testing.T) {
	t.Parallel()
	for _, c := range []acceptanceCase{
		{name: "max_steps_inside_a_group", run: func(w *world) {
			s := w.nodes(engine.Seq(engine.Par(w.plain("a"), w.plain("b"), w.plain("c"), w.plain("d")), w.plain("e")))
			s.Limits.MaxSteps = 2
			out := w.run(s)
			w.wantStatus(out, engine.StatusFailed, engine.ReasonStepLimit)
			w.wantLog("a b")
		}},
		{name: "the_failure_comes_before_max_steps", virtual: true, run: func(w *world) {
			w.config.Concurrency = 2
			fails := func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom }
			w.on("a", fails)
			w.on("b", fails)
			s := w.nodes(engine.Par(w.plain("a"), w.plain("b"), w.plain("c")))
			s.Limits.MaxSteps = 2
			task(s, "a").Retry = &engine.Retry{Max: 1, Delay: engine.Duration(time.Hour)}
			task(s, "b").Retry = &engine.Retry{Max: 1, Delay: engine.Duration(time.Second)}
			w.wantError(w.run(s), engine.KindGroup, "boom")
		}},
		{name: "map_reads_what_was_there_when_it_began", run: func(w *world) {
			w.on("m", func(c *direct.Context, _ json.RawMessage) (any, error) {
				var n int
				_, err := c.Get("n", &n)
				return n, err
			})
			w.on("add", func(c *direct.Context, _ json.RawMessage) (any, error) { return nil, c.Add("n", 1) })
			s := w.flow("m, add")
			task(s, "m").Map, task(s, "m").MaxConcurrency = "1..3", ptr(1)
			s.End = []string{"m"}
			w.wantSucceeded(w.run(s), "[0,0,0]")
		}},
		{name: "join_any_for_each_end", run: func(w *world) { // a runs three times: so does j
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) { return c.Call.Cycle, nil })
			w.on("go", func(c *direct.Context, _ json.RawMessage) (any, error) {
				c.Goto(engine.Task{ID: "a"})
				c.Goto(engine.Task{ID: "a"})
				return nil, nil
			})
			s := w.flow("go>x, a>j")
			s.Start = []string{"go", "a"}
			task(s, "j").Join = engine.JoinAny
			w.run(s)
			w.wantCount("a", 3)
			w.wantCount("j", 3)
		}},
		{name: "deferred_group", run: func(w *world) { // a second activation waits for the first: its successors run again
			w.config.Concurrency = 2
			inside, asked := make(chan struct{}), make(chan struct{})
			first := true
			w.on("m", func(*direct.Context, json.RawMessage) (any, error) {
				if first {
					first = false
					close(inside)
					<-asked
				}
				return "m", nil
			})
			w.on("go", func(c *direct.Context, _ json.RawMessage) (any, error) {
				<-inside
				c.Goto(engine.Task{ID: "g"})
				return nil, nil
			})
			observe := w.config.Observe
			w.config.Observe = func(n engine.Notice) {
				observe(n)
				if n.Type == engine.NoticeTaskSucceeded && n.Task == "go" {
					close(asked)
				}
			}
			s := w.nodes(engine.Seq(engine.Par(w.plain("m")).Named("g"), w.plain("after")), w.plain("go"))
			task(s, "after").Join = engine.JoinAny
			w.run(s)
			w.wantCount("m", 2)
			w.wantCount("after", 2)
		}},
		{name: "loop_of_nothing", run: func(w *world) {
			s := w.nodes(engine.Par(w.plain("m")).Named("g"))
			task(s, "m").Map = "[]"
			s.Edges, s.Start = []engine.Edge{{From: "g", To: "g"}}, []string{"g"}
			w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonCycleLimit)
			s.Limits.MaxCycles = ptr(0)
			w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonStepLimit)
			s.Limits.MaxSteps = 100_000
			w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonStepLimit)
			w.wantLog("")
		}},
		{name: "chain_of_nothing", run: func(w *world) {
			s := &engine.Spec{Name: "nothing"}
			w.plain("m")
			for i := range 2000 {
				s.Tasks = append(s.Tasks, engine.Task{ID: fmt.Sprint("m", i), Map: "[]", Spec: json.RawMessage(`{"func":"m"}`)})
				if i > 0 {
					s.Edges = append(s.Edges, engine.Edge{From: s.Tasks[i-1].ID, To: s.Tasks[i].ID})
				}
			}
			w.wantSucceeded(w.run(s), "[]")
		}},
		{name: "queue_timeout_from_before_a_pause", virtual: true, run: func(w *world) {
			w.pauses("p", engine.Pause{Name: "n", Timeout: engine.Duration(time.Minute), Default: json.RawMessage("1")})
			s := w.flow("p")
			task(s, "p").QueueTimeout = engine.Duration(time.Minute)
			r := w.start(s)
			<-r.Done()
			w.wantSucceeded(r.Outcome(), "1")
		}},
		{name: "waits_too_long_and_is_taken", virtual: true, run: func(w *world) {
			w.on("slow", func(*direct.Context, json.RawMessage) (any, error) {
				time.Sleep(time.Minute) // virtual
				return "slow", nil
			})
			s := w.flow("slow, q>r")
			task(s, "q").QueueTimeout = engine.Duration(time.Minute) // at the moment at which a worker takes it
			out := w.run(s)
			if w.count("q") == 0 {
				w.wantError(out, engine.KindQueueTimeout)
			} else {
				w.wantStatus(out, engine.StatusSucceeded, "")
			}
		}},
		{name: "queue_timeout_of_a_held_run", virtual: true, run: func(w *world) {
			w.retained()
			s := w.flow("p>q")
			w.pauses("p", engine.Pause{Name: "n"})
			task(s, "q").QueueTimeout = engine.Duration(time.Second)
			r := w.start(s)
			w.wantPaused(w.wait(r), "n")
			if err := r.Hold(""); err != nil {
				w.Fatal(err)
			}
			w.resume(r, "n", "1")
			r = w.recover(r.ID())
			time.Sleep(time.Minute) // virtual
			synctest.Wait()
			if err := r.Release(); err != nil {
				w.Fatal(err)
			}
			w.wantSucceeded(w.wait(r), `"q"`)
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
