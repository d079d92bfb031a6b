package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// abandonAfter is the time that a handler has to return once its context is
// done. Then the engine commits for it and goes on without it.
const abandonAfter = 80 * time.Millisecond

var (
	errStopped = errors.New("stopped by the engine")
	errTimeout = errors.New("the attempt exceeded its timeout")
	// errGivenUp ends an attempt whose run was given up in this process.
	errGivenUp = errors.New("the run was given up here")
	// errDeadline ends an attempt whose activation has run out of time.
	errDeadline = errors.New("the activation exceeded its deadline")
	// errHandedBack ends an attempt that another process is to begin anew.
	errHandedBack = errors.New("the worker hands its attempts back")
	// errFenced ends an attempt that nobody waits for any more.
	errFenced = errors.New("the activation has gone on without this attempt")
	// errBehind is a storage that does not show yet what it has accepted.
	errBehind = errors.New("the log does not show yet what the ticket follows from")
	// errWorkersLost is the cause of an error that the engine itself made of lost
	// workers: a task may give its own failure any kind.
	errWorkersLost = errors.New("workers were lost")
	// errLeaseEnds ends an attempt before another worker may have it.
	errLeaseEnds = errors.New("the lease ends, and could not be extended")
)

// attempt is one try of an activation, in this process.
type attempt struct {
	engine   *Engine
	owner    *Running // nil on a shared backend: it may be in another process
	crew     *crew
	lease    Lease
	delivery *Delivery
	extended atomic.Int64 // when the lease began, or was extended last, in Unix nanoseconds
	started  time.Time
	ctx      context.Context //nolint:containedctx // the attempt's own lifetime
	cancel   context.CancelCauseFunc
	settled  atomic.Bool // an outcome was chosen, by the handler or without it
	alone    atomic.Bool // no other suspect runs beside it
}

// work is a worker: it takes deliveries until the engine is closed, or until
// one of them hangs and another worker has taken its place.
func (e *Engine) work() {
	for {
		lease, err := e.receive()
		switch {
		case err == nil:
		case e.taking.Err() != nil || e.cluster == nil || errors.Is(err, ErrClosed):
			e.say("receive", err)
			e.workers.Done()
			return
		default: // the cluster may come back
			e.say("receive", err)
			pause(e.taking)
			continue
		}
		if replaced := e.handle(lease); replaced {
			return // the other one is counted in its place
		}
	}
}

// receive takes a delivery, unless the engine is closed or drained: what it holds
// then is for others.
func (e *Engine) receive() (Lease, error) {
	if err := e.taking.Err(); err != nil {
		return nil, err
	}
	return e.backend.Queue.Receive(e.taking)
}

// handle runs one delivery to its commit. It reports true when it was given up
// on, and another worker was started instead of this one.
func (e *Engine) handle(lease Lease) (replaced bool) {
	a := e.accept(lease)
	if a == nil {
		return false
	}
	defer e.disband(a)
	if a.delivery.Fault != nil {
		a.started = time.Time{}
		a.commit(Result{}, a.delivery.Fault)
		return false
	}
	parent := e.ctx
	if a.owner != nil {
		parent = a.owner.ctx
	}
	a.ctx, a.cancel = context.WithCancelCause(parent)
	defer a.cancel(nil)
	if !a.enter() {
		return false
	}
	if t := a.delivery.timeout(); t > 0 {
		stop := e.afterFunc(t, func() { a.stop(errTimeout) })
		defer stop()
	}
	if e.cluster != nil {
		tell := time.AfterFunc(tellAfter, a.tellStart)
		defer tell.Stop()
	}
	result, err := a.run()
	if !a.settled.CompareAndSwap(false, true) {
		return true
	}
	a.crew.leave(a)
	a.commit(result, err)
	return false
}

// accept finds out what a lease is for; nil: there is nothing to do for it.
func (e *Engine) accept(lease Lease) *attempt {
	d := lease.Delivery()
	if e.cluster != nil {
		return e.acceptTicket(lease)
	}
	o := e.running(d.Run)
	if o == nil { // of a run that has ended
		_ = lease.Ack(e.ctx)
		return nil
	}
	return e.newAttempt(lease, d, o, o.crew)
}

// tellAfter is how long an attempt runs before those who look are told that it does:
// of most its end comes sooner.
const tellAfter = 250 * time.Millisecond

func (a *attempt) tellStart() {
	d := a.delivery
	a.engine.cluster.Tell(Notice{
		Type: NoticeTaskStarted, Time: a.started, Run: d.Run, Task: d.Task.ID, Activation: d.Activation,
		Handler: handlerName(d.Task), Attempt: d.Attempt, Cycle: d.Cycle, Worker: a.engine.cfg.Name,
	})
}

func (e *Engine) newAttempt(lease Lease, d *Delivery, owner *Running, c *crew) *attempt {
	a := &attempt{engine: e, owner: owner, crew: c, lease: lease, delivery: d, started: time.Now()}
	a.extended.Store(a.started.UnixNano())
	if e.clock != nil {
		a.started = e.clock.Now()
	}
	return a
}

// enter makes the attempt known, unless it is not to begin: then what becomes of
// it is done.
func (a *attempt) enter() bool {
	switch how, err := a.crew.enter(a); how {
	case overdue:
		a.started = time.Time{}
		a.commit(Result{}, err)
	case parked, double:
		_ = a.lease.Ack(a.engine.ctx) // the owner enqueues it again, or it ends elsewhere here
	case stopped:
		a.started = time.Time{} // it never began
		a.commit(Result{}, errStopped)
	case stoppedBegun:
		a.commit(Result{}, errStopped)
	case admitted:
		return true
	}
	return false
}

// stop ends the attempt's context. A handler that does not return soon is given
// up on: the engine commits in its place, and another worker takes over.
func (a *attempt) stop(cause error) {
	a.cancel(cause)
	time.AfterFunc(abandonAfter, func() {
		if !a.settled.CompareAndSwap(false, true) {
			return
		}
		a.crew.leave(a)
		if a.engine.ctx.Err() != nil {
			a.engine.workers.Done()
			return
		}
		a.commit(Result{}, cause)
		a.release()
		// Only now: commit leaves it to its caller to receive what follows.
		go a.engine.work()
	})
}

// run calls the handler. A panic in it is the attempt's error.
func (a *attempt) run() (result Result, err error) {
	d := a.delivery
	a.notice(Notice{Type: NoticeTaskStarted, Attempt: d.Attempt, Cycle: d.Cycle, Done: float64(len(d.Called))})
	defer func() {
		if p := recover(); p != nil {
			err = panicked(d.Task, p)
		}
	}()
	maxAttempts := 1 + d.Earlier
	if d.Task.Retry != nil && d.Recovery == nil {
		maxAttempts += d.Task.Retry.Max
	}
	h, ok := a.engine.cfg.Handlers[handlerName(d.Task)]
	if !ok {
		return Result{}, &TaskError{Kind: KindInvalidInput, Message: fmt.Sprintf("task %q: no handler %q", d.Task.ID, handlerName(d.Task)), Permanent: true}
	}
	input, err := a.engine.whole(a.ctx, d.Run, d.Input, d.Blobs)
	if err != nil {
		return Result{}, fmt.Errorf("task %q: read its input: %w", d.Task.ID, ofStorage(err))
	}
	called, err := a.wholeCalls()
	if err != nil {
		return Result{}, fmt.Errorf("task %q: read what its calls came to: %w", d.Task.ID, ofStorage(err))
	}
	recovers := ""
	if d.Recovery != nil {
		recovers = d.Recovery.Of.ID
	}
	return a.engine.callHandler(a.ctx, h, &Call{
		Run: d.Run, Flow: d.of.graph.Name(), Task: d.Task, Activation: d.Activation, Recovers: recovers,
		Attempt: d.Attempt, MaxAttempts: maxAttempts, Cycle: d.Cycle, MaxCycles: d.maxCycles(),
		Input: input, View: &d.View, Answers: d.Answers, Called: called, Since: d.Since, Tools: d.of.graph.tools(d.Task), Sink: a,
		Files: runFiles{a.engine.backend.Blobs, d.Run}, Pins: d.pins,
		Trace: d.of.trace, Caller: d.of.caller, Ready: d.Ready(),
	})
}

func panicked(t *Task, p any) *TaskError {
	return &TaskError{Kind: KindPanic, Message: fmt.Sprintf("task %q panicked: %v", t.ID, p), Stack: string(debug.Stack())}
}

// commit appends how the attempt ended to its activation's chain, acks the
// delivery, and folds the run.
func (a *attempt) commit(result Result, err error) {
	if a.isVoid() {
		return
	}
	ctx := a.engine.ctx
	d := a.delivery
	event := a.event(result, err)
	if event.Error != nil {
		if away, ok := errors.AsType[storageError](event.Error); ok {
			a.leaveUncommitted(away)
			return
		}
	}
	_, appendErr := a.engine.backend.Journal.Append(ctx, d.Run, d.Activation, d.Rev, event)
	if appendErr == nil {
		a.engine.counters.count(event)
		if tell := a.engine.cfg.Probe.Ended; tell != nil {
			tell(d, event)
		}
	}
	if errors.Is(appendErr, ErrConflict) {
		a.engine.counters.stale.Add(1)
		if !a.started.IsZero() { // else it waited too long for a worker, and was failed for that
			a.notice(Notice{Type: NoticeWarning, Message: "stale commit: another attempt was first; this one is dropped"})
		}
		if a.engine.cluster != nil && !errors.Is(a.engine.fencedBy(ctx, d), errFenced) {
			return // another has begun the same ticket: should it be lost, this lease runs out
		}
	} else if appendErr != nil {
		a.leaveUncommitted(appendErr) // whether it is in the journal nobody can tell
		if a.owner != nil {
			a.owner.giveUp(fmt.Errorf("run %q: commit %q: %w", d.Run, d.Activation, appendErr))
		}
		return
	}
	if ackErr := a.lease.Ack(ctx); ackErr != nil && !errors.Is(ackErr, ErrLeaseLost) && ctx.Err() == nil {
		a.engine.cfg.Logger.Error("ack", "run", d.Run, "activation", d.Activation, "err", ackErr)
	}
	owner := a.owner
	if a.engine.cluster != nil && a.engine.cfg.Concurrency > 1 {
		return // whoever drives it hears of it from the journal
	}
	if o := a.engine.running(d.Run); o != nil {
		owner = o // the run may have been given up and recovered meanwhile
	}
	if owner == nil {
		return
	}
	if foldErr := owner.advance(true); foldErr != nil && ctx.Err() == nil {
		a.engine.cfg.Logger.Error("advance", "run", d.Run, "err", foldErr)
	}
}

// leaveUncommitted gives the delivery back, for another worker to begin the attempt
// anew: the storage did not answer.
func (a *attempt) leaveUncommitted(err error) {
	ctx, d := a.engine.ctx, a.delivery
	if ctx.Err() == nil {
		a.engine.cfg.Logger.Error("commit", "run", d.Run, "activation", d.Activation, "err", err)
	}
	_ = a.lease.Nak(context.WithoutCancel(ctx))
}

// isVoid tells that what the attempt ends with is nobody's any more, and lets go of
// its delivery.
func (a *attempt) isVoid() bool {
	cause := a.endedBy()
	switch {
	case a.engine.ctx.Err() != nil || errors.Is(cause, errGivenUp):
		_ = a.lease.Nak(context.WithoutCancel(a.engine.ctx))
	case errors.Is(cause, errFenced):
		_ = a.lease.Ack(a.engine.ctx)
		a.engine.counters.stale.Add(1)
		a.notice(Notice{Type: NoticeWarning, Message: "fenced: the activation has gone on without this attempt, which is dropped"})
	case errors.Is(cause, errLeaseEnds):
		a.engine.counters.leasesLost.Add(1)
		a.notice(Notice{Type: NoticeWarning, Message: "lease lost: this attempt was ended, and is another worker's"})
	default:
		return false
	}
	return true
}

func (a *attempt) notice(n Notice) {
	cluster := a.engine.cluster
	if a.engine.cfg.Observe == nil && cluster == nil {
		return
	}
	d := a.delivery
	n.Time, n.Run, n.Task, n.Activation, n.Handler, n.Attempt = a.engine.now(), d.Run, d.Task.ID, d.Activation, handlerName(d.Task), d.Attempt
	n.Worker = a.engine.cfg.Name
	a.engine.observe(n)
	if cluster != nil && n.Type != NoticeTaskStarted {
		cluster.Tell(n)
	}
}

var _ Sink = (*attempt)(nil)

// Log implements Sink.
func (a *attempt) Log(level slog.Level, message string) {
	a.notice(Notice{Type: NoticeTaskLog, Level: level.String(), Message: message})
}

// Progress implements Sink.
func (a *attempt) Progress(done, total float64, note string) {
	a.notice(Notice{Type: NoticeTaskProgress, Done: done, Total: total, Message: note})
}
