package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// job is a run that this process is to drive to its end, or until it is paused.
type job struct {
	deed    string // what errors begin with
	run     string
	graph   *engine.Graph   // nil: not known yet
	past    *engine.History // of a run that goes on
	flags   driveFlags
	signals *interrupt
	asks    bool // standard input is free for answers
	begin   func(context.Context) (*engine.Running, error)
}

// drive does a job, prints the output, and turns how it ended into an exit code.
func (s *session) drive(ctx context.Context, std streams, j job) error {
	d := &driving{session: s, job: j, std: std, watch: newWatch(std, j.graph, j.flags), changed: make(chan struct{}, 1), asked: make(chan struct{}, 1)}
	defer d.watch.Close()
	if s.dir != nil && isTerminal(std.err) && !j.flags.quiet { // plain lines name it
		fmt.Fprintf(std.err, "run %s, kept in %s\n", j.run, s.state.path())
	}
	if j.past != nil {
		d.watch.Past(control.WithStarts(j.past))
	}
	defer s.hub.Subscribe(j.run, d.observe)()
	// From here on a signal cancels the run, not the context of its end.
	ctx = context.WithoutCancel(ctx)
	outcome, err := d.run(ctx)
	if err != nil {
		return err
	}
	d.watch.Close()
	err = s.finish(ctx, std, j, outcome, d.watch.Tasks())
	s.settle(ctx, std, j)
	return err
}

// settle waits for the runs that other processes have asked this one to drive.
func (s *session) settle(ctx context.Context, std streams, j job) {
	if s.dir == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	j.signals.Then(func(string) { cancel() })
	s.desk.Settle(ctx)
	if s.server != nil { // from here on nobody brings another one
		s.server.Close() //nolint:contextcheck // closing has no context to end by
		s.server = nil
		s.desk.Settle(ctx)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(std.err, "graflow-wasm: other runs go on here; `graflow-wasm runs ls` lists what has not ended")
	}
}

// finish prints how a run ended, or stands.
func (s *session) finish(ctx context.Context, std streams, j job, o engine.Outcome, tasks []engine.TaskReport) error {
	if s.dir != nil { // the tasks that ended in other processes too
		h, err := s.engine.History(ctx, j.run)
		if err != nil {
			return fmt.Errorf("%s: %w", j.deed, err)
		}
		return s.tell(ctx, std, j, h)
	}
	output, err := s.engine.Whole(ctx, j.run, o.Output)
	if err != nil {
		return fmt.Errorf("%s: read its output: %w", j.deed, err)
	}
	o.Output = output
	return finish(std, j, o, tasks, nil)
}

// tell prints how a run that is kept ended, or stands.
func (s *session) tell(ctx context.Context, std streams, j job, h *engine.History) error {
	output, err := s.engine.Whole(ctx, h.Run, h.Outcome.Output)
	if err != nil {
		return fmt.Errorf("%s: read its output: %w", j.deed, err)
	}
	o := h.Outcome
	o.Output = output
	if o.Status == engine.StatusPaused && control.Held(h) {
		o.Reason = engine.ReasonHeld // also where it waits for an answer besides
	}
	return finish(std, j, o, control.Tasks(h), &s.state)
}

// driving is a job at work.
type driving struct {
	session *session
	job     job
	std     streams
	watch   *watch
	running *engine.Running
	changed chan struct{} // has one when what waits may have changed
	asked   chan struct{} // has one when there is something in paused
	lines   <-chan string // of standard input, once it was read from
	said    string        // last, of why it waits

	answering sync.Mutex      // held while an answer in advance is given
	mu        sync.Mutex      // guards what follows
	paused    []engine.Notice // for which there is an answer in advance
}

// run begins the run and waits until it has ended, or is paused with nobody here
// to answer.
func (d *driving) run(ctx context.Context) (engine.Outcome, error) {
	running, err := d.job.begin(ctx)
	if err != nil {
		return engine.Outcome{}, refused(fmt.Errorf("%s: %w", d.job.deed, err))
	}
	d.running = running
	d.session.desk.Keep(running)
	d.job.signals.Then(func(signal string) { _ = running.Cancel("canceled by " + signal) }) // fails only if it has ended
	var wait sync.WaitGroup
	ended := make(chan struct{})
	wait.Go(func() { d.answerAhead(ended) }) //nolint:contextcheck // an answer belongs to the run, not to who waits for it
	defer wait.Wait()
	defer close(ended)
	for {
		outcome, err := running.Wait(ctx)
		if err != nil {
			return outcome, fmt.Errorf("%s: %w%s", d.job.deed, err, d.goOn())
		}
		if outcome.Status != engine.StatusPaused || !d.answer(outcome) { //nolint:contextcheck // likewise
			return outcome, nil
		}
	}
}

// goOn tells how to go on with a run that was given up.
func (d *driving) goOn() string {
	if d.session.dir == nil {
		return ""
	}
	return "\nOnce that is mended, go on with it: " + d.session.command("resume", d.job.run)
}

// observe takes a notice.
func (d *driving) observe(n engine.Notice) {
	d.watch.Observe(n)
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
		return true
	}
	switch {
	case d.job.flags.wait && d.session.dir != nil:
		if !d.job.flags.quiet {
			d.sayOnce(sayPaused(o, &d.session.state))
		}
		d.await()
		return true
	case isDue(o.Pauses): // it goes on just now
		d.await()
		return true
	case d.session.dir != nil:
		return false
	case len(o.Pauses) > 0 && d.canAsk():
		return d.ask(o.Pauses[0])
	}
	for _, w := range o.Pauses {
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

// answerAll gives the answers in advance to the pauses of a paused run. It
// reports whether there were any.
func (d *driving) answerAll(pauses []engine.Waiting) bool {
	found := false
	for _, w := range pauses {
		found = d.resume(w.Name, w.Activation) || found
	}
	return found
}

// answerAhead gives the answers in advance to pauses of a run that is not paused,
// since something else in it moves.
func (d *driving) answerAhead(ended <-chan struct{}) {
	for {
		d.mu.Lock()
		paused := d.paused
		d.paused = nil
		d.mu.Unlock()
		for _, n := range paused {
			d.resume(n.Message, n.Activation)
		}
		select {
		case <-ended:
			return
		case <-d.asked:
		}
	}
}

// resume answers a pause in advance. It reports whether there was an answer.
func (d *driving) resume(name, activation string) bool {
	d.answering.Lock()
	defer d.answering.Unlock()
	answer, ok := d.job.flags.ahead[name]
	if !ok {
		return false
	}
	err := d.running.Resume(activation, answer)
	if errors.Is(err, engine.ErrInvalidAnswer) {
		d.say("--answer %s=%s: %v", name, answer, err)
		delete(d.job.flags.ahead, name)
	}
	return true // else somebody was first
}

func (d *driving) say(format string, args ...any) {
	fmt.Fprintln(d.std.err, "graflow-wasm: "+printable(fmt.Sprintf(format, args...)))
}
