package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Running is a run that this engine owns: it folds the run's log and enqueues
// what follows. It is safe for concurrent use.
type Running struct {
	engine *Engine
	id     string
	graph  *Graph
	done   chan struct{}
	ctx    context.Context //nolint:containedctx // of its attempts: ended when the run is given up
	cancel context.CancelCauseFunc

	mu        *lock // guards what follows
	run       *Run
	decisions uint64 // sequence of the last event of the chain ""
	outcome   Outcome
	err       error // why it was given up
	ended     bool
	timers    map[string]func() // by activation and reason; "" is the run's timeout
	idle      chan struct{}     // closed when the run is paused, made anew when it goes on
	held      bool              // the workers know that it is
	told      bool              // its end was counted
	marked    Mark              // what lists were told last
	queued    []*Delivery       // what the queue has not taken yet
	busy      time.Duration     // the pause until that is enqueued again
	marking   *time.Timer       // until they are told that it goes on

	crew    *crew             // its attempts in this process; of a shared backend none
	tickets *tickets          // of a shared backend: what they stand for
	far     bool              // another process may drive it: this one only follows
	asked   map[string]uint64 // revs of activations whose workers were told to end them
	kick    chan struct{}     // has one when the log may have grown
}

// ErrFinished refuses to change a run that has ended.
var ErrFinished = errors.New("the run has ended")

func newRunning(e *Engine, g *Graph, id string) *Running {
	o := &Running{
		engine: e, id: id, graph: g, done: make(chan struct{}), mu: newLock(), idle: make(chan struct{}),
		run: NewRun(id, g, e.cfg.Policies), timers: map[string]func(){},
		crew: newCrew(), kick: make(chan struct{}, 1),
	}
	if e.cluster != nil {
		o.tickets, o.asked = newTickets(), map[string]uint64{}
	}
	o.ctx, o.cancel = context.WithCancelCause(e.ctx)
	o.observe()
	return o
}

// observe lets the run tell what follows from its events: on a shared backend to
// those who follow it, whoever drives it.
func (o *Running) observe() {
	o.run.observed = o.engine.cfg.Observe != nil && (o.far || o.engine.cluster == nil)
}

// ID is the run's.
func (o *Running) ID() string { return o.id }

// Done is closed when the run has ended, or was given up.
func (o *Running) Done() <-chan struct{} { return o.done }

// Wait blocks until the run has ended or is paused, or ctx is done. Of a paused
// run nothing goes on until somebody calls Resume, Release or Cancel; then Wait
// may be called again. The error is that of ctx, or of a storage that failed: the
// run was given up then, and [Engine.Recover] goes on from its journal.
func (o *Running) Wait(ctx context.Context) (Outcome, error) {
	for {
		o.mu.Lock()
		idle := o.idle
		o.mu.Unlock()
		select {
		case <-o.done: // before ctx, if both are
			return o.outcome, o.err
		default:
		}
		select {
		case <-o.done:
			return o.outcome, o.err
		case <-idle:
			if out, paused := o.pausedOutcome(); paused {
				return out, nil
			}
		case <-ctx.Done():
			return Outcome{}, fmt.Errorf("wait for run %q: %w", o.id, ctx.Err())
		}
	}
}

func (o *Running) pausedOutcome() (out Outcome, paused bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if paused = !o.ended && o.isIdle(); paused {
		out = o.run.Outcome()
	}
	return out, paused
}

// isIdle tells that nothing can go on without somebody. The caller holds mu.
func (o *Running) isIdle() bool {
	switch {
	case !o.run.held:
		return o.run.paused()
	case o.engine.cluster != nil:
		return o.run.atRest()
	}
	return o.crew.idle()
}

// Outcome tells how the run ended; before that, how it stands.
func (o *Running) Outcome() Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended {
		return o.outcome
	}
	return o.run.Outcome()
}

// Cancel ends the run as canceled: running attempts are stopped, nothing else
// starts. A second call changes nothing; ErrFinished when it has ended.
func (o *Running) Cancel(message string) error {
	return o.decide(&Event{Type: EventCanceled, Reason: ReasonCanceled, Message: message})
}

// Hold pauses the run by hand: attempts that run may end, nothing new begins. A
// second call changes nothing; ErrFinished when it has ended.
func (o *Running) Hold(message string) error {
	return o.decide(&Event{Type: EventHeld, Message: message})
}

// Release lets a run go on that was held. It changes nothing of one that was not;
// ErrFinished when it has ended.
func (o *Running) Release() error { return o.decide(&Event{Type: EventReleased}) }

func (o *Running) begin(ctx context.Context, start *Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.append(ctx, start)
	switch {
	case errors.Is(err, ErrConflict):
		return o.abandon(fmt.Errorf("run %q: %w", o.id, ErrRunExists))
	case err != nil:
		return o.abandon(err)
	}
	o.startTimeout() //nolint:contextcheck // the timer is the run's
	return nil
}

// decide appends a decision and folds it.
func (o *Running) decide(e *Event) error {
	if o.far {
		return o.through(func(near *Running) error { return near.decide(e) })
	}
	err := o.decideNow(e)
	if o.mayDecideAgain(e, err) {
		return o.decideAgain(e)
	}
	return err
}

func (o *Running) decideNow(e *Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.closed(); err != nil {
		return err
	}
	if e.Type == EventTimer {
		delete(o.timers, e.Activation)
	}
	err := o.append(o.engine.ctx, e)
	if o.mayDecideAgain(e, err) {
		return err
	}
	return o.giveUpOn(err)
}

// closed tells why the run can't be changed here any more. The caller holds mu.
func (o *Running) closed() error {
	switch {
	case o.err != nil:
		return o.err
	case o.ended:
		return fmt.Errorf("run %q: %w", o.id, ErrFinished)
	case o.engine.ctx.Err() != nil:
		return fmt.Errorf("run %q: its engine: %w", o.id, ErrClosed)
	}
	return nil
}

// append adds a decision to the log. The caller holds mu.
func (o *Running) append(ctx context.Context, e *Event) error {
	e.Time = o.engine.now()
	seq, err := o.engine.backend.Journal.Append(ctx, o.id, "", o.decisions, e)
	if err != nil {
		return fmt.Errorf("run %q: append %s: %w", o.id, e.Type, err)
	}
	o.decisions = seq
	return o.fold(false) //nolint:contextcheck // what follows belongs to the engine, not to who decided
}

// advance folds what has been committed. A worker that will receive again at
// once says so.
func (o *Running) advance(receiving bool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil // said already
	}
	return o.giveUpOn(o.fold(receiving))
}

// abandon gives up a run that could not be begun here, and returns the error: a
// worker that has taken some of it must not go on with it. The caller holds mu.
func (o *Running) abandon(err error) error {
	if !o.ended {
		o.err = err
		o.cancel(errGivenUp)
		o.end()
	}
	return err
}

// giveUp is giveUpOn for who does not hold mu.
func (o *Running) giveUp(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.giveUpOn(err) // said by who waits
}

// giveUpOn ends the run in this process, with an error of its storage: what is in
// the journal is not known any more. It returns the error. The caller holds mu.
func (o *Running) giveUpOn(err error) error {
	if err == nil || o.ended || o.engine.ctx.Err() != nil {
		return err
	}
	o.outcome = o.run.Outcome()
	_ = o.abandon(fmt.Errorf("given up here, to be recovered from its journal: %w", err))
	return err
}

func (o *Running) finish() {
	o.outcome = o.run.Outcome()
	o.forgetAll(o.engine.ctx)
	o.tellFinished() // before those who wait go on
	o.end()
}

// forgetAll drops what is stored of a run that nobody can read again. The caller
// holds mu.
func (o *Running) forgetAll(ctx context.Context) {
	if o.engine.cfg.Retain {
		return
	}
	b := o.engine.backend
	whole, err := o.engine.whole(ctx, o.id, o.outcome.Output, o.run.blobsIn(o.outcome.Output))
	if err == nil {
		o.outcome.Output = whole
	}
	err = errors.Join(err, b.Journal.Forget(ctx, o.id), b.Blobs.Forget(ctx, o.id), b.Channel.Forget(ctx, o.id))
	if err != nil {
		o.engine.cfg.Logger.Error("forget run", "run", o.id, "err", err)
	}
}

// end lets go of the run.
func (o *Running) end() {
	o.ended = true
	o.stopTimers()
	o.mark()
	o.engine.drop(o)
	o.cancel(nil) // no attempt is left, or all have been told
	close(o.done)
}

// close gives the run up when its engine ends.
func (o *Running) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.abandon(fmt.Errorf("run %q: its engine: %w", o.id, ErrClosed)) // told to who waits
	o.stopTimers()
}

func (o *Running) stopTimers() {
	for _, stop := range o.timers {
		stop()
	}
	clear(o.timers)
	if o.marking != nil {
		o.marking.Stop()
	}
}
