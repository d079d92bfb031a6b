package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Config says what a Desk works on. All fields but Memory and Shared are required;
// of a Desk that only reads runs, Engine alone.
type Config struct {
	Engine *engine.Engine // with Config.Retain, and Hub.Observe
	Hub    *Hub
	// Journal is the engine's.
	Journal engine.Journal
	// Runs lists the runs that are kept.
	Runs func(context.Context) ([]string, error)
	// Remove drops all that is kept of a run.
	Remove func(ctx context.Context, run string) error
	// Memory makes listing quick; nil: journals are read each time.
	Memory Memory
	// Shared is for a journal that processes share: some other drives a run that has
	// not ended.
	Shared bool
}

// Desk reads and steers the runs that a process keeps. It is safe for concurrent
// use.
type Desk struct {
	Config

	mu      sync.Mutex // guards what follows
	running map[string]*engine.Running
}

// NewDesk makes a Desk.
func NewDesk(c Config) *Desk { return &Desk{Config: c, running: map[string]*engine.Running{}} }

// Keep makes a run known that this process drives.
func (d *Desk) Keep(o *engine.Running) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[o.ID()] = o
}

// Running is the run of that id if this process drives it, else nil.
func (d *Desk) Running(run string) *engine.Running {
	d.mu.Lock()
	defer d.mu.Unlock()
	o := d.running[run]
	if o == nil {
		return nil
	}
	select {
	case <-o.Done():
		delete(d.running, run)
		return nil
	default:
		return o
	}
}

// isDriven tells whether a process is at work on a run that has not ended.
func (d *Desk) isDriven(run string) bool { return d.Shared || d.Running(run) != nil }

// Settle blocks until every run that this process drives has ended or is paused,
// or ctx is done. It returns the ids of those that go on still, and why runs were
// given up.
func (d *Desk) Settle(ctx context.Context) (left []string, err error) {
	seen := map[*engine.Running]bool{}
	var errs []error
	for {
		o := d.next(seen)
		if o == nil {
			return nil, errors.Join(errs...)
		}
		switch _, err := o.Wait(ctx); {
		case err != nil && ctx.Err() != nil:
			return d.GoingOn(), errors.Join(errs...)
		case err != nil:
			errs = append(errs, err)
		}
		seen[o] = true
	}
}

// GoingOn are the ids of the runs that this process drives and that are not paused,
// sorted.
func (d *Desk) GoingOn() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var runs []string
	for run, o := range d.running {
		select {
		case <-o.Done():
			continue
		default:
		}
		if o.Outcome().Status == engine.StatusRunning {
			runs = append(runs, run)
		}
	}
	slices.Sort(runs)
	return runs
}

func (d *Desk) next(seen map[*engine.Running]bool) *engine.Running {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, o := range d.running {
		if !seen[o] {
			return o
		}
	}
	return nil
}

// List tells of all runs, sorted by id. A run that can't be read is in it.
func (d *Desk) List(ctx context.Context) ([]Summary, error) {
	runs, err := d.Runs(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Summary, 0, len(runs))
	for _, run := range runs {
		if s, ok := d.recall(ctx, run); ok {
			all = append(all, s)
			continue
		}
		driven := d.isDriven(run) // before and after: it may begin or end meanwhile
		h, err := d.History(ctx, run)
		switch {
		case errors.Is(err, engine.ErrNotFound) || ctx.Err() != nil: // removed meanwhile
			continue
		case err != nil:
			all = append(all, Summary{Run: run, Status: StatusUnreadable, Fault: err.Error()})
			continue
		}
		s := summaryOf(h)
		s.driven(driven || d.isDriven(run))
		d.remember(h, s)
		all = append(all, s)
	}
	return all, ctx.Err()
}

// History is what the journal of a run tells. ErrNotFound.
func (d *Desk) History(ctx context.Context, run string) (*engine.History, error) {
	return history(ctx, d.Engine, run)
}

func history(ctx context.Context, e *engine.Engine, run string) (*engine.History, error) {
	h, err := e.History(ctx, run)
	return h, Missing(run, err)
}

// Missing tells where to look for a run that is not found.
func Missing(run string, err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("run %q: %w; `graflow-wasm runs ls` lists those that there are", run, engine.ErrNotFound)
	}
	return err
}

// Show tells all of a run. An output that can't be read whole is told as the journal
// has it, with the Fault. ErrNotFound.
func (d *Desk) Show(ctx context.Context, run string) (Story, error) {
	driven := d.isDriven(run) // as in List
	h, err := d.History(ctx, run)
	if err != nil {
		return Story{}, err
	}
	s := storyOf(h)
	s.driven(driven || d.isDriven(run))
	if whole, err := d.Engine.Whole(ctx, run, s.Output); err == nil {
		s.Output = whole
	} else { // the rest can be told
		s.Fault = "read its output: " + err.Error()
	}
	return s, nil
}

// Events are a run's journal. ErrNotFound.
func (d *Desk) Events(ctx context.Context, run string) ([]*engine.Event, error) {
	h, err := d.History(ctx, run)
	if err != nil {
		return nil, err
	}
	return h.Events, nil
}

// Export writes a checkpoint of a run, as [engine.Engine.Export] does.
func (d *Desk) Export(ctx context.Context, run, checkpoint string) ([]byte, error) {
	return d.Engine.Export(ctx, run, checkpoint)
}

// decide appends a decision to the journal of a run that nobody drives.
func (d *Desk) decide(ctx context.Context, run string, e *engine.Event) error {
	last, err := d.Journal.Last(ctx, run, "")
	if err != nil {
		return err
	}
	e.Time = time.Now()
	if _, err := d.Journal.Append(ctx, run, "", last, e); err != nil {
		return fmt.Errorf("run %q: append %s: %w", run, e.Type, err)
	}
	return nil
}
