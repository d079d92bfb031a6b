package natsbus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// Journal keeps the logs of runs in one stream; the sequences of events are the
// stream's. It is safe for concurrent use.
//
// Runs of partitions that are followed here are read from memory.
type Journal struct {
	bus   *Bus
	blobs engine.Blobs // for events that no message has room for
	inbox *inbox
	parts [Partitions]atomic.Pointer[follower]
	owned atomic.Bool // some of them are this process's to drive
	// teller's notices go before what is appended; nil: there are none.
	teller *teller
}

var _ engine.Journal = (*Journal)(nil)

func newJournal(b *Bus, blobs engine.Blobs) *Journal {
	return &Journal{bus: b, blobs: blobs, inbox: newInbox(b.nc)}
}

// Append implements [engine.Journal]. While it is not known whether e was stored it
// tries again, for half a minute; ErrUnreachable then, or ctx's error, and it may
// have been. The start of a run is a conflict also if its log was archived, and
// ErrFull while the work queue has no room for its tasks.
func (j *Journal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	if e.Type == engine.EventStarted && chain == "" && expect == 0 {
		switch used, err := j.bus.used(ctx, run); {
		case err != nil:
			return 0, fmt.Errorf("append %s to run %q: %w", e.Type, run, err)
		case used:
			return 0, engine.ErrConflict
		}
		if err := j.bus.hasRoom(ctx); err != nil {
			return 0, fmt.Errorf("append %s to run %q: %w", e.Type, run, err)
		}
	}
	return j.append(ctx, run, chain, expect, e)
}

func (j *Journal) append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	subject, of := j.subject(run, chain, e.Type)
	m, err := j.encode(ctx, run, subject, e)
	if err != nil {
		return 0, fmt.Errorf("append to run %q: %w", run, err)
	}
	seq, err := j.publish(ctx, of, expect, m)
	switch {
	case errors.Is(err, engine.ErrConflict):
		return 0, engine.ErrConflict
	case err != nil:
		return 0, fmt.Errorf("append %s to run %q: %w", e.Type, run, err)
	}
	e.Seq = seq
	if f := j.follower(run); f != nil {
		f.appended(token(run), seq, e)
	}
	return seq, nil
}

// publish stores a message, and tells how long that took.
func (j *Journal) publish(ctx context.Context, of string, expect uint64, m *nats.Msg) (uint64, error) {
	if j.teller != nil {
		if err := j.teller.wait(ctx); err != nil {
			return 0, err
		}
	}
	tell := j.bus.cfg.Published
	if tell == nil {
		return j.bus.publishAt(ctx, streamRuns, of, expect, m)
	}
	began := time.Now()
	seq, err := j.bus.publishAt(ctx, streamRuns, of, expect, m)
	told := err
	if errors.Is(err, engine.ErrConflict) {
		told = nil
	}
	tell(time.Since(began), told)
	return seq, err
}

// subject is where an event goes, and the subjects of its chain.
func (j *Journal) subject(run, chain string, kind engine.EventType) (subject, of string) {
	prefix := j.bus.runPrefix(run)
	switch {
	case chain != "":
		subject = prefix + leafTask + token(chain)
		return subject, subject
	case kind == engine.EventStarted:
		return prefix + leafStart, prefix + leafDecisions
	default:
		return prefix + leafDecision, prefix + leafDecisions
	}
}

// Read implements [engine.Journal]. It sees all that was appended in this process,
// and of other processes' what was acked before it was called, or, of a run that is
// followed here, soon after. What was archived is read from there.
func (j *Journal) Read(ctx context.Context, run string, after uint64) ([]*engine.Event, error) {
	entries, err := j.entries(ctx, run, after)
	if err != nil {
		return nil, fmt.Errorf("read run %q: %w", run, err)
	}
	if len(entries) == 0 {
		return nil, nil
	}
	return j.decodeAll(ctx, run, nil, entries)
}

func (j *Journal) entries(ctx context.Context, run string, after uint64) ([]*entry, error) {
	f := j.follower(run)
	if f == nil {
		return j.stored(ctx, run, after)
	}
	t := token(run)
	for begun := time.Now(); ; {
		if all, ok, err := f.read(ctx, t, after); ok || err != nil {
			return all, err
		}
		all, err := j.fetched(ctx, f, run, after)
		if err != nil || len(all) > 0 || f.newest(t) <= after || time.Since(begun) > arrivalTime { // at last it was forgotten
			return all, err
		}
		// Who answered is behind the server that the newest event came from.
		if err := pause(ctx, behindPause); err != nil {
			return nil, err
		}
	}
}

// behindPause is how long a server may take to have what another has.
const behindPause = 10 * time.Millisecond

// fetched reads what a follower has not, and lets it keep that.
func (j *Journal) fetched(ctx context.Context, f *follower, run string, after uint64) ([]*entry, error) {
	t := token(run)
	since := f.keep(t)
	all, done, err := j.after(ctx, run, after)
	if err != nil {
		return nil, err
	}
	old, err := j.archived(ctx, run, after, all)
	if err != nil {
		return nil, err
	}
	if done && len(old) == 0 { // else the stream is not all there is
		f.complete(t, since, after, all)
	}
	return append(old, all...), nil
}

// ReadThrough returns the events of a run after a sequence, in order, at least
// through another, which is that of an event of the run: it is for who was told of
// that one, by whomever. Where the run is followed it waits for the event to come in.
// engine.ErrNotFound: the run ends before it.
func (j *Journal) ReadThrough(ctx context.Context, run string, after, through uint64) ([]*engine.Event, error) {
	read := j.entries
	if f := j.follower(run); f != nil {
		here, err := f.await(ctx, through)
		if err != nil {
			return nil, err
		}
		if !here {
			read = j.stored
		}
	}
	var all []*engine.Event
	for after < through {
		entries, err := read(ctx, run, after)
		if err != nil {
			return nil, fmt.Errorf("read run %q: %w", run, err)
		}
		if len(entries) == 0 {
			return nil, fmt.Errorf("read run %q: it ends at event %d, before %d: %w", run, after, through, engine.ErrNotFound)
		}
		if all, err = j.decodeAll(ctx, run, all, entries); err != nil {
			return nil, err
		}
		after = all[len(all)-1].Seq
	}
	return all, nil
}

// stored reads a page from the stream, or from the archive.
func (j *Journal) stored(ctx context.Context, run string, after uint64) ([]*entry, error) {
	all, _, err := j.after(ctx, run, after)
	if err != nil {
		return nil, err
	}
	old, err := j.archived(ctx, run, after, all)
	if err != nil {
		return nil, err
	}
	return append(old, all...), nil
}

// archived returns the entries that a run's archive has after a sequence, before
// those that the stream has. It does not look where the stream has the run's start,
// or goes on behind what was read.
func (j *Journal) archived(ctx context.Context, run string, after uint64, stream []*entry) ([]*entry, error) {
	if len(stream) > 0 && (after > 0 || stream[0].start) {
		return nil, nil
	}
	events, err := j.bus.archived(ctx, run)
	if err != nil {
		return nil, err
	}
	var old []*entry
	for _, ev := range events {
		if ev.Seq > after && (len(stream) == 0 || ev.Seq < stream[0].seq) {
			e := &entry{seq: ev.Seq}
			e.event.Store(ev)
			old = append(old, e)
		}
	}
	return old, nil
}

// decodeAll adds events to others.
func (j *Journal) decodeAll(ctx context.Context, run string, to []*engine.Event, entries []*entry) ([]*engine.Event, error) {
	to = slices.Grow(to, len(entries))
	for _, e := range entries {
		event, err := j.decode(ctx, run, e)
		if err != nil {
			return nil, err
		}
		to = append(to, event)
	}
	return to, nil
}

// Last implements [engine.Journal].
func (j *Journal) Last(ctx context.Context, run, chain string) (uint64, error) {
	_, of := j.subject(run, chain, "")
	last, err := j.bus.look(ctx, streamRuns, lookup{Last: of})
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("last event of chain %q of run %q: %w", chain, run, err)
	}
	return last.Seq, nil
}

// Trim implements [engine.Journal]. It drops nothing: others read the run too.
func (j *Journal) Trim(context.Context, string, uint64) error { return nil }

// Forget implements [engine.Journal].
func (j *Journal) Forget(ctx context.Context, run string) error {
	for stream, subjects := range map[string]string{
		streamRuns: j.bus.runPrefix(run) + ".>", streamArchive: j.bus.archiveSubject(run, ">"),
	} {
		if err := j.bus.purge(ctx, stream, subjects); err != nil {
			return fmt.Errorf("forget run %q: %w", run, err)
		}
	}
	j.Settled(run)
	return nil
}

// Settled tells that a run has ended: nothing of it is kept in memory. Events that
// come all the same bring it back.
func (j *Journal) Settled(run string) {
	if f := j.follower(run); f != nil {
		f.drop(run)
	}
}

// follower is that of the run's partition; nil: it is not followed here.
func (j *Journal) follower(run string) *follower {
	return j.parts[partition(j.bus.cfg.Namespace, run)].Load()
}

// purge drops the messages of a stream with subjects that match.
func (b *Bus) purge(ctx context.Context, stream, subject string) error {
	return tries(ctx, func(ctx context.Context) error {
		s, err := b.js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		return s.Purge(ctx, jetstream.WithPurgeSubject(subject))
	})
}
