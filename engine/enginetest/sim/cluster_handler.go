package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// clusterHandler plays scripts, which take their time.
type clusterHandler struct{ *node }

var _ engine.Handler = clusterHandler{}

// Handle implements engine.Handler.
func (h clusterHandler) Handle(ctx context.Context, c *engine.Call) (engine.Result, error) {
	if err := h.awake(fmt.Sprintf("begin %s %s attempt %d", c.Run, c.Activation, c.Attempt)); err != nil {
		return engine.Result{}, err
	}
	s := scriptOf(c.Task)
	f := facts{
		task: c.Task.ID, activation: c.Activation, attempt: c.Attempt, cycle: c.Cycle, canIterate: c.CanIterate(),
		input: c.Input, answers: c.Answers, called: heard(c.Called), since: sinceOf(c),
	}
	if s.Read != "" {
		f.read, _ = c.View.Get(s.Read)
	}
	key := fmt.Sprintf("%s %s attempt %d", c.Run, c.Activation, c.Attempt)
	h.w.runs(h.node, c, &s, f, key)
	hangs := s.hangs(c.Attempt)
	if hangs {
		<-ctx.Done()
	} else {
		h.take(ctx, key)
	}
	if err := h.awake("end " + key); err != nil {
		return engine.Result{}, err
	}
	if ctx.Err() != nil && (hangs || !h.w.strikes(troubleStubborn, key)) {
		return engine.Result{}, ctx.Err()
	}
	return s.play(f)
}

// take is the time that an attempt takes.
func (h clusterHandler) take(ctx context.Context, key string) {
	d := h.w.dice.span(20*time.Millisecond, "run "+key)
	switch {
	case h.w.strikes(troubleSlow, key):
		d = h.w.dice.span(3*clusterLease, "slow "+key)
	case h.w.dice.chance(0.3, "longer "+key):
		d = h.w.dice.span(3*time.Second, "longer run "+key)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
