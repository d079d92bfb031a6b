package natsbus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// RunsQuery says which runs to list. The zero value is all.
type RunsQuery struct {
	Status engine.Status // "" is any
	Open   bool          // only those that have not ended
	Flow   string        // "" is any
	Since  time.Time     // only those that began since then
	Before string        // where another page ended; "" is the newest
	Limit  int           // of a page; 0 is 100
}

// Runs lists runs, that which changed last first. next continues the list, "" is its
// end. A page may be short, even empty, though there is more: one call reads so much
// and no more. A run that changes meanwhile may be missed, and is never told twice.
// How a run stands is told as it was a moment ago; one that has just begun, or that
// nobody drives yet, is told only where those that have not ended, or go on, are asked
// for. Of what it has read to find runs of a status or a flow, the bus remembers what
// spares it to read that again, 19 MB at most.
func (b *Bus) Runs(ctx context.Context, q RunsQuery) (page []engine.Mark, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	if q.Open || q.Status == engine.StatusRunning || q.Status == engine.StatusPaused {
		return b.openRuns(ctx, q)
	}
	s, err := b.scanIndex(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	for s.more() {
		found, err := s.next(ctx, q.Limit-len(page))
		if err != nil {
			return nil, "", fmt.Errorf("list runs: %w", err)
		}
		for _, e := range found {
			if e.time.Before(q.Since) {
				return page, "", nil // what began since then changed since then
			}
			m, err := e.mark()
			if err != nil {
				return nil, "", fmt.Errorf("list runs: %w", err)
			}
			if !q.wants(m) {
				continue
			}
			if page = append(page, m); len(page) == q.Limit {
				return page, strconv.FormatUint(e.seq, 10), nil
			}
		}
	}
	if s.at > 0 {
		next = strconv.FormatUint(s.at+1, 10)
	}
	return page, next, nil
}

func (q *RunsQuery) wants(m engine.Mark) bool {
	return (q.Status == "" || m.Status == q.Status) && (!q.Open || m.Ended.IsZero()) && (q.Flow == "" || m.Flow == q.Flow) && !m.Started.Before(q.Since)
}

// indexEnd is the sequence from which to read backwards; 0 is an empty index.
func (b *Bus) indexEnd(ctx context.Context, before string) (uint64, error) {
	if before != "" {
		seq, err := strconv.ParseUint(before, 10, 64)
		if err != nil || seq == 0 {
			return 0, fmt.Errorf("%q is not where a page ended", before)
		}
		return seq - 1, nil
	}
	// Not the last of the namespace: the server would look at every subject for it.
	return b.lastSeq(ctx, streamIndex)
}

// indexGap leaps over what was replaced or dropped: it returns the sequence of the
// last entry up to end, or one a little after it; 0 is none.
func (b *Bus) indexGap(ctx context.Context, end uint64) (uint64, error) {
	from, there := end, false
	for step := uint64(indexBatch); !there; step *= 4 {
		if from == 1 {
			return 0, nil
		}
		from = max(1, end-min(step, end-1))
		at, err := b.indexFrom(ctx, from)
		if err != nil {
			return 0, err
		}
		if there = at > 0 && at <= end; there {
			from = at
		}
	}
	for until := end; ; { // the last one is in from..until
		if until-from < indexBatch {
			return until, nil
		}
		middle := from + (until-from)/2
		at, err := b.indexFrom(ctx, middle)
		if err != nil {
			return 0, err
		}
		if at > 0 && at <= end {
			from = at
		} else {
			until = middle - 1
		}
	}
}

// indexFrom is the sequence of the first entry from a sequence on; 0 is none.
func (b *Bus) indexFrom(ctx context.Context, seq uint64) (uint64, error) {
	found, err := b.pick(ctx, streamIndex, []wanted{{Seq: seq, Next: b.indexPrefix() + "*"}})
	if err != nil || found[0] == nil {
		return 0, err
	}
	return found[0].seq, nil
}
