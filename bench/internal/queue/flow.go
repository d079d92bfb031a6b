package queue

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
)

// Flows is a [System] that runs jobs that belong together too, with its own means or,
// where it has none, with what its users write by hand. While its methods are called
// workers run. All but Watch are used by several goroutines at the same time.
type Flows interface {
	System
	// Watch makes the methods below possible, at whatever cost, until stop is called.
	// Workers begin after it and end before stop.
	Watch(ctx context.Context) (stop func() error, err error)
	// Run submits a job and returns once it's known to be completed in the queue.
	Run(ctx context.Context, job Job) error
	// Chain runs so many jobs one after the other, first, first+1, …, and returns once
	// the last is known to be completed.
	Chain(ctx context.Context, first Job, steps int) error
	// FanOut runs the job first, then width jobs at the same time, first+1, …, and once
	// all of them are done first+width+1. It returns once that is known to be completed.
	FanOut(ctx context.Context, first Job, width int) error
}

// shape is what a step is part of.
type shape uint8

const (
	single shape = iota
	chain
	fan
)

// step is a job that knows what comes after it: what systems that know only jobs are
// given.
type step struct {
	First Job    `json:"first"`
	Index uint32 `json:"index"`
	Of    uint32 `json:"of"` // steps of a chain, width of a fan
	Shape shape  `json:"shape"`
}

func (s step) job() Job { return s.First + Job(s.Index) }

// at is another step of the same flow.
func (s step) at(index uint32) step {
	s.Index = index
	return s
}

// last tells whether nothing comes after it.
func (s step) last() bool {
	switch s.Shape {
	case chain:
		return s.Index == s.Of-1
	case fan:
		return s.Index == s.Of+1
	}
	return true
}

// spreads tells whether all members of a fan come after it.
func (s step) spreads() bool { return s.Shape == fan && s.Index == 0 }

// arrives tells whether the join comes after it, if it's the last of its members.
func (s step) arrives() bool { return s.Shape == fan && s.Index > 0 && s.Index <= s.Of }

const stepSize = 13

func (s step) bytes() []byte {
	b := make([]byte, 0, stepSize)
	for _, n := range []uint32{uint32(s.First), s.Index, s.Of} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, byte(s.Shape))
}

func parseStep(b []byte) (step, error) {
	if len(b) != stepSize {
		return step{}, fmt.Errorf("a job of %d bytes, want %d", len(b), stepSize)
	}
	n := binary.BigEndian.Uint32
	return step{First: Job(n(b)), Index: n(b[4:]), Of: n(b[8:]), Shape: shape(b[12])}, nil
}

// byHand is a system that knows single jobs only.
type byHand interface {
	// send submits one step.
	send(ctx context.Context, s step) error
	// spread submits all members of s's fan.
	spread(ctx context.Context, s step) error
	// arrive counts a member and tells whether it's the last.
	arrive(ctx context.Context, s step) (last bool, err error)
}

// execute runs a step and submits what comes after it. It's done again if the process
// dies before the queue knows that the step is completed, and so is what comes after.
func execute(ctx context.Context, on byHand, s step, handle func(Job)) error {
	handle(s.job())
	switch {
	case s.last():
		return nil
	case s.spreads():
		return on.spread(ctx, s)
	case s.arrives():
		if last, err := on.arrive(ctx, s); err != nil || !last {
			return err
		}
		return on.send(ctx, s.at(s.Of+1))
	}
	return on.send(ctx, s.at(s.Index+1))
}

// waiters are those who want to know that a job is completed.
type waiters struct {
	mu sync.Mutex // guards of
	of map[Job]chan struct{}
}

// expect is to be called before the job is submitted; wait blocks until completed is.
func (w *waiters) expect(job Job) (wait func(context.Context) error) {
	ch := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.of == nil {
		w.of = map[Job]chan struct{}{}
	}
	w.of[job] = ch
	return func(ctx context.Context) error {
		select {
		case <-ch:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("job %d is not completed: %w", job, context.Cause(ctx))
		}
	}
}

// wanted tells whether somebody waits for the job.
func (w *waiters) wanted(job Job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.of[job] != nil
}

// completed lets go on who waits for the job.
func (w *waiters) completed(job Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.of[job]; ch != nil {
		close(ch)
		delete(w.of, job)
	}
}

// through submits s and waits until the job last is completed.
func (w *waiters) through(ctx context.Context, on byHand, s step, last Job) error {
	wait := w.expect(last)
	if err := on.send(ctx, s); err != nil {
		return err
	}
	return wait(ctx)
}

// handFlows are the methods of [Flows] for a system that knows single jobs only.
type handFlows struct {
	waiters
	on byHand
}

// Run implements [Flows].
func (f *handFlows) Run(ctx context.Context, job Job) error {
	return f.through(ctx, f.on, step{First: job}, job)
}

// Chain implements [Flows].
func (f *handFlows) Chain(ctx context.Context, first Job, steps int) error {
	return f.through(ctx, f.on, step{First: first, Of: uint32(steps), Shape: chain}, first+Job(steps)-1)
}

// FanOut implements [Flows].
func (f *handFlows) FanOut(ctx context.Context, first Job, width int) error {
	return f.through(ctx, f.on, step{First: first, Of: uint32(width), Shape: fan}, first+Job(width)+1)
}
