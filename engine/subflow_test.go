package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// subflow is a task that is a flow.
func (w *world) subflow(id string, s *engine.Spec) engine.Task {
	w.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		w.Fatal(err)
	}
	return engine.Task{ID: id, Handler: engine.FlowHandler, Spec: raw}
}

// outer is in>sub>out, where sub is a flow.
func (w *world) outer(inner *engine.Spec) *engine.Spec {
	w.Helper()
	return w.nodes(engine.Seq(w.plain("in"), w.subflow("sub", inner), w.plain("out")))
}

// echo is a task that returns its input.
func (w *world) echo(id string) engine.Task {
	return w.on(id, func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
}

func TestSubFlow(t *testing.T) {
	t.Parallel()
	for _, c := range []acceptanceCase{
		{name: "input_output", run: func(w *world) {
			inner := w.nodes(engine.Seq(w.echo("a"), w.plain("b")))
			task(inner, "b").With = map[string]json.RawMessage{"x": json.RawMessage(`"${input} and ${tasks.a}"`)}
			w.echo("b")
			w.echo("out")
			w.wantSucceeded(w.run(w.outer(inner)), `{"x":"in and in"}`)
			w.wantLog("in a b out")
			w.wantEnded("in:succeeded sub/a:succeeded sub/b:succeeded sub:succeeded out:succeeded")
		}},
		{name: "same_ids", run: func(w *world) { // names inside are names of their own
			w.wantSucceeded(w.run(w.outer(w.flow("in>out"))), `"out"`)
			w.wantEnded("in:succeeded sub/in:succeeded sub/out:succeeded sub:succeeded out:succeeded")
		}},
		{name: "channel_of_its_own", run: func(w *world) {
			w.on("in", func(c *direct.Context, _ json.RawMessage) (any, error) { return nil, c.Set("k", 1) })
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) {
				var k int
				found, err := c.Get("k", &k)
				return found, errors.Join(err, c.Set("k", 2))
			})
			w.on("out", func(c *direct.Context, in json.RawMessage) (any, error) {
				var k int
				_, err := c.Get("k", &k)
				return fmt.Sprintf("%s %d", in, k), err
			})
			w.wantSucceeded(w.run(w.outer(w.flow("a"))), `"false 1"`)
		}},
		{name: "nested_in_group_and_map", run: func(w *world) {
			deep := w.nodes(engine.Seq(w.echo("x"), w.echo("y")))
			each := w.subflow("each", w.nodes(w.subflow("deep", deep)))
			each.Map = "1..3"
			s := w.nodes(engine.Seq(engine.Par(each, w.subflow("other", w.flow("a>b"))).Named("g"), w.plain("end")))
			s.End = []string{"g"}
			w.wantSucceeded(w.run(s), `{"each":[1,2,3],"other":"b"}`)
			w.wantCount("x", 3)
			w.wantCount("end", 1)
		}},
		{name: "group_inside", run: func(w *world) {
			inner := w.nodes(engine.Seq(engine.Par(w.plain("a"), w.plain("b")).Named("g"), w.echo("c")))
			w.echo("out")
			w.wantSucceeded(w.run(w.outer(inner)), `{"a":"a","b":"b"}`)
		}},
		{name: "fails", run: func(w *world) {
			w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
			out := w.run(w.outer(w.flow("a>b")))
			w.wantError(out, engine.KindError, "sub-flow sub", "boom")
			if out.Task != "sub" {
				w.Errorf("task %q, want sub", out.Task)
			}
			w.wantLog("in a")
		}},
		{name: "retried", virtual: true, run: func(w *world) {
			n := 0
			w.on("b", func(*direct.Context, json.RawMessage) (any, error) {
				if n++; n < 3 {
					return nil, errBoom
				}
				return n, nil
			})
			s := w.outer(w.flow("a>b"))
			task(s, "sub").Retry = &engine.Retry{Max: 2, Delay: engine.Duration(time.Second)}
			w.wantSucceeded(w.run(s), `"out"`)
			w.wantCount("a", 3) // each attempt is whole
			w.wantEnded("in:succeeded sub/a:succeeded sub/b:failed sub~2/a:succeeded sub~2/b:failed sub~3/a:succeeded sub~3/b:succeeded sub:succeeded out:succeeded")
		}},
		{name: "fallback_rollback", run: func(w *world) {
			w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
			s := w.outer(w.flow("a"))
			s.Tasks = append(s.Tasks, w.plain("spare"), w.plain("undo"))
			task(s, "sub").Fallback, task(s, "sub").Rollback = "spare", "undo"
			w.echo("out")
			w.wantSucceeded(w.run(s), `"spare"`)
			w.wantCount("undo", 0)
		}},
		{name: "as_recoveries", run: func(w *world) {
			w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
			w.on("x", func(_ *direct.Context, in json.RawMessage) (any, error) {
				var got struct{ Error struct{ Message string } }
				err := json.Unmarshal(in, &got)
				return got.Error.Message, err
			})
			spare := w.subflow("spare", w.flow("x"))
			s := w.flow("a>b")
			s.Tasks = append(s.Tasks, spare, w.subflow("undo", w.nodes(engine.Seq(w.plain("y"), w.plain("z")))))
			task(s, "a").Fallback, task(s, "a").Rollback = "spare", "undo"
			w.echo("b")
			w.wantSucceeded(w.run(s), `"boom"`)
			w.wantCount("y", 0)
			w.on("x", func(*direct.Context, json.RawMessage) (any, error) { return nil, errFallback })
			w.wantError(w.run(s), engine.KindError, "boom")
			w.wantCount("z", 1)
		}},
		{name: "input_schema", run: func(w *world) {
			w.config.CheckSchema = func(_, value json.RawMessage) error {
				if string(value) != `"in"` {
					return fmt.Errorf("want in, not %s", value)
				}
				return nil
			}
			inner := w.flow("a")
			inner.Input = json.RawMessage(`{"const":"in"}`)
			w.wantSucceeded(w.run(w.outer(inner)), `"out"`)
			w.on("in", func(*direct.Context, json.RawMessage) (any, error) { return 7, nil })
			out := w.run(w.outer(inner))
			w.wantError(out, engine.KindInvalidInput, "want in, not 7")
			w.wantCount("a", 1)
		}},
		{name: "timeout", virtual: true, run: func(w *world) {
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) { <-c.Done(); return nil, c.Err() })
			s := w.outer(w.flow("a"))
			task(s, "sub").Timeout = engine.Duration(time.Minute)
			begun := time.Now()
			w.wantError(w.run(s), engine.KindTimeout, "1m")
			if d := time.Since(begun); d != time.Minute {
				w.Errorf("ended after %v", d)
			}
		}},
		{name: "own_timeout_and_deadline", virtual: true, run: func(w *world) {
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) { <-c.Done(); return nil, c.Err() })
			inner := w.flow("a")
			inner.Limits.Timeout = engine.Duration(time.Second)
			s := w.outer(inner)
			task(s, "sub").Retry = &engine.Retry{Max: 9}
			task(s, "sub").Deadline = engine.Duration(3500 * time.Millisecond)
			w.wantError(w.run(s), engine.KindDeadline, "3.5s")
			w.wantCount("a", 4)
		}},
		{name: "terminate_and_cancel", run: func(w *world) {
			w.effect("a", func(c *direct.Context) { c.Terminate("enough") })
			w.echo("out")
			w.wantSucceeded(w.run(w.outer(w.flow("a>b"))), `"a"`)
			w.effect("a", func(c *direct.Context) { c.Cancel("no") })
			out := w.run(w.outer(w.flow("a>b")))
			w.wantStatus(out, engine.StatusCanceled, engine.ReasonCanceled)
			w.wantText(out.Message, "no")
		}},
		{name: "goto_iterate", run: func(w *world) {
			w.on("a", func(c *direct.Context, in json.RawMessage) (any, error) {
				if c.Call.Cycle < 3 {
					return nil, c.NextIteration(c.Call.Cycle)
				}
				c.Goto(engine.Task{ID: "z"})
				c.NextTask(w.added("new"))
				return "a", nil
			})
			inner := w.flow("a>b, z")
			inner.Start = []string{"a"}
			w.wantStatus(w.run(w.outer(inner)), engine.StatusSucceeded, "")
			w.wantCount("b", 0)
			w.wantCount("z", 1)
			w.wantCount("new", 1)
			w.wantCount("a", 3)
		}},
		{name: "condition_after", run: func(w *world) {
			s := w.outer(w.flow("a"))
			s.Edges[1].When = "result == 'x'"
			out := w.run(s)
			w.wantStatus(out, engine.StatusSucceeded, engine.ReasonNoEnd)
			w.wantCount("out", 0)
		}},
		{name: "steps", run: func(w *world) {
			s := w.outer(w.flow("a>b>c"))
			s.Limits.MaxSteps = 3
			out := w.run(s)
			w.wantStatus(out, engine.StatusFailed, engine.ReasonStepLimit)
			w.wantLog("in a")
		}},
		{name: "sibling_fails", virtual: true, run: func(w *world) {
			w.config.Concurrency = 3
			w.on("a", func(c *direct.Context, _ json.RawMessage) (any, error) { <-c.Done(); return nil, c.Err() })
			w.on("bad", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
			s := w.nodes(engine.Par(w.subflow("sub", w.flow("a>b")), w.plain("bad")))
			s.Tasks = append(s.Tasks, w.plain("undo"))
			task(s, "sub").Rollback = "undo"
			w.wantError(w.run(s), engine.KindGroup, "boom")
			w.wantCount("undo", 1)
			w.wantCount("b", 0)
		}},
		{name: "paused_and_recovered", run: func(w *world) {
			w.retained()
			w.pauses("p", engine.Pause{Name: "ok"})
			r := w.start(w.outer(w.flow("a>p>b")))
			w.wantPaused(w.wait(r), "ok")
			if err := r.Hold(""); err != nil {
				w.Fatal(err)
			}
			r = w.recover(r.ID())
			w.resume(r, "ok", "1")
			w.wantStatus(w.wait(r), engine.StatusPaused, engine.ReasonHeld)
			if err := r.Release(); err != nil {
				w.Fatal(err)
			}
			w.wantSucceeded(w.wait(r), `"out"`)
			w.wantCount("a", 1)
			w.wantCount("b", 1)
		}},
		{name: "retried_run", run: func(w *world) {
			w.retained()
			r := w.flaky(w.outer(w.flow("a>b>c")))
			w.wantSucceeded(w.retry(r, engine.RetryFrom{}), `"out"`)
			w.wantCount("a", 1) // what succeeded in it is kept
			w.wantCount("b", 2)
			w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "sub"}), `"out"`)
			w.wantCount("a", 2)
		}},
		{name: "added", run: func(w *world) {
			w.echo("x")
			w.on("in", func(c *direct.Context, _ json.RawMessage) (any, error) {
				c.NextTask(w.subflow("new", w.flow("x>y")))
				return "in", nil
			})
			w.wantSucceeded(w.run(w.flow("in>out")), `"out"`)
			w.wantLog("in x y out")
		}},
		{name: "bad_build", run: func(w *world) {
			inner := w.flow("a>b")
			inner.Edges[0].To = "nope"
			w.wantBuildError(w.outer(inner), "tasks.sub.spec.edges[0].to", `no task or group "nope"`)
			s := w.outer(w.flow("a"))
			task(s, "sub").Spec = json.RawMessage(`[]`)
			w.wantBuildError(s, "want the spec of a flow")
			g := w.build(w.outer(&engine.Spec{Name: "x", Tasks: []engine.Task{{ID: "t", Handler: "nope"}}}))
			w.wantText(w.open().Check(w.Context(), g).Error(), "tasks.sub.spec.tasks.t.handler", `no handler "nope"`)
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
