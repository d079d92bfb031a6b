package natsbus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// logged is an event with the message that it came in.
type logged struct {
	*engine.Event
	message *kept
}

// logOf reads what the stream of runs has of a run after a sequence.
func (b *Bus) logOf(ctx context.Context, run string, after uint64) ([]logged, error) {
	j := newJournal(b, newBlobs(b))
	for all := []logged(nil); ; {
		found, err := b.gather(ctx, streamRuns, wanted{Seq: after + 1, Next: b.runPrefix(run) + ".>", Batch: directBatch})
		if err != nil {
			return nil, err
		}
		for _, m := range found {
			ev, err := j.decode(ctx, run, &entry{seq: m.seq, data: m.data, blob: m.header.Get(headerBlob)})
			if err != nil {
				return nil, err
			}
			after = m.seq
			all = append(all, logged{ev, m})
		}
		if len(found) < directBatch {
			return all, nil
		}
	}
}

func eventsOf(log []logged) []*engine.Event {
	events := make([]*engine.Event, len(log))
	for i, l := range log {
		events[i] = l.Event
	}
	return events
}

// archiveRun moves the log of a run that has ended to the archive, unless it has
// changed of late. It reports whether it did.
//
// What is added to the log while it is read stays, and with it the run is brought
// back: it was retried just then.
func (b *Bus) archiveRun(ctx context.Context, m indexed, before time.Time) (bool, error) {
	log, err := b.logOf(ctx, m.Run, 0)
	if err != nil || len(log) == 0 {
		return false, err
	}
	last, err := b.leaderLast(ctx, streamRuns, b.runPrefix(m.Run)+".>")
	if err != nil {
		return false, err
	}
	if last.seq != log[len(log)-1].Seq || last.time.After(before) || retriedSince(log, m.message.time) {
		return false, nil
	}
	if err := b.archive(ctx, m.Run, eventsOf(log)); err != nil {
		return false, err
	}
	if err := b.purgeThrough(ctx, streamRuns, b.runPrefix(m.Run)+".>", last.seq); err != nil {
		return false, fmt.Errorf("archive run %q: %w", m.Run, err)
	}
	switch _, err := b.leaderLast(ctx, streamRuns, b.runPrefix(m.Run)+leafDecisions); {
	case errors.Is(err, engine.ErrNotFound): // as it nearly always is
		return true, nil
	case err != nil:
		return false, err
	}
	return false, b.Unarchive(ctx, m.Run)
}

// retriedSince tells that the run went on after the mark of its end.
func retriedSince(log []logged, mark time.Time) bool {
	for _, l := range log {
		if l.Type == engine.EventRetried && l.message.time.After(mark) {
			return true
		}
	}
	return false
}

// Unarchive brings back the log of a run that was archived, so that the run can go
// on: a log whose first event is based on all those before. To a run that is not
// archived it does nothing; one that is nowhere is engine.ErrNotFound.
//
// The archive stays until the run is archived again, or forgotten: wherever this
// ends, the run can be read.
func (b *Bus) Unarchive(ctx context.Context, run string) error {
	if err := b.unarchive(ctx, run); err != nil {
		return fmt.Errorf("bring back run %q: %w", run, err)
	}
	return nil
}

func (b *Bus) unarchive(ctx context.Context, run string) error {
	if here, err := b.begun(ctx, run); here || err != nil {
		return err
	}
	events, err := b.archived(ctx, run)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("run %q: %w", run, engine.ErrNotFound)
	}
	if events[0].Type != engine.EventStarted || events[0].Basis == nil {
		return errors.New("its log does not begin with the run's start")
	}
	start := &engine.Event{Type: engine.EventStarted, Time: time.Now(), Basis: &engine.Basis{Graph: events[0].Basis.Graph, Origin: events[0].Basis.Origin}}
	tail, err := b.logOf(ctx, run, 0) // what came too late to be archived
	if err != nil {
		return err
	}
	blobs := newBlobs(b)
	if start.Basis.Events, err = b.keepEvents(ctx, blobs, run, append(events, eventsOf(tail)...)); err != nil {
		return err
	}
	if len(tail) > 0 {
		if err := b.purgeThrough(ctx, streamRuns, b.runPrefix(run)+".>", tail[len(tail)-1].Seq); err != nil {
			return err
		}
	}
	_, err = newJournal(b, blobs).Append(ctx, run, "", 0, start)
	if errors.Is(err, engine.ErrConflict) {
		if here, _ := b.begun(ctx, run); here {
			return nil // another was faster
		}
	}
	return err
}

// begun tells whether the stream of runs has a run's log from its start.
func (b *Bus) begun(ctx context.Context, run string) (bool, error) {
	_, err := b.leaderLast(ctx, streamRuns, b.runPrefix(run)+leafStart)
	if errors.Is(err, engine.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// keepEvents stores a run's events as a blob of the run, those that it is based on
// before them: such a blob can't refer to another.
func (b *Bus) keepEvents(ctx context.Context, blobs engine.Blobs, run string, events []*engine.Event) (string, error) {
	var all bytes.Buffer
	if basis := events[0].Basis.Events; basis != "" {
		r, err := blobs.Open(ctx, run, basis)
		if err != nil {
			return "", fmt.Errorf("read the events that it is based on: %w", err)
		}
		_, err = all.ReadFrom(r)
		if err := errors.Join(err, r.Close()); err != nil {
			return "", fmt.Errorf("read the events that it is based on: %w", err)
		}
		all.WriteByte('\n')
	}
	enc := json.NewEncoder(&all)
	for _, e := range events {
		if err := enc.Encode(e); err != nil {
			return "", fmt.Errorf("encode event %d: %w", e.Seq, err)
		}
	}
	digest, _, err := blobs.Put(ctx, run, &all)
	return digest, err
}

// runOf is the run to whose log a subject belongs.
func runOf(subject string) (string, error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) < 5 {
		return "", fmt.Errorf("subject %q is none of a run's log", subject)
	}
	return name(tokens[4])
}
