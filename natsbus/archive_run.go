package natsbus

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// logged is an event with the message that it came in.
type logged struct {
	*engine.Event
	message *kept
}

// errBehind is a replica that has not all of a log.
var errBehind = errors.New("a replica is behind")

// logOf reads what the stream of runs has of a run, in order: by its subjects, whose
// last messages the server finds at once, where with a wildcard it would look at all
// that is stored near them.
func (b *Bus) logOf(ctx context.Context, run string) ([]logged, error) {
	counts, err := b.countsOf(ctx, run)
	if err != nil {
		return nil, err
	}
	var all []logged
	j := newJournal(b, newBlobs(b))
	for subjects := range slices.Chunk(slices.Sorted(maps.Keys(counts)), maxSubjects) {
		found, err := b.gather(ctx, streamRuns, wanted{Lasts: subjects})
		if err != nil {
			return nil, err
		}
		if len(found) < len(subjects) {
			return nil, fmt.Errorf("read the log of run %q: %w", run, errBehind)
		}
		for _, last := range found {
			chain, err := b.chainOf(ctx, last, counts[last.subject])
			if err != nil {
				return nil, fmt.Errorf("read the log of run %q: %w", run, err)
			}
			for _, m := range chain {
				ev, err := j.decode(ctx, run, &entry{seq: m.seq, data: m.data, blob: m.header.Get(headerBlob)})
				if err != nil {
					return nil, err
				}
				all = append(all, logged{ev, m})
			}
		}
	}
	slices.SortFunc(all, func(x, y logged) int { return cmp.Compare(x.Seq, y.Seq) })
	return all, nil
}

// chainOf reads the messages of a subject, of which the last is there.
func (b *Bus) chainOf(ctx context.Context, last *kept, count int) ([]*kept, error) {
	var all []*kept
	for after := uint64(0); len(all) < count-1; {
		next, err := b.pick(ctx, streamRuns, []wanted{{Seq: after + 1, Next: last.subject}})
		if err != nil {
			return nil, err
		}
		if next[0] == nil || next[0].seq >= last.seq {
			return nil, errBehind
		}
		after = next[0].seq
		all = append(all, next[0])
	}
	return append(all, last), nil
}

// countsOf is how many messages the leader has on each subject of a run's log.
func (b *Bus) countsOf(ctx context.Context, run string) (map[string]int, error) {
	return b.runSubjects(ctx, b.runPrefix(run)+".>", 0)
}

// runSubjects is how many messages the leader of the stream of runs has on each subject
// that matches. errBehind: who answered has not all up to the sequence least. One that
// was a leader until it was suspended, or cut off, answers for a moment as if it still
// were.
func (b *Bus) runSubjects(ctx context.Context, filter string, least uint64) (map[string]int, error) {
	all := map[string]int{}
	req := struct {
		Filter string `json:"subjects_filter"`
		Offset int    `json:"offset"`
	}{Filter: filter}
	for {
		var resp struct {
			Total int `json:"total"`
			State struct {
				LastSeq  uint64         `json:"last_seq"`
				Subjects map[string]int `json:"subjects"`
			} `json:"state"`
		}
		if err := b.api(ctx, "STREAM.INFO."+streamRuns, req, &resp); err != nil {
			return nil, err
		}
		if resp.State.LastSeq < least {
			return nil, fmt.Errorf("%w: it ends at %d, not %d", errBehind, resp.State.LastSeq, least)
		}
		maps.Copy(all, resp.State.Subjects)
		if req.Offset += len(resp.State.Subjects); req.Offset >= resp.Total || len(resp.State.Subjects) == 0 {
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
	log, err := b.logOf(ctx, m.Run)
	if errors.Is(err, errBehind) { // it will have caught up when it is tried again
		return false, nil
	}
	if err != nil || len(log) == 0 {
		return false, err
	}
	last := log[len(log)-1].message
	if last.time.After(before) || retriedSince(log, m.message.time) || !strings.HasSuffix(log[0].message.subject, leafStart) {
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
	return newJournal(b, newBlobs(b)).Revive(ctx, run)
}

// Revive is [Bus.Unarchive]; what is read here afterwards is what was brought back.
func (j *Journal) Revive(ctx context.Context, run string) error {
	if err := j.unarchive(ctx, run); err != nil {
		return fmt.Errorf("bring back run %q: %w", run, err)
	}
	return nil
}

func (j *Journal) unarchive(ctx context.Context, run string) error {
	b := j.bus
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
	tail, err := b.logOf(ctx, run) // what came too late to be archived
	if err != nil {
		return err
	}
	if start.Basis.Events, err = b.keepEvents(ctx, newBlobs(b), run, append(events, eventsOf(tail)...)); err != nil {
		return err
	}
	if len(tail) > 0 {
		if err := b.purgeThrough(ctx, streamRuns, b.runPrefix(run)+".>", tail[len(tail)-1].Seq); err != nil {
			return err
		}
	}
	_, err = j.append(ctx, run, "", 0, start)
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
