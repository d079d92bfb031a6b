package engine

import "sync"

// crew is what this process executes of a run, and what it was told of attempts
// that have not begun. It is safe for concurrent use.
type crew struct {
	mu       sync.Mutex // guards what follows; taken after a Running's, or alone
	attempts map[string]*attempt
	stops    map[string]stopOrder // of activations that no worker has yet
	held     bool
	parked   []*Delivery // taken off the queue while the run was held
	users    int         // of a shared backend: attempts that know it
}

// stopOrder keeps an attempt from beginning.
type stopOrder struct {
	rev     uint64 // of its delivery
	begun   bool   // it may have begun in another process
	overdue *TaskError
}

func newCrew() *crew { return &crew{attempts: map[string]*attempt{}, stops: map[string]stopOrder{}} }

// at finds the attempt of an activation that runs here; rev is that of its
// delivery, or the one under which it was sent.
func (c *crew) at(activation string, rev uint64) *attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.attempts[activation]; a != nil && (a.delivery.Rev == rev || a.delivery.Sent == rev) {
		return a
	}
	return nil
}

// stop ends an attempt, or keeps it from beginning.
func (c *crew) stop(activation string, rev uint64, begun bool) {
	c.mu.Lock()
	a := c.attempts[activation]
	if a == nil || a.delivery.Rev != rev {
		c.stops[activation] = stopOrder{rev: rev, begun: begun}
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	a.stop(errStopped)
}

// stopUnlessRunning keeps an attempt from beginning.
func (c *crew) stopUnlessRunning(activation string, rev uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attempts[activation] == nil {
		c.stops[activation] = stopOrder{rev: rev}
	}
}

// hold tells whether attempts may begin, and returns those that were left while
// they might not.
func (c *crew) hold(held bool) (left []*Delivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = held
	if !held {
		left, c.parked = c.parked, nil
	}
	return left
}

// idle tells that nothing runs here.
func (c *crew) idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.attempts) == 0
}

// admission is what becomes of an attempt that a worker is about to begin.
type admission uint8

const (
	admitted     admission = iota
	stopped                // it is to stop before it begins
	stoppedBegun           // likewise, and it may have begun elsewhere
	parked                 // the run is held
	overdue                // it waited too long
	double                 // it runs here already
)

// enter makes an attempt known.
func (c *crew) enter(a *attempt) (admission, *TaskError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := a.delivery
	if s, ok := c.stops[d.Activation]; ok && s.rev == d.Rev {
		delete(c.stops, d.Activation)
		switch {
		case s.overdue != nil:
			return overdue, s.overdue
		case s.begun:
			return stoppedBegun, nil
		}
		return stopped, nil
	}
	if here := c.attempts[d.Activation]; here != nil && here.delivery.Rev == d.Rev {
		return double, nil
	}
	if c.held {
		c.parked = append(c.parked, d)
		return parked, nil
	}
	c.attempts[d.Activation] = a
	return admitted, nil
}

func (c *crew) leave(a *attempt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attempts[a.delivery.Activation] == a {
		delete(c.attempts, a.delivery.Activation)
	}
}

// stopAll stops every attempt that runs here.
func (c *crew) stopAll(cause error) {
	for _, a := range c.all() {
		a.stop(cause)
	}
}

func (c *crew) all() []*attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*attempt, 0, len(c.attempts))
	for _, a := range c.attempts {
		all = append(all, a)
	}
	return all
}
