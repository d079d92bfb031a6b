package natsbus_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// limitsElsewhere: the limits of a run hold though its tasks are executed by others
// than who drives it, and end what they execute.
func limitsElsewhere(c *cluster) {
	c.lease = time.Minute // what ends an attempt is not that its worker looks after it
	var hanging atomic.Int32
	c.funcs["hang"] = func(_ *node, t *direct.Context) (any, error) {
		hanging.Add(1)
		defer hanging.Add(-1)
		<-t.Done()
		return nil, context.Cause(t)
	}
	c.funcs["again"] = func(_ *node, t *direct.Context) (any, error) { return nil, t.NextIteration(nil) }
	client := c.node("client", engine.PartNone, 1)
	c.node("owner", engine.PartOwner, 1)
	worker := c.node("worker", engine.PartWorker, 4)

	steps := c.limited(engine.RunLimits{MaxSteps: 3}, engine.Seq(fn("a", "id"), fn("b", "id"), fn("c", "id"), fn("d", "id"), fn("e", "id")))
	out := c.wait(c.start(client, steps, "steps"))
	if out.Status != engine.StatusFailed || out.Reason != engine.ReasonStepLimit || out.Steps != 3 {
		c.Errorf("with 3 steps at most: %+v, want %s after 3", out, engine.ReasonStepLimit)
	}
	if got := len(c.commits("steps")); got != 3 {
		c.Errorf("with 3 steps at most %d were committed", got)
	}

	most := 4
	cycle := fn("a", "again")
	cycle.MaxCycles = &most
	out = c.wait(c.start(client, c.graph(cycle), "cycles"))
	if out.Status != engine.StatusFailed || out.Reason != engine.ReasonCycleLimit || out.Steps != most {
		c.Errorf("with %d cycles at most: %+v, want %s", most, out, engine.ReasonCycleLimit)
	}

	const bound, late = 500 * time.Millisecond, 10 * time.Second
	slow := fn("a", "hang")
	slow.Timeout = engine.Duration(bound)
	began := time.Now()
	out = c.wait(c.start(client, c.graph(slow), "attempt"))
	if out.Status != engine.StatusFailed || out.Error == nil || out.Error.Kind != engine.KindTimeout {
		c.Errorf("an attempt of %s at most: %+v (%v), want a timeout", bound, out, out.Error)
	}
	slow.Timeout, slow.Deadline = 0, engine.Duration(bound)
	out = c.wait(c.start(client, c.graph(slow), "activation"))
	if out.Status != engine.StatusFailed || out.Error == nil || out.Error.Kind != engine.KindDeadline {
		c.Errorf("an activation of %s at most: %+v (%v), want a deadline", bound, out, out.Error)
	}
	out = c.wait(c.start(client, c.limited(engine.RunLimits{Timeout: engine.Duration(bound)}, fn("a", "hang")), "run"))
	if out.Reason != engine.ReasonDeadline {
		c.Errorf("a run of %s at most: %+v (%v), want %s", bound, out, out.Error, engine.ReasonDeadline)
	}
	c.eventually("what was begun has ended", func() bool { return worker.Stats().Active == 0 && hanging.Load() == 0 })
	if took := time.Since(began); took < 3*bound || took > late {
		c.Errorf("three bounds of %s took %s", bound, took)
	}
}

// counters: what engines have processed is the sum of how it ended, is what the logs
// tell, and nothing is active at rest.
func counters(c *cluster) {
	var tries atomic.Int32
	begun, gate := make(chan struct{}), make(chan struct{})
	c.funcs["fail"] = func(*node, *direct.Context) (any, error) { return nil, errors.New("no") }
	c.funcs["flaky"] = func(*node, *direct.Context) (any, error) {
		if tries.Add(1) < 3 {
			return nil, errors.New("not yet")
		}
		return nil, nil
	}
	c.funcs["gate"] = func(*node, *direct.Context) (any, error) {
		close(begun)
		<-gate
		return nil, nil
	}
	client := c.node("client", engine.PartNone, 1)
	workers := []*node{c.node("one", engine.PartBoth, 2), c.node("two", engine.PartWorker, 2)}
	sum := func() (s engine.Stats) {
		for _, n := range workers {
			got := n.Stats()
			if got.Processed != got.Succeeded+got.Failed+got.TimedOut+got.Stopped+got.Returned+got.Paused {
				c.Errorf("%s: processed is not the sum: %+v", n.name, got)
			}
			s.Processed, s.Succeeded, s.Failed, s.TimedOut = s.Processed+got.Processed, s.Succeeded+got.Succeeded, s.Failed+got.Failed, s.TimedOut+got.TimedOut
			s.Active += got.Active
		}
		return s
	}
	flaky, slow := fn("a", "flaky"), fn("a", "hang")
	flaky.Retry = &engine.Retry{Max: 3}
	slow.Timeout = engine.Duration(50 * time.Millisecond)
	for id, g := range map[string]*engine.Graph{
		"ok":   c.graph(engine.Seq(fn("a", "id"), engine.Par(fn("b", "id"), fn("c", "id"), fn("d", "id")))),
		"bad":  c.graph(fn("a", "fail")),
		"late": c.graph(slow), "flaky": c.graph(flaky),
	} {
		c.wait(c.start(client, g, id))
	}
	gated := c.start(client, c.graph(fn("a", "gate")), "gate")
	receive(c, "the gate's task begins", begun)
	if got := sum(); got.Active != 1 {
		c.Errorf("while a task runs: %+v, want 1 active", got)
	}
	close(gate)
	c.succeed(gated, "")
	want := engine.Stats{Processed: 10, Succeeded: 6, Failed: 3, TimedOut: 1}
	c.eventually("all is processed", func() bool { return sum().Processed >= want.Processed })
	if got := sum(); got != want { // nothing is active
		c.Errorf("processed %+v, want %+v", got, want)
	}
	logged := 0
	for _, id := range []string{"ok", "bad", "late", "flaky", "gate"} {
		for _, types := range c.commits(id) {
			logged += len(types)
		}
	}
	if logged != int(want.Processed) {
		c.Errorf("the logs have %d commits, want %d", logged, want.Processed)
	}
	if got := client.Stats(); got != (engine.Stats{}) {
		c.Errorf("a client has processed %+v", got)
	}
}
