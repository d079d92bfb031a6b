package engine

// stop tells the attempt of an activation to end, now or after a while.
func (o *Running) stop(c *Command) {
	if c.After > 0 {
		activation, rev := c.Activation, c.Rev
		o.setTimer(activation, c.After, func() { o.stopNow(activation, rev, false) })
		if !c.Begin {
			o.stopUnlessRunning(c.Activation, c.Rev)
		}
		return
	}
	o.stopNow(c.Activation, c.Rev, c.Begun)
}

func (o *Running) stopNow(activation string, rev uint64, begun bool) {
	o.attemptsMu.Lock()
	a := o.attempts[activation]
	if a == nil || a.delivery.Rev != rev {
		o.stops[activation] = stopOrder{rev: rev, begun: begun}
		o.attemptsMu.Unlock()
		return
	}
	o.attemptsMu.Unlock()
	a.stop(errStopped)
}

// stopUnlessRunning keeps an attempt from beginning.
func (o *Running) stopUnlessRunning(activation string, rev uint64) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	if o.attempts[activation] == nil {
		o.stops[activation] = stopOrder{rev: rev}
	}
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
func (o *Running) enter(a *attempt) (admission, *TaskError) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	d := a.delivery
	if s, ok := o.stops[d.Activation]; ok && s.rev == d.Rev {
		delete(o.stops, d.Activation)
		switch {
		case s.overdue != nil:
			return overdue, s.overdue
		case s.begun:
			return stoppedBegun, nil
		}
		return stopped, nil
	}
	if here := o.attempts[d.Activation]; here != nil && here.delivery.Rev == d.Rev {
		return double, nil
	}
	if o.held {
		o.parked = append(o.parked, d)
		return parked, nil
	}
	o.attempts[d.Activation] = a
	return admitted, nil
}

func (o *Running) leave(a *attempt) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	if o.attempts[a.delivery.Activation] == a {
		delete(o.attempts, a.delivery.Activation)
	}
}

// stopAll stops every attempt that runs in this process.
func (o *Running) stopAll(cause error) {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	for _, a := range o.attempts {
		a.stop(cause)
	}
}

func (o *Running) leases() []Lease {
	o.attemptsMu.Lock()
	defer o.attemptsMu.Unlock()
	all := make([]Lease, 0, len(o.attempts))
	for _, a := range o.attempts {
		all = append(all, a.lease)
	}
	return all
}
