package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Schedules keeps schedules in a Store. It is safe for concurrent use.
type Schedules struct{ book }

var _ ops.Schedules = (*Schedules)(nil)

// New needs Store and Runs of a Config.
func New(c Config) *Schedules { return &Schedules{newBook(c)} }

// List implements ops.Schedules, by name. One that can't be read is among them, and its
// fault says why.
func (s *Schedules) List(ctx context.Context) ([]ops.Schedule, error) {
	var all []ops.Schedule
	err := s.Store.Each(ctx, func(name string, data []byte, _ uint64) {
		d, err := decode(name, data)
		if err != nil {
			d = &document{Schedule: ops.Schedule{Name: name, Fault: err.Error()}}
		}
		all = append(all, d.Schedule)
	})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	slices.SortFunc(all, func(x, y ops.Schedule) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// Show implements ops.Schedules.
func (s *Schedules) Show(ctx context.Context, name string) (ops.Schedule, error) {
	p, err := s.load(ctx, name)
	if err != nil {
		return ops.Schedule{}, err
	}
	return p.Schedule, nil
}

// Put implements ops.Schedules. One whose times are as they were goes on from where it
// was: what it missed it has missed. An interval counts from when the name was first
// stored.
func (s *Schedules) Put(ctx context.Context, next ops.Schedule) (ops.Schedule, error) {
	if err := Check(next); err != nil {
		return ops.Schedule{}, err
	}
	next = normal(next)
	if err := s.find(ctx, next); err != nil {
		return ops.Schedule{}, err
	}
	for {
		p, err := s.replace(ctx, next)
		if err == nil {
			p, err = s.put(ctx, p)
		}
		if errors.Is(err, engine.ErrConflict) {
			continue
		}
		if err != nil {
			return ops.Schedule{}, err
		}
		return p.Schedule, nil
	}
}

// replace is the document that a schedule makes of what there is of its name.
func (s *Schedules) replace(ctx context.Context, next ops.Schedule) (page, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return page{}, fmt.Errorf("store schedule %q: %w", next.Name, err)
	}
	p, err := s.load(ctx, next.Name)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		p.document = &document{Version: documentVersion, Mark: draw(5)}
		p.Schedule.Created = now.UTC().Truncate(time.Second)
	case err != nil:
		return page{}, err
	}
	p.become(next, now)
	if err := p.late(now); err != nil {
		return page{}, err
	}
	data, err := p.encode()
	if err == nil && len(data) > mostBytes {
		err = &ops.Invalid{What: "the schedule", Faults: []ops.Fault{{Message: fmt.Sprintf("it has %d bytes with its target and its input, at most %d are allowed: store the flow, and name it", len(data), mostBytes)}}}
	}
	return p, err
}

// mostBytes is how large a document may be as it is stored first. It grows by what is
// told.
const mostBytes = 512 << 10

// become takes on another schedule of the same name.
func (d *document) become(next ops.Schedule, now time.Time) {
	was := d.Schedule
	goesOn := sameTimes(was, next) && !was.Paused && !next.Paused
	next.Created, next.Last, next.LastRun = was.Created, was.Last, was.LastRun
	next.Begun, next.Skipped, next.Next = was.Begun, was.Skipped, was.Next
	d.Schedule = next
	if !goesOn {
		d.restart(now)
	}
	if next.Overlap != ops.OverlapWait {
		d.dropWaiting()
	}
}

// restart has the schedule go on from now, unless it is paused.
func (d *document) restart(now time.Time) {
	d.Schedule.Next = time.Time{}
	if d.Schedule.Paused {
		d.dropWaiting()
	} else {
		d.Schedule.Next = d.times().Next(now)
	}
}

func (d *document) dropWaiting() {
	if !d.Waits.IsZero() {
		d.Waits = time.Time{}
		d.Schedule.Skipped++
	}
}

// late refuses a time that has gone by, unless it is the one that was stored.
func (d *document) late(now time.Time) error {
	s := d.Schedule
	if s.At.IsZero() || s.At.After(now) || s.Last.Equal(s.At) || s.Next.Equal(s.At) {
		return nil
	}
	return &ops.Invalid{What: "the schedule", Faults: []ops.Fault{{Where: "at", Message: fmt.Sprintf("%s has gone by: it is %s", s.At.Format(time.RFC3339), now.UTC().Format(time.RFC3339))}}}
}

// find looks for what a schedule runs, and whether it takes the input.
func (s *Schedules) find(ctx context.Context, next ops.Schedule) error {
	if s.Check == nil {
		return nil
	}
	err := s.Check(ctx, ops.Submission{Target: next.Target, Input: next.Input})
	if errors.Is(err, engine.ErrNotFound) {
		where := "target.flow"
		if next.Target.Module != "" {
			where = "target.module"
		}
		return &ops.Invalid{What: "the schedule", Faults: []ops.Fault{{Where: where, Message: err.Error()}}}
	}
	return err
}

// Pause implements ops.Schedules.
func (s *Schedules) Pause(ctx context.Context, name string, paused bool) (ops.Schedule, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return ops.Schedule{}, fmt.Errorf("pause schedule %q: %w", name, err)
	}
	p, err := s.change(ctx, name, func(d *document) error {
		if d.Schedule.Paused == paused {
			return errUnchanged
		}
		d.Schedule.Paused = paused
		d.restart(now)
		return nil
	})
	if err != nil {
		return ops.Schedule{}, err
	}
	return p.Schedule, nil
}

// Trigger implements ops.Schedules, of one that is paused too, and whatever goes on. What
// can't begin runs here, keepers begin.
func (s *Schedules) Trigger(ctx context.Context, name string) (string, error) {
	now, err := s.Store.Now(ctx)
	if err != nil {
		return "", fmt.Errorf("trigger schedule %q: %w", name, err)
	}
	c := claim{By: s.me, At: now.UTC()}
	p, err := s.change(ctx, name, func(d *document) error {
		c.Begin = []begin{{Run: d.run(now) + "-" + draw(5)}}
		d.Claims = append(d.Claims, c)
		return nil
	})
	if err != nil {
		return "", err
	}
	run := c.Begin[0].Run
	err = s.begin(ctx, p.Schedule, c.Begin[0])
	denied := errors.Is(err, ops.ErrDenied)
	_, noted := s.change(context.WithoutCancel(ctx), name, func(d *document) error {
		i := d.claimed(c)
		switch {
		case i < 0:
			return errUnchanged // a keeper has begun it
		case denied:
			d.Claims[i].By = ""
			return nil
		case err == nil:
			d.begun(run)
		}
		d.Claims = slices.Delete(d.Claims, i, i+1)
		return nil
	})
	if err != nil && !denied {
		return "", err
	}
	if noted != nil && !errors.Is(noted, engine.ErrNotFound) {
		s.Logger.Warn("a schedule was triggered, and it was not noted; it is later", "schedule", name, "run", run, "err", noted)
	}
	return run, nil
}

// Remove implements ops.Schedules. Runs that go on do.
func (s *Schedules) Remove(ctx context.Context, name string) error {
	for {
		_, revision, err := s.Store.Load(ctx, name) // one that can't be decoded too
		if err == nil {
			err = s.Store.Remove(ctx, name, revision)
		}
		switch {
		case errors.Is(err, engine.ErrConflict):
			continue
		case errors.Is(err, engine.ErrNotFound):
			return fmt.Errorf("schedule %q: %w", name, engine.ErrNotFound)
		case err != nil:
			return fmt.Errorf("remove schedule %q: %w", name, err)
		}
		return nil
	}
}
