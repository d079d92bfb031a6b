package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// driving is a job at work.
type driving struct {
	session *session
	job     job
	std     streams
	watch   *watch
	running drivenRun
	changed chan struct{} // has one when what waits may have changed
	asked   chan struct{} // has one when there is something in paused
	moves   chan struct{} // has one when something has been done
	lines   <-chan string // of standard input, once it was read from
	said    string        // last, of why it waits

	answering sync.Mutex      // held while an answer in advance is given; guards what follows up to refused
	used      map[string]bool // answers in advance
	given     map[string]bool // likewise, by the pause that has it
	refused   bool            // one of them did not fit
	mu        sync.Mutex      // guards what follows
	paused    []engine.Notice // for which there is an answer in advance
}

// run begins the run and waits until it has ended, or is paused with nobody here
// to answer.
func (d *driving) run(ctx context.Context) (engine.Outcome, error) {
	running, err := d.job.begin(ctx)
	if err != nil {
		return engine.Outcome{}, refused(failed(d.job.deed, err))
	}
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	d.running = running
	signaled := make(chan string, 1)
	d.job.signals.Then(func(signal string) { signaled <- signal }) // once
	var wait sync.WaitGroup
	ended := make(chan struct{})
	wait.Go(func() { giveUp(d.cancelOn(signaled, ended)) })
	if d.session.isFar() {
		wait.Go(func() { d.noteNobody(ctx, ended) })
	}
	wait.Go(func() { d.answerAhead(ended) })
	defer wait.Wait()
	defer close(ended)
	for {
		outcome, err := d.running.Wait(ctx)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		if err != nil {
			return outcome, fmt.Errorf("%w%s", failed(d.job.deed, err), d.goOn())
		}
		if outcome.Status != engine.StatusPaused || !d.answer(outcome) {
			return outcome, nil
		}
	}
}

// goOn tells how to go on with a run that was given up.
func (d *driving) goOn() string {
	if d.session.isFar() {
		return "\nIt goes on in the cluster; follow it: " + commandFor(&d.session.place, "watch", d.job.run, "")
	}
	if d.session.dir == nil {
		return ""
	}
	return "\nOnce that is mended, go on with it: " + d.session.resumeCommand(d.job.run)
}

// observe takes a notice.
func (d *driving) observe(n engine.Notice) {
	d.watch.Observe(n)
	if n.Type != engine.NoticeRunStarted && n.Type != engine.NoticeTaskReady {
		tell(d.moves)
	}
	switch n.Type {
	case engine.NoticeTaskPaused:
		if len(d.job.flags.answers) > 0 {
			d.mu.Lock()
			d.paused = append(d.paused, n)
			d.mu.Unlock()
			tell(d.asked)
		}
	case engine.NoticeTaskResumed, engine.NoticeTaskFailed, engine.NoticeTaskCanceled, engine.NoticeTaskRetrying,
		engine.NoticeRunReleased, engine.NoticeRunFinished:
	default:
		return
	}
	tell(d.changed)
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// answer does what it can about a paused run; false when that is nothing.
func (d *driving) answer(o engine.Outcome) bool {
	drain(d.changed)
	if again, paused := d.stillPaused(o); !paused {
		return true
	} else if o = again; d.answerAll(o.Pauses) {
		d.onItsWay()
		return true
	}
	switch {
	case d.job.flags.wait && d.session.place.kept():
		if !d.job.flags.quiet {
			d.sayOnce(sayPaused(o, &d.session.place))
		}
		d.await()
		return true
	case isDue(o.Pauses): // it goes on just now
		d.await()
		return true
	case d.session.place.kept():
		return false
	case len(o.Pauses) > 0 && d.canAsk():
		return d.ask(o.Pauses[0])
	}
	for _, w := range o.Pauses {
		if d.wasRefused() {
			break // who gave it wants to know, not to wait
		}
		if !w.Expires.IsZero() { // it goes on by itself, if this process stays
			d.sayOnce("waits, since nothing of the run is kept: " + sayWaiting(w))
			d.await()
			return true
		}
	}
	return false
}

// isDue tells whether a pause ends by itself now: its time was over while no process
// was there, or is this moment.
func isDue(pauses []engine.Waiting) bool {
	return slices.ContainsFunc(pauses, func(w engine.Waiting) bool { return !w.Expires.IsZero() && !time.Now().Before(w.Expires) })
}

// sayOnce says what has not just been said.
func (d *driving) sayOnce(text string) {
	if text != d.said {
		d.said = text
		d.say("%s", text)
	}
}

// stillPaused looks again, after which every change is told.
func (d *driving) stillPaused(o engine.Outcome) (engine.Outcome, bool) {
	select {
	case <-d.running.Done():
		return o, false
	default:
	}
	o = d.running.Outcome()
	return o, o.Status == engine.StatusPaused
}

func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}

// await blocks until what waits may have changed.
func (d *driving) await() {
	select {
	case <-d.changed:
	case <-d.running.Done():
	}
}

func (d *driving) say(format string, args ...any) {
	fmt.Fprintln(d.std.err, "graflow-wasm: "+printable(fmt.Sprintf(format, args...)))
}
