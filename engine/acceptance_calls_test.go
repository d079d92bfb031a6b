package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// callCases are those of tasks that call others while they run.
var callCases = []acceptanceCase{
	{name: "calls_in_turn", run: callsInTurn},
	{name: "calls_at_once", run: callsAtOnce},
	{name: "calls_one_slot", virtual: true, run: callsOneSlot},
	{name: "calls_failure_is_an_answer", run: callFails},
	{name: "calls_retries_of_a_tool", virtual: true, run: callRetries},
	{name: "calls_pause_in_a_tool", run: callPauses},
	{name: "calls_elsewhere", run: callsElsewhere},
	{name: "calls_diverged", run: callsDiverge},
	{name: "calls_not_a_tool", run: callNoTool},
	{name: "calls_nested", run: callsNest},
	{name: "calls_retry_of_the_caller", run: callerRetries},
	{name: "calls_retry_of_the_run", run: callerOfRetriedRun},
	{name: "calls_cancel_in_a_tool", run: callCancels},
	{name: "calls_cancel_from_outside", virtual: true, run: callCanceled},
	{name: "calls_deadline", virtual: true, run: callDeadline},
	{name: "calls_in_group_and_map", run: callsInGroup},
	{name: "calls_of_a_fallback", run: callsOfFallback},
	{name: "calls_many", run: callsMany},
	{name: "calls_steps", run: callsSteps},
	{name: "calls_blobs", run: callsBlobs},
}

// agent makes a flow "agent>after" whose agent may call tools, and is f.
func (w *world) agent(tools string, f do) *engine.Spec {
	w.on("agent", f)
	s := w.flow("agent>after")
	for id := range strings.SplitSeq(tools, " ") {
		s.Tasks = append(s.Tasks, w.plain(id))
	}
	task(s, "agent").Tools = strings.Fields(tools)
	w.on("after", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
	return s
}

// doubles makes a tool double, of a number.
func (w *world) doubles() {
	w.on("double", func(_ *direct.Context, in json.RawMessage) (any, error) {
		var n int
		err := json.Unmarshal(in, &n)
		return 2 * n, err
	})
}

func double(c *direct.Context, n int) (int, error) {
	var got int
	err := c.CallTask("double", n, &got)
	return got, err
}

// doubleTwice calls the tool double, and again with what came of it.
func doubleTwice(c *direct.Context, _ json.RawMessage) (any, error) {
	n, err := double(c, 3)
	if err != nil {
		return nil, err
	}
	return double(c, n)
}

func callsInTurn(w *world) {
	w.doubles()
	r := w.start(w.agent("double", doubleTwice))
	w.wantSucceeded(w.wait(r), "12")
	w.wantLog("agent double agent double agent after")
}

func callsAtOnce(w *world) {
	w.doubles()
	w.retained()
	r := w.start(w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var calls []engine.TaskCall
		for n := range 5 {
			calls = append(calls, engine.TaskCall{ID: "double", Input: json.RawMessage(fmt.Sprint(n))})
		}
		answers, err := c.CallTasks(calls...)
		return fmt.Sprintf("%s", values(answers)), err
	}))
	w.wantSucceeded(w.wait(r), `"[0 2 4 6 8]"`)
	w.wantCount("agent", 2)
	w.wantCount("double", 5)
	h, err := w.engine.History(w.Context(), r.ID())
	if err != nil {
		w.Fatal(err)
	}
	var ids []string
	for _, e := range h.Events {
		if e.Type == engine.EventCompleted && strings.Contains(e.Activation, "/") {
			ids = append(ids, e.Activation)
		}
	}
	slices.Sort(ids)
	if got := strings.Join(ids, " "); got != "agent/1/double agent/1/double-2 agent/1/double-3 agent/1/double-4 agent/1/double-5" {
		w.Errorf("activations %s", got)
	}
}

func values(answers []engine.TaskAnswer) []string {
	var all []string
	for _, a := range answers {
		all = append(all, string(a.Value))
	}
	return all
}

// callsOneSlot: who waits for tasks holds no worker; the world has one.
func callsOneSlot(w *world) {
	w.on("slow", func(c *direct.Context, _ json.RawMessage) (any, error) {
		select {
		case <-time.After(5 * time.Minute):
		case <-c.Done():
		}
		return "slow", c.Err()
	})
	s := w.agent("slow", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got string
		err := c.CallTask("slow", nil, &got)
		return got, err
	})
	task(s, "agent").Timeout = engine.Duration(time.Minute) // of an attempt, none of which takes long
	w.wantSucceeded(w.run(s), `"slow"`)
}

var errTool = errors.New("the tool is broken")

func callFails(w *world) {
	w.on("bad", func(*direct.Context, json.RawMessage) (any, error) {
		return nil, &engine.TaskError{Kind: "broken", Message: "it is broken"}
	})
	w.wantSucceeded(w.run(w.agent("bad", func(c *direct.Context, _ json.RawMessage) (any, error) {
		err := c.CallTask("bad", 1, nil)
		var te *engine.TaskError
		if !errors.As(err, &te) {
			return nil, err
		}
		return te.Kind + ": " + te.Message, nil
	})), `"broken: it is broken"`)
	w.wantCount("bad", 1)
}

func callRetries(w *world) {
	n := 0
	w.on("flaky", func(*direct.Context, json.RawMessage) (any, error) {
		if n++; n < 3 {
			return nil, errTool
		}
		return n, nil
	})
	s := w.agent("flaky", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got int
		err := c.CallTask("flaky", nil, &got)
		return got, err
	})
	task(s, "flaky").Retry = &engine.Retry{Max: 5, Delay: engine.Duration(time.Second)}
	w.wantSucceeded(w.run(s), "3")
	w.wantLog("agent flaky flaky flaky agent after")
}

func callPauses(w *world) {
	w.pauses("approve", engine.Pause{Name: "ok"})
	w.doubles()
	r := w.start(w.agent("approve double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n, err := double(c, 4)
		if err != nil {
			return nil, err
		}
		var ok bool
		if err := c.CallTask("approve", n, &ok); err != nil {
			return nil, err
		}
		return ok, nil
	}))
	w.wantPaused(w.wait(r), "ok")
	w.resume(r, "ok", "true")
	w.wantSucceeded(w.wait(r), "true")
	w.wantCount("double", 1)
}

// callsElsewhere: another process goes on with what is journaled.
func callsElsewhere(w *world) {
	w.retained()
	w.pauses("approve", engine.Pause{Name: "ok"})
	w.doubles()
	r := w.start(w.agent("approve double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n, err := double(c, 4)
		if err != nil {
			return nil, err
		}
		if err := c.CallTask("approve", n, nil); err != nil {
			return nil, err
		}
		return double(c, n)
	}))
	w.wantPaused(w.wait(r), "ok")
	r = w.recover(r.ID())
	w.wantPaused(w.wait(r), "ok")
	w.resume(r, "ok", "true")
	w.wantSucceeded(w.wait(r), "16")
	w.wantCount("double", 2)
}

func callsDiverge(w *world) {
	w.doubles()
	n := 0
	o := w.run(w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		n++
		return double(c, n)
	}))
	w.wantError(o, engine.KindDiverged, `call 1 is double(2)`, `it was double(1)`)
}

func callNoTool(w *world) {
	w.doubles()
	w.plain("other")
	s := w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		return nil, c.CallTask("other", 1, nil)
	})
	s.Tasks = append(s.Tasks, engine.Task{ID: "other"})
	s.Edges = append(s.Edges, engine.Edge{From: "after", To: "other"})
	w.wantError(w.run(s), engine.KindDenied, `"other" is none of its tools`, `"double"`)
	w.wantCount("other", 0)
}

// callsNest: a tool has tools of its own.
func callsNest(w *world) {
	w.doubles()
	w.on("four", doubleTwice)
	s := w.agent("four double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got int
		err := c.CallTask("four", nil, &got)
		return got, err
	})
	task(s, "four").Tools = []string{"double"}
	w.wantSucceeded(w.run(s), "12")
	w.wantLog("agent four double four double four agent after")
}

// callerRetries: a retry goes on where a call has failed, and does not do again what
// succeeded.
func callerRetries(w *world) {
	n := 0
	w.on("flaky", func(*direct.Context, json.RawMessage) (any, error) {
		if n++; n < 3 {
			return nil, errTool
		}
		return n, nil
	})
	w.doubles()
	s := w.agent("flaky double", callDoubleAndFlaky)
	task(s, "agent").Retry = &engine.Retry{Max: 2}
	w.wantSucceeded(w.run(s), "3")
	w.wantCount("double", 1)
	w.wantCount("flaky", 3)
}

func callDoubleAndFlaky(c *direct.Context, _ json.RawMessage) (any, error) {
	n, err := double(c, 1)
	if err != nil {
		return nil, err
	}
	err = c.CallTask("flaky", n, &n)
	return n, err
}

func callerOfRetriedRun(w *world) {
	w.retained()
	broken := true
	w.on("flaky", func(*direct.Context, json.RawMessage) (any, error) {
		if broken {
			return nil, errTool
		}
		return 9, nil
	})
	w.doubles()
	r := w.start(w.agent("flaky double", callDoubleAndFlaky))
	w.wantError(w.wait(r), engine.KindError, errTool.Error())
	broken = false
	w.wantSucceeded(w.retry(r, engine.RetryFrom{}), "9")
	w.wantCount("double", 1)
	w.wantCount("flaky", 2)
}

func callCancels(w *world) {
	w.effect("stop", func(c *direct.Context) { c.Cancel("enough") })
	o := w.run(w.agent("stop", func(c *direct.Context, _ json.RawMessage) (any, error) {
		return nil, c.CallTask("stop", nil, nil)
	}))
	w.wantStatus(o, engine.StatusCanceled, engine.ReasonCanceled)
	if !strings.Contains(o.Message, "enough") || o.Task != "agent" {
		w.Errorf("message %q of task %q", o.Message, o.Task)
	}
	w.wantCount("after", 0)
}

func (w *world) forever(id string, began chan<- struct{}) {
	w.on(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		began <- struct{}{}
		<-c.Done()
		return nil, c.Err()
	})
}

func callCanceled(w *world) {
	began := make(chan struct{}, 1)
	w.forever("slow", began)
	w.plain("undo")
	s := w.agent("slow", func(c *direct.Context, _ json.RawMessage) (any, error) {
		return nil, c.CallTask("slow", nil, nil)
	})
	task(s, "agent").Rollback = "undo"
	s.Tasks = append(s.Tasks, engine.Task{ID: "undo"})
	r := w.start(s)
	<-began
	if err := r.Cancel("stop it"); err != nil {
		w.Fatal(err)
	}
	w.wantStatus(w.wait(r), engine.StatusCanceled, engine.ReasonCanceled)
	w.wantCount("agent", 1)
	w.wantCount("undo", 1)
}

func callDeadline(w *world) {
	began := make(chan struct{}, 1)
	w.forever("slow", began)
	s := w.agent("slow", func(c *direct.Context, _ json.RawMessage) (any, error) {
		return nil, c.CallTask("slow", nil, nil)
	})
	task(s, "agent").Deadline = engine.Duration(time.Minute)
	o := w.run(s)
	w.wantError(o, engine.KindDeadline)
	w.wantCount("agent", 1)
}

// callsInGroup: callers in a group and in a map do not mix up what they are answered.
func callsInGroup(w *world) {
	w.doubles()
	w.on("agent", func(c *direct.Context, in json.RawMessage) (any, error) {
		var n int
		if err := json.Unmarshal(in, &n); err != nil {
			return nil, err
		}
		m, err := double(c, n)
		if err != nil {
			return nil, err
		}
		return double(c, m)
	})
	w.config.Concurrency = 4
	w.plain("other")
	s := &engine.Spec{
		Name:  "flow",
		Tasks: []engine.Task{{ID: "agent", Map: "[1, 2, 3, 4, 5]", Tools: []string{"double"}}, {ID: "other"}, w.plain("double")},
		Groups: []engine.Group{{ID: "g", Members: []engine.Member{
			{ID: "agent", Nodes: []string{"agent"}}, {ID: "other", Nodes: []string{"other"}},
		}}},
	}
	w.wantSucceeded(w.run(s), `{"agent":[4,8,12,16,20],"other":"other"}`)
	w.wantCount("double", 10)
	w.wantCount("agent", 15)
}

func callsOfFallback(w *world) {
	w.doubles()
	w.on("agent", func(*direct.Context, json.RawMessage) (any, error) { return nil, errBoom })
	w.on("plan", doubleTwice)
	s := w.flow("agent>after")
	w.on("after", func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
	s.Tasks = append(s.Tasks, engine.Task{ID: "plan", Tools: []string{"double"}}, w.plain("double"))
	task(s, "agent").Fallback = "plan"
	w.wantSucceeded(w.run(s), "12")
	w.wantLog("agent plan double plan double plan after")
}

// callsMany: a loop of calls, each of which is executed once.
func callsMany(w *world) {
	const calls = 200
	w.doubles()
	w.wantSucceeded(w.run(w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		sum := 0
		for n := range calls {
			m, err := double(c, n)
			if err != nil {
				return nil, err
			}
			sum += m
		}
		return sum, nil
	})), fmt.Sprint(calls*(calls-1)))
	w.wantCount("double", calls)
	w.wantCount("agent", calls+1)
}

// callsSteps: calls are steps of the run, so that a loop of them ends.
func callsSteps(w *world) {
	w.doubles()
	s := w.agent("double", func(c *direct.Context, _ json.RawMessage) (any, error) {
		for {
			if _, err := double(c, 1); err != nil {
				return nil, err
			}
		}
	})
	s.Limits.MaxSteps = 20
	w.wantStatus(w.run(s), engine.StatusFailed, engine.ReasonStepLimit)
	w.wantCount("double", 19) // the caller is one, too
}

// callsBlobs: what a tool returns as a blob is whole for the caller.
func callsBlobs(w *world) {
	big := strings.Repeat("x", 100_000)
	w.on("big", func(*direct.Context, json.RawMessage) (any, error) { return big, nil })
	s := w.agent("big", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var got string
		err := c.CallTask("big", nil, &got)
		return got == big, err
	})
	task(s, "big").Output = engine.OutputBlob
	w.wantSucceeded(w.run(s), "true")
}
