package engine

import (
	"context"
	"time"
)

// Probe is told what an engine does, by whoever measures it or follows it from process
// to process. Its functions are called on the goroutines that do it, concurrently: they
// must be quick, must not call the engine, and neither change nor keep what they are
// given. A nil one costs nothing.
type Probe struct {
	// Submit is called before a run is stored that begins here, with Start.Trace. What
	// it returns is stored in its place; ended is told the result, if it is not nil.
	Submit func(ctx context.Context, run, flow, trace string) (stored string, ended func(error))
	// Begin is called before an attempt's handler is. It may change call.Trace: that is
	// what the handler finds, and what the tasks that the attempt calls have as
	// Call.Caller. The handler gets the context that it returns; ended is told what the
	// handler returns, if it is not nil.
	Begin func(ctx context.Context, call *Call) (inner context.Context, ended func(Result, error))
	// Ended tells how an attempt has ended, as soon as that is in the journal. Its
	// handler was never called if e.Started is zero.
	Ended func(d *Delivery, e *Event)
	// Finished tells that a run has ended that this process drives.
	Finished func(f Finished)
}

// Finished is a run that has ended.
type Finished struct {
	Outcome Outcome
	Trace   string    // Start.Trace, as it was stored
	Started time.Time // or retried
	Ended   time.Time
	Retried bool // it had ended before
}

// submitting tells the probe that a run begins. The function that it returns is not
// nil, and takes how that went.
func (e *Engine) submitting(ctx context.Context, run, flow string, start *Event) func(error) {
	if e.cfg.Probe.Submit == nil {
		return func(error) {}
	}
	trace, ended := e.cfg.Probe.Submit(ctx, run, flow, start.Trace)
	start.Trace = trace
	if ended == nil {
		return func(error) {}
	}
	return ended
}

// callHandler calls a handler.
func (e *Engine) callHandler(ctx context.Context, h Handler, call *Call) (result Result, err error) {
	if e.cfg.Probe.Begin == nil {
		return h.Handle(ctx, call)
	}
	before := call.Trace
	ctx, ended := e.cfg.Probe.Begin(ctx, call)
	if ended == nil {
		return h.Handle(ctx, call)
	}
	defer func() {
		if p := recover(); p != nil {
			err = panicked(call.Task, p)
		}
		ended(result, err)
		if call.Trace != before {
			result.trace = call.Trace
		}
	}()
	return h.Handle(ctx, call)
}

// tellFinished counts a run that has ended, and tells the probe. The caller holds mu.
func (o *Running) tellFinished() {
	if o.far || o.told {
		return
	}
	o.told = true
	o.engine.counters.finished(o.run.status)
	if tell := o.engine.cfg.Probe.Finished; tell != nil {
		tell(Finished{Outcome: o.outcome, Trace: o.run.trace, Started: o.run.since, Ended: o.run.now.Time, Retried: o.run.retries > 0})
	}
}
