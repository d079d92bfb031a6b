package queue

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// load puts jobs on one system, and knows them.
type load struct {
	system System
	scale  Scale
	ledger *ledger
}

// steady submits n jobs at a steady pace, whether or not the ones before have been
// answered for, to workers that are idle. The times are from before a job is
// submitted until it begins.
func (l load) steady(ctx context.Context, n int) (measure.Times, error) {
	first, reached := l.ledger.expect(n)
	stop, err := l.system.Work(ctx, l.scale.Concurrency, l.ledger.run)
	if err != nil {
		return nil, err
	}
	submitted, err := l.pace(ctx, first, n)
	if err == nil {
		err = l.settle(ctx, reached)
	}
	if err = errors.Join(err, ending(ctx, stop)); err != nil {
		return nil, err
	}
	times := make(measure.Times, n)
	for i, began := range l.ledger.since(first) {
		times[i] = began.Sub(submitted[i])
	}
	return times, nil
}

// pace submits n jobs and says when it did so, before each call.
func (l load) pace(ctx context.Context, first Job, n int) ([]time.Time, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	submitted := make([]time.Time, n)
	var all sync.WaitGroup
	begin := time.Now()
	for i := range n {
		sleep(ctx, time.Until(begin.Add(time.Duration(i)*time.Second/time.Duration(l.scale.Pace))))
		all.Go(func() {
			submitted[i] = time.Now()
			if err := l.system.Submit(ctx, first+Job(i)); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return submitted, context.Cause(ctx)
}

// flow submits n jobs while workers run; it takes until the last is completed.
func (l load) flow(ctx context.Context, n int) (time.Duration, error) {
	first, reached := l.ledger.expect(n)
	stop, err := l.system.Work(ctx, l.scale.Concurrency, l.ledger.run)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	err = l.submit(ctx, first, n)
	if err == nil {
		err = l.settle(ctx, reached)
	}
	took := time.Since(begin)
	return took, errors.Join(err, ending(ctx, stop))
}

// backlog submits n jobs, and only then starts workers, which takes part in the
// time until the last is completed.
func (l load) backlog(ctx context.Context, n int) (submit, drain time.Duration, err error) {
	first, reached := l.ledger.expect(n)
	begin := time.Now()
	if err := l.submit(ctx, first, n); err != nil {
		return 0, 0, err
	}
	submit = time.Since(begin)
	begin = time.Now()
	stop, err := l.system.Work(ctx, l.scale.Concurrency, l.ledger.run)
	if err != nil {
		return 0, 0, err
	}
	err = l.settle(ctx, reached)
	drain = time.Since(begin)
	return submit, drain, errors.Join(err, ending(ctx, stop))
}

// submit submits jobs one by one, as many at the same time as there are workers.
func (l load) submit(ctx context.Context, first Job, n int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var all sync.WaitGroup
	for range l.scale.Concurrency {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				if err := l.system.Submit(ctx, first+Job(i)); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// settle waits until the queue says that all jobs are completed. To ask costs it
// something, so that it is asked often only once all have run, and before that to
// learn that one never will.
func (l load) settle(ctx context.Context, reached <-chan struct{}) error {
	pause := time.Second
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-reached:
			reached, pause = nil, time.Millisecond
		case <-time.After(pause):
		}
		if n, err := l.system.Unfinished(ctx); err != nil || n == 0 {
			return err
		}
	}
}

// ending stops workers even if ctx is done, but not for ever.
func ending(ctx context.Context, stop func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return stop(ctx)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
