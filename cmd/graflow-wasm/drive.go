package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// job is a run that this process is to drive to its end, or until it is paused.
type job struct {
	deed    string // what errors begin with
	run     string
	graph   *engine.Graph // nil: not known yet
	past    *pastRun      // of a run that goes on
	flags   driveFlags
	signals *interrupt
	asks    bool // standard input is free for answers
	begin   func(context.Context) (drivenRun, error)
}

// drive does a job, prints the output, and turns how it ended into an exit code.
func (s *session) drive(ctx context.Context, std streams, j job) error {
	if j.flags.detach {
		return s.detach(ctx, std, j)
	}
	d := &driving{session: s, job: j, std: std, watch: newWatch(std, j.graph, j.flags), changed: make(chan struct{}, 1), asked: make(chan struct{}, 1), moves: make(chan struct{}, 1), used: map[string]bool{}, given: map[string]bool{}}
	defer d.watch.Close()
	if s.place.kept() && isTerminal(std.err) && !j.flags.quiet { // plain lines name it
		fmt.Fprintf(std.err, "run %s, kept in %s\n", j.run, s.place.name())
	}
	if j.past != nil {
		d.watch.Past(j.past.timeline)
	}
	if j.past != nil && s.bus != nil {
		s.feed.Skip(j.past.last)
	}
	if s.remote != nil {
		s.remote.past = j.past
	}
	defer s.hub.Subscribe(j.run, d.observe)()
	told := func() {}
	if s.isFar() {
		j.signals.Say("canceling the run; a second one leaves it to the cluster")
	}
	if s.bus != nil {
		told = s.followLogs(ctx, j)
	}
	// From here on a signal cancels the run, not the context of its end.
	ctx = context.WithoutCancel(ctx)
	outcome, err := d.run(ctx)
	told() // all that was logged
	if err != nil {
		return err
	}
	d.watch.Close()
	if outcome.Status != engine.StatusPaused {
		d.tellUnused()
	}
	err = s.writeReceipt(ctx, std, j, outcome.Status, s.finish(ctx, std, j, outcome, d.watch.Tasks()))
	s.settle(ctx, std, j)
	if lost := d.watch.Err(); err == nil && lost != nil {
		return fmt.Errorf("%s: write its events: %w", j.deed, lost)
	}
	return err
}

// settle waits for the runs that other processes have asked this one to drive.
func (s *session) settle(ctx context.Context, std streams, j job) {
	if s.dir == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if runs := s.local.GoingOn(); len(runs) > 0 && j.signals.Hit() == "" {
		fmt.Fprintf(std.err, "graflow-wasm: this process stays for what others have brought to it: %s; Ctrl-C leaves it interrupted\n", oneLine(strings.Join(runs, ", ")))
	}
	j.signals.Say("leaving the runs that go on here")
	j.signals.Then(func(string) { cancel() })
	left, err := s.local.Settle(ctx)
	if s.server != nil { // from here on nobody brings another one
		s.server.Close() //nolint:contextcheck // closing has no context to end by
		s.server = nil
		left, err = s.local.Settle(ctx)
	}
	if err != nil {
		fmt.Fprintln(std.err, "graflow-wasm: "+printable(err.Error()))
	}
	for _, run := range left {
		fmt.Fprintf(std.err, "graflow-wasm: run %s, which went on here too, is interrupted; go on with it: %s\n", oneLine(run), s.resumeCommand(run))
	}
}

// finish prints how a run ended, or stands.
func (s *session) finish(ctx context.Context, std streams, j job, o engine.Outcome, tasks []engine.TaskReport) error {
	if s.remote != nil {
		return s.finishRemote(ctx, std, j, o, tasks)
	}
	if s.dir != nil { // the tasks that ended in other processes too
		h, err := s.desk.Past(ctx, j.run)
		if err == nil { // what is open can be read for a while after its directory has gone
			err = s.place.existing()
		}
		if err == nil {
			return s.tell(ctx, std, j, h)
		}
		fmt.Fprintf(std.err, "graflow-wasm: run %s is not kept any more: %s\n", oneLine(j.run), s.whyLost(err))
	}
	if s.bus != nil && o.Status == engine.StatusPaused { // perhaps by hand too
		if h, err := s.desk.Past(ctx, j.run); err == nil && h.outcome.Status == o.Status {
			return s.tell(ctx, std, j, h)
		}
	}
	output, err := s.whole(ctx, j.run, o.Output)
	if err != nil {
		return fmt.Errorf("%s: read its output: %w", j.deed, err)
	}
	o.Output = output
	if s.bus != nil {
		return s.end(ctx, std, j, o, tasks, &s.place)
	}
	return s.end(ctx, std, j, o, tasks, nil)
}

// end saves the files of a run, and prints how it ended, or stands.
func (s *session) end(ctx context.Context, std streams, j job, o engine.Outcome, tasks []engine.TaskReport, place *placeFlags) error {
	files, lost := s.saved(ctx, std, j, o)
	err := finish(std, j, o, files, tasks, place)
	if err == nil || lost == nil {
		return errors.Join(err, lost) // one of them at most
	}
	fmt.Fprintln(std.err, "graflow-wasm: "+printable(lost.Error()))
	return err
}

// whyLost tells why a run can't be read that was driven here until now.
func (s *session) whyLost(err error) string {
	switch {
	case s.place.existing() != nil:
		return "its state directory " + s.place.path() + " is gone"
	case errors.Is(err, engine.ErrNotFound):
		return "it was removed"
	}
	return printable(err.Error())
}

// tell prints how a run that is kept ended, or stands.
func (s *session) tell(ctx context.Context, std streams, j job, p *pastRun) error {
	output, err := s.whole(ctx, p.run, p.outcome.Output)
	if err != nil {
		return fmt.Errorf("%s: read its output: %w", j.deed, err)
	}
	o := p.outcome
	o.Output = output
	if o.Status == engine.StatusPaused && p.held {
		o.Reason = engine.ReasonHeld // also where it waits for an answer besides
	}
	return s.end(ctx, std, j, o, p.tasks, &s.place)
}
