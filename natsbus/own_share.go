package natsbus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// begin begins to follow a partition whose lease was had, and to tell the owner.
func (o *owning) begin(ctx context.Context, n int, seq uint64, sent time.Time) *share {
	ctx, cancel := context.WithCancel(ctx)
	s := &share{seq: seq, cancel: cancel, done: make(chan struct{}), follower: newFollower(o.bus, n, o.owner)}
	s.follower.hold(sent.Add(leaseHeld))
	o.journal.parts[n].Store(s.follower)
	go func() {
		defer close(s.done)
		o.follow(ctx, s.follower)
	}()
	return s
}

// drop stops following a partition: its runs are gone, and nothing moves any more.
func (o *owning) drop(n int) {
	s := o.held[n]
	delete(o.held, n)
	o.journal.parts[n].CompareAndSwap(s.follower, nil)
	s.follower.end()
	s.cancel()
	<-s.done
}

// follow follows a partition until ctx is done. New events come in from a point on;
// the runs that are there at that point are told of one by one.
func (o *owning) follow(ctx context.Context, f *follower) {
	last, err := o.bus.lastSeq(ctx, streamRuns)
	for err != nil {
		o.again(ctx, f, "follow a partition: it is tried again", err)
		if ctx.Err() != nil {
			return
		}
		last, err = o.bus.lastSeq(ctx, streamRuns)
	}
	f.begin(last)
	listed := make(chan struct{})
	go func() {
		defer close(listed)
		o.list(ctx, f, last)
	}()
	in := &feed{bus: o.bus, stream: streamRuns, filter: f.prefix + ">", last: last, handle: f.take}
	in.run(ctx)
	<-listed
}

// list tells of the runs that are there and have not ended, as far as is known: of all
// that began up to the point from which on events come in, or nobody would drive them.
func (o *owning) list(ctx context.Context, f *follower, point uint64) {
	for ctx.Err() == nil {
		err := o.tellAll(ctx, f, point)
		if err == nil {
			return
		}
		o.again(ctx, f, "list the runs of a partition: it is tried again", err)
	}
}

// again tells what failed, and waits before it is tried again.
func (o *owning) again(ctx context.Context, f *follower, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	o.bus.log.Warn(what, "partition", f.part, "err", err) //nolint:sloglint // the callers' messages are constants
	select {
	case <-time.After(leaseTick):
	case <-ctx.Done():
	}
}

func (o *owning) tellAll(ctx context.Context, f *follower, point uint64) error {
	tokens, err := o.bus.runTokens(ctx, f.prefix, point)
	if err != nil {
		return err
	}
	const batch = 1000
	for part := range slices.Chunk(tokens, batch) {
		if err := o.tellOpen(ctx, f, part); err != nil {
			return err
		}
	}
	return nil
}

// tellOpen tells of those runs that have not ended.
func (o *owning) tellOpen(ctx context.Context, f *follower, tokens []string) error {
	runs := make([]string, 0, len(tokens))
	for _, t := range tokens {
		if run, err := name(t); err == nil {
			runs = append(runs, run)
		}
	}
	var over map[string]bool
	if o.over != nil {
		var err error
		if over, err = o.over(ctx, runs); err != nil {
			return fmt.Errorf("ask which runs have ended: %w", err)
		}
	}
	for _, run := range runs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !over[run] {
			f.tell(token(run))
		}
	}
	return nil
}

// lastSeq is the sequence of a stream's last message, as its leader knows it.
func (b *Bus) lastSeq(ctx context.Context, stream string) (seq uint64, err error) {
	err = tries(ctx, func(ctx context.Context) error {
		s, err := b.openStream(ctx, stream)
		if err == nil {
			seq = s.CachedInfo().State.LastSeq
		}
		return err
	})
	return seq, err
}

// runTokens lists the runs of a partition that have begun, by their tokens: all that
// did so up to a sequence of the stream at least.
func (b *Bus) runTokens(ctx context.Context, prefix string, least uint64) ([]string, error) {
	subjects, err := b.runSubjects(ctx, prefix+"*"+leafStart, least)
	if err != nil {
		return nil, err
	}
	tokens := make([]string, 0, len(subjects))
	for _, subject := range slices.Sorted(maps.Keys(subjects)) {
		tokens = append(tokens, strings.TrimSuffix(strings.TrimPrefix(subject, prefix), leafStart))
	}
	return tokens, nil
}

// errOwning refuses a second owner in one process.
var errOwning = errors.New("this process owns a share already; a bus has one owner")

// own drives a share of the runs until ctx is done, and then gives it up; see
// [Cluster.Own]. The error is errOwning.
func (j *Journal) own(ctx context.Context, owner engine.Owner, over func(context.Context, []string) (map[string]bool, error)) error {
	if !j.owned.CompareAndSwap(false, true) {
		return errOwning
	}
	defer j.owned.Store(false)
	o := newOwning(j, owner)
	o.over = over
	o.run(ctx)
	return nil
}

// Owned tells which partitions this process drives, for those who look.
func (j *Journal) Owned() []string {
	var all []string
	for n := range j.parts {
		if j.parts[n].Load() != nil {
			all = append(all, strconv.Itoa(n))
		}
	}
	return all
}
