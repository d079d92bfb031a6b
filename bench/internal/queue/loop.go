package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// loop is a closed one: each caller does one after the other, and begins the next only
// once it knows that the one before is completed.
type loop struct {
	callers int
	span    time.Duration // nothing begins after it,
	least   int           // but each caller does so many, however long they take
}

// laps are what a loop did.
type laps struct {
	times measure.Times // each from before the call until it returned
	took  time.Duration // all of them
}

// add adds one of those that come one after the other.
func (l *laps) add(took time.Duration) {
	l.times = append(l.times, took)
	l.took += took
}

// run does one over and over. An error of one ends all.
func (l loop) run(ctx context.Context, one func(context.Context) error) (laps, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	times := make([]measure.Times, l.callers)
	var all sync.WaitGroup
	begin := time.Now()
	for i := range l.callers {
		all.Go(func() {
			for n := 0; ctx.Err() == nil && (n < l.least || time.Since(begin) < l.span); n++ {
				start := time.Now()
				if err := one(ctx); err != nil {
					cancel(err)
					return
				}
				times[i] = append(times[i], time.Since(start))
			}
		})
	}
	all.Wait()
	did := laps{took: time.Since(begin)}
	for _, t := range times {
		did.times = append(did.times, t...)
	}
	return did, context.Cause(ctx)
}

// flood submits jobs while workers run, as many calls at the same time as there are
// callers, none of which waits for its job: at most n jobs, and none after span. It
// takes until the last is completed.
func (l load) flood(ctx context.Context, callers, n int, span time.Duration) (did int, took time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil && time.Since(begin) < span && next.Add(1) <= int64(n) {
				job, _ := l.ledger.expect(1)
				if err := l.system.Submit(ctx, job); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, 0, err
	}
	_, reached := l.ledger.expect(0)
	err = l.settle(ctx, reached)
	return min(int(next.Load()), n), time.Since(begin), err
}

// inOrder is an error unless so many jobs from first on began one after the other.
func (l *ledger) inOrder(first Job, steps int) error {
	began := l.since(first)[:steps]
	for i, step := range began {
		if step.IsZero() {
			return fmt.Errorf("of a chain from job %d on, step %d never ran", first, i+1)
		}
		if i > 0 && step.Before(began[i-1]) {
			return fmt.Errorf("of a chain from job %d on, step %d began before step %d", first, i+1, i)
		}
	}
	return nil
}

var errJoin = errors.New("the join of a fan ran before all of its members")

// joined is an error unless the members of a fan began after its first job, and the
// join after all of them.
func (l *ledger) joined(first Job, width int) error {
	began := l.since(first)[:width+2]
	for _, member := range began[1 : width+1] {
		if member.Before(began[0]) { // also one that never ran
			return fmt.Errorf("a member of the fan of job %d began before it, or never", first)
		}
		if began[width+1].Before(member) {
			return fmt.Errorf("%w: job %d", errJoin, first)
		}
	}
	return nil
}
