package sim

import (
	"cmp"
	"errors"
	"slices"
)

// op is what a goroutine of an engine waits to be let do.
type op uint8

const (
	opAppend op = iota
	opRead
	opEnqueue
	opReceive
	opAck
	opHandle
)

var opNames = [...]string{"append", "read", "enqueue", "receive", "ack", "handle"}

var (
	errCrashed = errors.New("simulated: the process has died")
	errStorage = errors.New("simulated: storage failed")
	// errWithdrawn ends a call that its caller does not wait for any more.
	errWithdrawn = errors.New("simulated: the caller has gone")
)

// call is a call of an engine to the world, with its goroutine parked.
type call struct {
	op   op
	key  string // tells it from others, the same in each play of a seed
	proc *process
	// do has the effect, in the scheduler's goroutine, and returns the error
	// for the caller.
	do func() error
	// ready tells whether it can be let go; nil is always. The scheduler asks.
	ready func() bool
	reply chan error
	// commits tells that an append is a worker's.
	commits bool
	age     int // the step in which it was seen first
}

func (c *call) name() string { return c.proc.name + " " + opNames[c.op] + " " + c.key }

// park waits until the scheduler lets the call go. A call of a process that has
// died fails.
func (p *process) park(c *call) error { return p.parkUntil(nil, c) }

// parkUntil is park for a call that ends early, with errWithdrawn, when done is
// closed.
func (p *process) parkUntil(done <-chan struct{}, c *call) error {
	w := p.world
	c.proc, c.reply = p, make(chan error, 1)
	w.mu.Lock()
	if p.dead {
		w.mu.Unlock()
		return errCrashed
	}
	w.arrived = append(w.arrived, c)
	w.mu.Unlock()
	select {
	case err := <-c.reply:
		return err
	case <-done:
		w.mu.Lock()
		defer w.mu.Unlock()
		gone := func(x *call) bool { return x == c }
		w.arrived = slices.DeleteFunc(w.arrived, gone)
		w.parked = slices.DeleteFunc(w.parked, gone)
		return errWithdrawn
	}
}

// takeIn takes in the calls that came since the last step, in an order that does
// not depend on which goroutine was first.
func (w *world) takeIn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.arrived, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.proc.number, b.proc.number), cmp.Compare(a.op, b.op), cmp.Compare(a.key, b.key))
	})
	for _, c := range w.arrived {
		c.age = w.step
	}
	w.parked = append(w.parked, w.arrived...)
	w.arrived = w.arrived[:0]
}

// let lets a call go, with its effect.
func (w *world) let(c *call) { w.answer(c, c.do()) }

// answer ends a call with an error, or nil, and without effect.
func (w *world) answer(c *call, err error) {
	w.mu.Lock()
	w.parked = slices.DeleteFunc(w.parked, func(x *call) bool { return x == c })
	w.mu.Unlock()
	c.reply <- err
}

// calls are the parked ones that match, oldest first.
func (w *world) calls(match func(*call) bool) []*call {
	w.mu.Lock()
	parked := slices.Clone(w.parked)
	w.mu.Unlock()
	return slices.DeleteFunc(parked, func(c *call) bool {
		return c.proc.frozen || c.ready != nil && !c.ready() || match != nil && !match(c)
	})
}

func isOp(o op) func(*call) bool { return func(c *call) bool { return c.op == o } }
