package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// callCornerCases are those where calls meet all else that a run does.
var callCornerCases = []acceptanceCase{
	{name: "calls_none", run: callsNone},
	{name: "calls_thousand", run: callsThousand},
	{name: "calls_terminate_in_a_tool", virtual: true, run: callTerminates},
	{name: "calls_iteration_in_a_tool", run: callIterates},
	{name: "calls_iteration_without_end", run: callIteratesOn},
	{name: "calls_next_task_in_a_tool", run: callAdds},
	{name: "calls_next_task_with_tools", run: addedCalls},
	{name: "calls_sub_flow", run: callOfFlow},
	{name: "calls_fallback_of_a_tool", run: callFallsBack},
	{name: "calls_names_that_collide", run: callNamesCollide},
	{name: "calls_of_no_graph", run: callOfNoGraph},
	{name: "calls_itself", run: callsItself},
	{name: "calls_without_bottom", run: callsWithoutBottom},
	{name: "calls_input_of_no_json", run: callsBadInput},
	{name: "calls_between_pauses", run: callsBetweenPauses},
	{name: "calls_in_each_cycle", run: callsInCycles},
	{name: "calls_in_a_group_that_fails", virtual: true, run: callsInFailedGroup},
	{name: "calls_in_a_group_that_is_late", virtual: true, run: callsInLateGroup},
	{name: "calls_rolled_back_before_they_go_on", virtual: true, run: callsRolledBack},
	{name: "calls_held", virtual: true, run: callsHeld},
	{name: "calls_timeout_of_an_attempt", virtual: true, run: callsTimeOut},
	{name: "calls_steps_retried", run: callsStepsRetried},
	{name: "calls_retry_from_the_caller", run: callsAnew},
	{name: "calls_fork_midway", run: callsFork},
	{name: "calls_after_a_cancel", virtual: true, run: callsAfterCancel},
}

// asks makes the agent call tools at once, and return how each ended.
func (w *world) asks(calls ...engine.TaskCall) do {
	return func(c *direct.Context, _ json.RawMessage) (any, error) {
		answers, err := c.CallTasks(calls...)
		var all []string
		for _, a := range answers {
			if a.Error != nil {
				all = append(all, a.Error.Kind)
				continue
			}
			all = append(all, string(a.Value))
		}
		return strings.Join(all, " "), err
	}
}

func calls(ids string) []engine.TaskCall {
	var all []engine.TaskCall
	for id := range strings.FieldsSeq(ids) {
		all = append(all, engine.TaskCall{ID: id})
	}
	return all
}

func callsNone(w *world) {
	w.plain("tool")
	w.wantSucceeded(w.run(w.agent("tool", w.asks())), `""`)
	w.wantLog("agent after")
}

func callsThousand(w *world) {
	w.echo("tool")
	w.config.Concurrency = 8
	var all []engine.TaskCall
	for i := range 1000 {
		all = append(all, engine.TaskCall{ID: "tool", Input: json.RawMessage(fmt.Sprint(i))})
	}
	o := w.run(w.agent("tool", func(c *direct.Context, _ json.RawMessage) (any, error) {
		answers, err := c.CallTasks(all...)
		for i, a := range answers {
			if string(a.Value) != fmt.Sprint(i) {
				w.Errorf("answer %d is %s", i, a.Value)
			}
		}
		return len(answers), err
	}))
	w.wantSucceeded(o, "1000")
	w.wantCount("tool", 1000)
	w.wantError(w.run(w.agent("tool", w.asks(append(all, all[0])...))), engine.KindInvalidInput, "1001 tasks at once")
}

// callTerminates: terminate in a tool ends what was called with it; what had ended
// before has its value.
func callTerminates(w *world) {
	w.config.Concurrency = 3
	w.plain("quick")
	w.on("slow", waiting)
	w.on("last", func(c *direct.Context, _ json.RawMessage) (any, error) {
		<-time.After(time.Second)
		c.Terminate("enough")
		return 7, nil
	})
	w.wantSucceeded(w.run(w.agent("quick slow last", w.asks(calls("quick slow last")...))), `"\"quick\" canceled 7"`)
}

// counts makes a task ask for iterations up to a number.
func (w *world) counts(id string, to int) {
	w.on(id, func(c *direct.Context, in json.RawMessage) (any, error) {
		var n int
		if err := json.Unmarshal(in, &n); err != nil {
			return nil, err
		}
		if n < to {
			return n, c.NextIteration(n + 1)
		}
		return n, nil
	})
}

func callIterates(w *world) {
	w.counts("tool", 3)
	w.plain("other")
	all := []engine.TaskCall{{ID: "tool", Input: json.RawMessage("1")}, {ID: "other"}}
	w.wantSucceeded(w.run(w.agent("tool other", w.asks(all...))), `"3 \"other\""`)
	w.wantCount("tool", 3)
	w.wantCount("other", 1)
}

func callIteratesOn(w *world) {
	w.counts("tool", 1000)
	w.counts("few", 2)
	all := []engine.TaskCall{{ID: "tool", Input: json.RawMessage("1")}, {ID: "few", Input: json.RawMessage("1")}}
	w.wantSucceeded(w.run(w.agent("tool few", w.asks(all...))), `"cycle_limit 2"`)
	w.wantCount("tool", engine.DefaultMaxCycles)
}

// callAdds: what a tool asks for is done before its caller goes on; should it fail,
// the call has failed.
func callAdds(w *world) {
	follow := w.added("more")
	w.effect("good", func(c *direct.Context) { c.NextTask(follow) })
	broken := w.added("broken")
	w.on("broken", func(*direct.Context, json.RawMessage) (any, error) { return nil, errTool })
	w.effect("bad", func(c *direct.Context) { c.NextTask(broken) })
	w.wantSucceeded(w.run(w.agent("good bad", w.asks(calls("good bad")...))), `"\"good\" error"`)
	w.wantCount("more", 1)
	w.wantCount("broken", 1)
}

// addedCalls: a task that was added at run time may have tools, of the graph.
func addedCalls(w *world) {
	w.doubles()
	planner := w.added("planner")
	w.on("planner", doubleTwice)
	planner.Tools = []string{"double"}
	w.effect("agent", func(c *direct.Context) { c.NextTask(planner) })
	s := w.flow("agent")
	s.Tasks = append(s.Tasks, w.plain("double"))
	task(s, "agent").Tools = []string{"double"}
	w.wantSucceeded(w.run(s), `"agent"`)
	w.wantLog("agent planner double planner double planner")
	planner.Tools = []string{"nobody"}
	w.wantError(w.run(s), engine.KindInvalidInput, `no plain task "nobody" in the graph to be its tool`)
}

func callOfFlow(w *world) {
	w.doubles()
	inner := w.nodes(engine.Seq(w.echo("in"), w.plain("double")))
	sub := w.subflow("sub", inner)
	s := w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var n int
		if err := c.CallTask("sub", 4, &n); err != nil {
			return nil, err
		}
		err := c.CallTask("sub", n, &n)
		return n, err
	})
	s.Tasks = append(s.Tasks, sub)
	task(s, "agent").Tools = []string{"sub", "double"}
	w.wantSucceeded(w.run(s), "16")
	w.wantLog("agent in double agent in double agent after")
	w.forget()
	s.Tasks[len(s.Tasks)-1].Tools = []string{"double"}
	w.wantBuildError(s, "tools are for a task that runs code")
}

// callFallsBack: a tool's fallback may name tasks of the whole graph, which have not
// run where it does.
func callFallsBack(w *world) {
	w.on("tool", func(*direct.Context, json.RawMessage) (any, error) { return nil, errTool })
	w.on("plan", func(_ *direct.Context, in json.RawMessage) (any, error) {
		var got struct {
			Flow, Call, Task any
			Error            struct{ Kind string }
		}
		err := json.Unmarshal(in, &got)
		return []any{got.Flow, got.Call, got.Task, got.Error.Kind}, err
	})
	s := w.agent("tool", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got json.RawMessage
		err := c.CallTask("tool", map[string]string{"call": "mine"}, &got)
		return got, err
	})
	s.Tasks = append(s.Tasks, w.plain("plan"))
	task(s, "tool").Fallback = "plan"
	task(s, "plan").With = map[string]json.RawMessage{"flow": json.RawMessage(`"${input}"`), "task": json.RawMessage(`"${tasks.after}"`)}
	w.wantSucceeded(w.runGraph(w.build(s), json.RawMessage(`"in"`)), `["in","mine",null,"error"]`)
}

// callNamesCollide: the names of calls, of their batch, and of what stands by for
// them, are kept apart.
func callNamesCollide(w *world) {
	w.on("a", func(*direct.Context, json.RawMessage) (any, error) { return nil, errTool })
	w.plain("a-2")
	w.plain("1")
	s := w.agent("a 1", w.asks(calls("a a 1")...))
	s.Tasks = append(s.Tasks, w.plain("a-2"))
	task(s, "a").Fallback = "a-2"
	w.wantSucceeded(w.run(s), `"\"a-2\" \"a-2\" \"1\""`)
	w.wantCount("a", 2)
}

// callOfNoGraph calls a task that is no part of the graph.
func callOfNoGraph(w *world) {
	w.plain("tool")
	fresh := w.added("new")
	w.wantSucceeded(w.run(w.agent("tool", w.asks(engine.TaskCall{ID: "any", Task: &fresh}))), `"\"new\""`)
	w.wantCount("new", 1)
	for want, t := range map[string]engine.Task{
		`no handler "nobody"`: {ID: "x", Handler: "nobody"},
		`it has a map`:        {ID: "x", Handler: "direct", Map: "[1]"},
		`no task "nowhere"`:   {ID: "new", Handler: "direct", Fallback: "nowhere"},
	} {
		w.wantError(w.run(w.agent("tool", w.asks(engine.TaskCall{ID: "x", Task: &t}))), engine.KindInvalidInput, want)
	}
	n := 0
	o := w.run(w.agent("tool", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n++
		changed := fresh
		changed.Doc = fmt.Sprint(n)
		_, err := c.CallTasks(engine.TaskCall{ID: "x", Task: &changed})
		return nil, err
	}))
	w.wantError(o, engine.KindDiverged)
}

// callsWithoutBottom: a task that has itself called, in a way that no check of a
// graph sees, ends.
func callsWithoutBottom(w *world) {
	w.plain("tool")
	self := w.added("self")
	self.Tools = []string{"tool"}
	w.on("self", func(c *direct.Context, _ json.RawMessage) (any, error) {
		answers, err := c.CallTasks(engine.TaskCall{ID: "self", Task: &self})
		if err == nil && answers[0].Error != nil {
			return nil, answers[0].Error
		}
		return nil, err
	})
	w.wantError(w.run(w.agent("tool", func(c *direct.Context, _ json.RawMessage) (any, error) {
		answers, err := c.CallTasks(engine.TaskCall{ID: "self", Task: &self})
		if err == nil && answers[0].Error != nil {
			return nil, answers[0].Error
		}
		return nil, err
	})), engine.KindInvalidInput, "nest deeper than 32")
}

// callsItself: what a check of a graph does see.
func callsItself(w *world) {
	w.plain("other")
	w.plain("plan")
	s := w.agent("tool", w.asks(calls("tool")...))
	s.Tasks = append(s.Tasks, w.plain("plan"))
	task(s, "tool").Tools = []string{"agent"}
	w.wantBuildError(s, `tasks.tool.tools[0]: task "tool" would call itself`)
	task(s, "tool").Tools, task(s, "tool").Fallback, task(s, "plan").Tools = nil, "plan", []string{"tool"}
	w.wantBuildError(s, `tasks.plan.tools[0]: task "plan" would call itself`)
}

func callsBadInput(w *world) {
	w.plain("tool")
	o := w.run(w.agent("tool", w.asks(engine.TaskCall{ID: "tool", Input: json.RawMessage("{")})))
	w.wantError(o, engine.KindInvalidInput, "its input is not JSON")
	w.wantCount("tool", 0)
}

func callsBetweenPauses(w *world) {
	w.doubles()
	r := w.start(w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var n int
		for _, name := range []string{"first", "second"} {
			var more int
			if err := c.Pause(engine.Pause{Name: name}, &more); err != nil {
				return nil, err
			}
			m, err := double(c, n+more)
			if err != nil {
				return nil, err
			}
			n = m
		}
		return n, nil
	}))
	w.wantPaused(w.wait(r), "first")
	w.resume(r, "first", "1")
	w.wantPaused(w.wait(r), "second")
	w.resume(r, "second", "5")
	w.wantSucceeded(w.wait(r), "14")
	w.wantCount("double", 2)
}

// callsInCycles: another activation of the caller calls anew.
func callsInCycles(w *world) {
	w.doubles()
	w.wantSucceeded(w.run(w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n, err := double(c, c.Call.Cycle)
		if err == nil && c.Call.Cycle < 3 {
			err = c.NextIteration(n)
		}
		return n, err
	})), "6")
	w.wantCount("double", 3)
}

// callsInFailedGroup: a caller that is stopped stops what it has called.
func callsInFailedGroup(w *world) {
	w.config.Concurrency = 4
	w.on("slow", waiting)
	w.on("bad", func(*direct.Context, json.RawMessage) (any, error) {
		<-time.After(time.Second)
		return nil, errTool
	})
	w.on("agent", w.asks(calls("slow")...))
	w.plain("undo")
	s := w.nodes(engine.Par(w.plain("agent"), w.plain("bad")).Named("g"))
	s.Tasks = append(s.Tasks, w.plain("slow"), w.plain("undo"))
	task(s, "agent").Tools, task(s, "agent").Rollback = []string{"slow"}, "undo"
	w.wantError(w.run(s), engine.KindGroup, errTool.Error())
	w.wantCount("agent", 1)
	w.wantCount("undo", 1)
}

func callsInLateGroup(w *world) {
	w.on("slow", waiting)
	w.on("agent", w.asks(calls("slow")...))
	s := w.nodes(engine.Par(w.plain("agent"), w.plain("other")).Named("g"))
	s.Tasks = append(s.Tasks, w.plain("slow"))
	s.Groups[0].Timeout = engine.Duration(time.Minute)
	task(s, "agent").Tools = []string{"slow"}
	w.wantError(w.run(s), engine.KindTimeout)
	w.wantCount("agent", 1)
}

// callsRolledBack: what a caller has done is rolled back, though it is stopped before
// it goes on after its call.
func callsRolledBack(w *world) {
	began, end := make(chan struct{}), make(chan struct{})
	w.on("tool", func(*direct.Context, json.RawMessage) (any, error) {
		close(began)
		<-end
		return 1, nil
	})
	w.plain("undo")
	s := w.agent("tool", func(c *direct.Context, in json.RawMessage) (any, error) {
		if _, err := c.CallTasks(calls("tool")...); err != nil {
			return nil, err
		}
		return waiting(c, in) // where a worker was faster than the cancel
	})
	s.Tasks = append(s.Tasks, w.plain("undo"))
	task(s, "agent").Rollback = "undo"
	r := w.start(s)
	<-began
	if err := r.Hold("wait"); err != nil {
		w.Fatal(err)
	}
	close(end)
	synctest.Wait()
	if err := r.Cancel("stop"); err != nil {
		w.Fatal(err)
	}
	w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
	w.wantCount("undo", 1)
}

func callsHeld(w *world) {
	began, end := make(chan struct{}), make(chan struct{})
	w.on("tool", func(*direct.Context, json.RawMessage) (any, error) {
		close(began)
		<-end
		return 1, nil
	})
	r := w.start(w.agent("tool", w.asks(calls("tool")...)))
	<-began
	if err := r.Hold("wait"); err != nil {
		w.Fatal(err)
	}
	close(end)
	w.wantStatus(w.wait(r), engine.StatusPaused, engine.ReasonHeld)
	w.wantCount("agent", 1)
	if err := r.Release(); err != nil {
		w.Fatal(err)
	}
	w.wantSucceeded(w.wait(r), `"1"`)
	w.wantCount("agent", 2)
}

// callsTimeOut: an attempt that takes too long after its calls is retried, and makes
// none of them again.
func callsTimeOut(w *world) {
	w.doubles()
	s := w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n, err := double(c, 1)
		if err != nil {
			return nil, err
		}
		if c.Call.Attempt == 1 {
			return waiting(c, nil)
		}
		return double(c, n)
	})
	task(s, "agent").Timeout, task(s, "agent").Retry = engine.Duration(time.Minute), &engine.Retry{Max: 1}
	w.wantSucceeded(w.run(s), "4")
	w.wantCount("double", 2)
}

// callsStepsRetried: a run that max_steps has ended goes on in the midst of its calls.
func callsStepsRetried(w *world) {
	w.retained()
	w.doubles()
	s := w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n := 1
		for range 8 {
			m, err := double(c, n)
			if err != nil {
				return nil, err
			}
			n = m
		}
		return n, nil
	})
	s.Limits.MaxSteps = 6
	r := w.start(s)
	w.wantStatus(w.wait(r), engine.StatusFailed, engine.ReasonStepLimit)
	w.wantSucceeded(w.retry(r, engine.RetryFrom{}), "256")
	w.wantCount("double", 8)
}

// callsAnew: who names the caller to be retried has it call anew.
func callsAnew(w *world) {
	w.retained()
	w.doubles()
	r := w.start(w.agent("double", doubleTwice))
	w.wantSucceeded(w.wait(r), "12")
	w.wantSucceeded(w.retry(r, engine.RetryFrom{Task: "agent"}), "12")
	w.wantCount("double", 4)
}

// callsFork: another run goes on from any point of one that calls.
func callsFork(w *world) {
	w.retained()
	w.doubles()
	r := w.start(w.agent("double", doubleTwice))
	w.wantSucceeded(w.wait(r), "12")
	h, err := w.engine.History(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	done := 0
	for _, e := range h.Events {
		if e.Type == engine.EventStarted || e.Activation == "after" {
			continue
		}
		if e.Type == engine.EventCompleted && strings.Contains(e.Activation, "/") {
			done++
		}
		w.forget()
		again, err := w.engine.Fork(w.Context(), r.ID(), fmt.Sprintf("#%d", e.Seq), "")
		if err != nil {
			w.Fatal(err)
		}
		w.wantSucceeded(w.wait(again), "12")
		w.wantCount("double", 2-done)
	}
	if done != 2 {
		w.Errorf("%d calls in the journal, want 2", done)
	}
}

// callsAfterCancel: a run that was canceled while a tool ran is retried: the calls
// that were answered stay so.
func callsAfterCancel(w *world) {
	w.retained()
	began := make(chan struct{}, 1)
	w.forever("slow", began)
	w.doubles()
	r := w.start(w.agent("slow double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n, err := double(c, 1)
		if err != nil {
			return nil, err
		}
		err = c.CallTask("slow", n, &n)
		return n, err
	}))
	<-began
	if err := r.Cancel("stop it"); err != nil {
		w.Fatal(err)
	}
	w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
	w.on("slow", func(*direct.Context, json.RawMessage) (any, error) { return 5, nil })
	w.wantSucceeded(w.retry(r, engine.RetryFrom{}), "5")
	w.wantCount("double", 1)
	w.wantCount("slow", 2)
	h, err := w.engine.History(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	if !slices.ContainsFunc(h.Events, func(e *engine.Event) bool { return e.Activation == "agent~2/2/slow" }) {
		w.Error("no second activation of slow")
	}
}
