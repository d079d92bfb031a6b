package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Part is what a process does with the runs of a shared backend.
type Part uint8

// Parts. The zero value plays both.
const (
	PartBoth   Part = iota
	PartWorker      // executes attempts
	PartOwner       // drives runs
	PartNone        // submits and follows
)

// ErrElsewhere refuses what only the process can do that drives a run.
var ErrElsewhere = errors.New("another process drives the run")

// maxRecovering is how many runs are recovered at once.
const maxRecovering = 16

// recoverPause is the time after which a run is recovered again that could not be.
const recoverPause = time.Second

// maxLooks is how often a run of the share is looked for that is not there: who told of
// it has seen it, and who says that it is not may be behind for a moment.
const maxLooks = 5

// Join begins to play this engine's part on its shared backend, until Close. It
// changes nothing of an engine that is alone with its backend, or has joined.
func (e *Engine) Join() error {
	if e.cluster == nil || e.cfg.Part == PartNone {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx.Err() != nil {
		return ErrClosed
	}
	e.start.Do(func() {
		if e.cfg.Part != PartOwner {
			e.startWorkers()
			e.workers.Go(func() { e.say("hear signals", e.cluster.Signals(e.ctx, e.hear, e.unheard)) })
		}
		if e.cfg.Part != PartWorker {
			e.workers.Go(func() { e.say("own runs", e.cluster.Own(e.ctx, owner{e})) })
		}
	})
	return nil
}

// pause lets some time pass before what has failed is tried again, or ctx end.
func pause(ctx context.Context) {
	select {
	case <-time.After(recoverPause):
	case <-ctx.Done():
	}
}

// say logs why something has ended that was to go on.
func (e *Engine) say(what string, err error) {
	if err != nil && e.taking.Err() == nil && e.ctx.Err() == nil {
		e.cfg.Logger.Error("work for the cluster", "deed", what, "err", err)
	}
}

// Running is the run of that id if this engine drives it, else nil.
func (e *Engine) Running(run string) *Running { return e.running(run) }

// Drain lets no attempt begin any more, and waits until those that run here have
// ended, or ctx is done: then they are handed back, for other workers to begin them
// anew. It is for shared backends, before Close.
func (e *Engine) Drain(ctx context.Context) {
	e.drain()
	tick := time.NewTicker(abandonAfter / 4)
	defer tick.Stop()
	for handed := false; ; {
		crews := e.allCrews(nil)
		if len(crews) == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if !handed {
				ctx, handed = context.WithoutCancel(ctx), true
				for _, c := range crews {
					c.stopAll(errHandedBack) //nolint:contextcheck // to hand back has a context of its own
				}
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, time.Second)
				defer cancel()
				continue
			}
			return // whoever does not return is left; its lease runs out
		}
	}
}

// Executing is the number of attempts that run in this process.
func (e *Engine) Executing() int {
	n := 0
	for _, c := range e.allCrews(e.allRunning()) {
		n += len(c.all())
	}
	return n
}

// owner is the engine as [Owner].
type owner struct{ e *Engine }

// Moved implements Owner.
func (w owner) Moved(run string) {
	e := w.e
	e.mu.Lock()
	defer e.mu.Unlock()
	o := e.runs[run]
	if o == nil {
		e.beginRecovery(run)
		return
	}
	if _, mine := e.share[run]; !mine { // it came back, and may be about to be left
		e.share[run] = atHand
	}
	o.wake()
}

// sharing is how far this process is with a run of its share.
type sharing uint8

const (
	atHand     sharing = iota // it is driven, or was given up
	recovering                // it is about to be driven
	movedOn                   // likewise, and its log has grown meanwhile
)

// beginRecovery has a run of this process's share recovered, unless that goes on. The
// caller holds mu.
func (e *Engine) beginRecovery(run string) {
	if e.ctx.Err() != nil {
		return
	}
	if e.share[run] != atHand {
		e.share[run] = movedOn
		return
	}
	e.share[run] = recovering
	e.workers.Go(func() { e.recoverShare(run) })
}

// recoverAgain recovers a run that was given up here, if it has not gone to another
// process.
func (e *Engine) recoverAgain(run string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, mine := e.share[run]; mine {
		e.beginRecovery(run)
	}
}

// Gone implements Owner.
func (w owner) Gone(run string) {
	e := w.e
	e.mu.Lock()
	delete(e.share, run)
	e.mu.Unlock()
	if o := e.running(run); o != nil {
		o.leave()
	}
}

// leave lets another process drive the run.
func (o *Running) leave() {
	o.cancel(errGivenUp)
	o.engine.workers.Go(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		_ = o.abandon(fmt.Errorf("run %q: %w", o.id, ErrElsewhere)) // told to who waits
	})
}

// wake lets the run's driver look at the log.
func (o *Running) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// recoverShare begins to drive a run of this process's share, however long it takes.
func (e *Engine) recoverShare(run string) {
	for looks := 1; ; {
		select {
		case e.begin <- struct{}{}:
		case <-e.ctx.Done():
			return
		}
		o, err := e.Recover(e.ctx, run)
		<-e.begin
		switch {
		case err == nil:
			e.taken(o)
			return
		case e.ctx.Err() != nil:
			return
		case errors.Is(err, ErrNotFound) && looks < maxLooks:
			looks++
			if pause(e.ctx); !e.shares(run) {
				return
			}
			continue
		case errors.Is(err, ErrNotFound):
			if e.missed(run) {
				continue
			}
			return
		case isCorrupt(err): // for good
			e.cfg.Logger.Error("drive a run", "run", run, "err", err)
			if err = e.condemn(e.ctx, run, err); err == nil {
				e.recovered(run, true)
				return
			}
		}
		e.cfg.Logger.Error("drive a run", "run", run, "err", err)
		pause(e.ctx)
		if !e.shares(run) {
			return
		}
	}
}

// recovered tells that a run need not be recovered any more, or is over. It reports
// whether the run is still of this process's share.
func (e *Engine) recovered(run string, over bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, mine := e.share[run]
	switch {
	case over:
		delete(e.share, run)
		return true
	case mine:
		e.share[run] = atHand
	}
	return mine
}

// missed tells that there was nothing to be seen of a run, and is to be looked for
// again: its log has grown meanwhile.
func (e *Engine) missed(run string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.share[run] == movedOn {
		e.share[run] = recovering
		return true
	}
	delete(e.share, run)
	return false
}

// shareIn makes a run that was begun here one of this process's share.
func (e *Engine) shareIn(o *Running) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, mine := e.share[o.id]; !mine && e.runs[o.id] == o && e.cluster != nil {
		e.share[o.id] = atHand
	}
}

// taken goes on with a run that was recovered, unless it went to another process
// meanwhile.
func (e *Engine) taken(o *Running) {
	ended, err := o.hasEnded()
	if !e.recovered(o.id, ended && err == nil) {
		o.leave()
		return
	}
	if ended, err = o.hasEnded(); ended && err != nil { // it was given up at once
		e.recoverAgain(o.id)
	}
	o.wake() // what came meanwhile
}

// hasEnded tells whether the run is not driven any more, and why if it goes on.
func (o *Running) hasEnded() (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended, o.err
}

func (e *Engine) shares(run string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.share[run] != atHand
}

// isRetried tells that the run has ended here, and goes on: somebody said that its log
// has grown while that was about to be known. It is recovered then.
func (o *Running) isRetried() bool {
	if ended, err := o.hasEnded(); !ended || err != nil || len(o.kick) == 0 {
		return false
	}
	o.mu.Lock()
	seq := o.run.seq
	o.mu.Unlock()
	events, err := o.engine.backend.Journal.Read(o.engine.ctx, o.id, seq)
	if err == nil && !slices.ContainsFunc(events, func(e *Event) bool { return e.Type == EventRetried }) {
		return false
	}
	owner{o.engine}.Moved(o.id) // if it went to another process, that one is told so again
	return true
}

// drive folds the run's log as it grows. A run that was given up is recovered from its
// journal.
func (o *Running) drive() {
	for {
		select {
		case <-o.kick:
		case <-o.done:
			if !o.isRetried() {
				o.engine.recoverAgain(o.id)
			}
			return
		case <-o.engine.ctx.Done():
			o.close()
			return
		}
		if err := o.advance(false); err != nil && o.engine.ctx.Err() == nil {
			o.engine.cfg.Logger.Error("drive a run", "run", o.id, "err", err)
		}
	}
}
