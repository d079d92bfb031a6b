package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// tickets are what an owner has enqueued, for the workers of its own process: they
// need not read what it knows. It is safe for concurrent use.
type tickets struct {
	mu   sync.Mutex // guards what follows
	held bool
	sent map[string]*Delivery // by activation; each for the first who asks
}

func newTickets() *tickets { return &tickets{sent: map[string]*Delivery{}} }

func (t *tickets) put(ds []*Delivery) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, d := range ds {
		t.sent[d.Activation] = d
	}
}

// take returns what a ticket stands for; nil if that is not known here.
func (t *tickets) take(ticket *Delivery) *Delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.sent[ticket.Activation]
	if d == nil || t.held || d.Sent != ticket.Rev || d.Attempt != ticket.Attempt {
		return nil
	}
	delete(t.sent, ticket.Activation)
	return d
}

func (t *tickets) hold(held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = held
}

// void forgets an activation's ticket: it is to stop, or has ended.
func (t *tickets) void(activation string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sent, activation)
}

// acceptTicket finds out what a ticket stands for; nil: there is nothing to do for
// it here.
func (e *Engine) acceptTicket(lease Lease) *attempt {
	ticket := lease.Delivery()
	again := lease.Delivered() > 1
	for range 3 { // others may claim it meanwhile
		d, how, err := e.redeem(ticket, again)
		switch {
		case err != nil:
			e.refuse(lease, err)
			return nil
		case d == nil: // it has ended, or another attempt is on its way
			_ = lease.Ack(e.ctx)
			return nil
		case how == admitted && e.addLease(lease, d):
			return nil
		}
		a := e.newAttempt(&leases{all: []Lease{lease}}, d, nil, e.join(ticket.Run))
		begun, err := a.prepare(how, lease.Delivered())
		if err != nil {
			e.disband(a)
			e.refuse(lease, err)
			return nil
		}
		if begun {
			return a
		}
		e.disband(a)
		if a.settled.Load() {
			return nil
		}
		again = true
	}
	_ = lease.Nak(e.ctx)
	return nil
}

// refuse hands a ticket back that can't be redeemed just now, or rejects one that
// never will be.
func (e *Engine) refuse(lease Lease, err error) {
	if e.ctx.Err() == nil {
		d := lease.Delivery()
		e.cfg.Logger.Error("redeem a ticket", "run", d.Run, "activation", d.Activation, "err", err)
		if isCorrupt(err) {
			if err = e.reject(e.ctx, lease, err); err == nil {
				return
			}
			e.cfg.Logger.Error("reject a ticket", "run", d.Run, "activation", d.Activation, "err", err)
		}
		pause(e.ctx) // what is wrong lasts longer than a turn
	}
	_ = lease.Nak(context.WithoutCancel(e.ctx))
}

// prepare does what comes before an attempt may begin. It reports false if it is
// not to: then it has been settled, or the activation has gone on meanwhile.
func (a *attempt) prepare(how admission, delivered int) (bool, error) {
	ctx := a.engine.ctx
	switch {
	case how == stopped:
		a.settle(errStopped)
		return false, nil
	case how == parked || a.engine.taking.Err() != nil:
		a.settle(errHandedBack)
		return false, nil
	case delivered > 1 && a.delivery.losses() >= a.engine.cfg.MaxDeliveries:
		return false, a.bury()
	case delivered > 1 && a.delivery.losses() >= suspectAfter && !a.isolate():
		return false, nil
	case (delivered > 1 || a.delivery.claims()) && a.delivery.Fault == nil:
		return a.claim(ctx)
	}
	return true, nil
}

// settle commits how an attempt ended that never began.
func (a *attempt) settle(err error) {
	a.settled.Store(true)
	a.started = time.Time{}
	a.commit(Result{}, err)
}

// bury fails an attempt with which too many workers were lost.
func (a *attempt) bury() error {
	d := a.delivery
	err := &TaskError{
		Kind:    KindWorkerLost,
		Err:     errWorkersLost,
		Message: fmt.Sprintf("task %q: %d workers in turn were lost while they ran it; it may be what ends them", d.Task.ID, d.losses()),
	}
	letter := DeadLetter{
		Run: d.Run, Activation: d.Activation, Task: d.Task.ID, Attempt: d.Attempt, Rev: d.Rev, Delivered: d.losses(),
		Reason: err.Message, Time: time.Now(),
	}
	if buryErr := a.engine.cluster.Bury(a.engine.ctx, letter); buryErr != nil {
		return buryErr
	}
	a.engine.counters.deadLetters.Add(1)
	a.settled.Store(true)
	a.commit(Result{}, err)
	return nil
}

// redeem finds what a ticket stands for; nil if that is nothing any more. It may
// have to stop before it begins, or be parked: its run is held. A ticket that was
// delivered before is looked up as things are now.
func (e *Engine) redeem(ticket *Delivery, again bool) (*Delivery, admission, error) {
	if o := e.running(ticket.Run); o != nil {
		if d := o.tickets.take(ticket); d != nil && !again {
			return d, admitted, nil
		}
		if d, how, ok := o.lookUp(ticket); ok {
			return d, how, nil
		}
	}
	r, err := e.replica(e.ctx, ticket.Run, ticket.Seq)
	switch {
	case errors.Is(err, ErrNotFound): // the run was removed
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err = r.advance(e.ctx, e, ticket.Seq, again); err != nil {
		return nil, 0, err
	}
	d, how := r.run.sentAs(ticket)
	if how == admitted && e.held.since(ticket.Run) > r.run.seq {
		how = parked
	}
	return d, how, nil
}

// lookUp is redeem where the run is driven; false if that is no more.
func (o *Running) lookUp(ticket *Delivery) (d *Delivery, how admission, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ended || o.run.seq < ticket.Seq {
		return nil, 0, false
	}
	d, how = o.run.sentAs(ticket)
	return d, how, true
}

// sentAs is the delivery that a ticket stands for, to be committed after what is
// last on its chain; nil if there is none any more.
func (r *Run) sentAs(ticket *Delivery) (*Delivery, admission) {
	act := r.live[ticket.Activation]
	if act == nil || act.delivery == nil || act.pause != nil || act.retrying || act.attempt != ticket.Attempt || act.delivery.Sent != ticket.Rev {
		return nil, 0
	}
	switch {
	case act.stopping && !act.isRollback() && act.claimed.IsZero():
		return act.delivery, stopped
	case r.held && act.list == nil:
		return act.delivery, parked
	}
	return act.delivery, admitted
}

// fencedBy tells why an attempt is not to go on: errFenced if its activation has gone
// on without it, errLeaseEnds if another has begun the same ticket; nil: it may. A log
// that can't be read says nothing.
func (e *Engine) fencedBy(ctx context.Context, d *Delivery) error {
	r, err := e.replica(ctx, d.Run, d.Seq)
	switch {
	case errors.Is(err, ErrNotFound):
		return errFenced
	case err != nil:
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.advance(ctx, e, d.Seq, true); err != nil {
		return nil
	}
	act := r.run.live[d.Activation]
	switch {
	case act == nil || act.delivery == nil || act.pause != nil || act.retrying || act.attempt != d.Attempt || act.delivery.Sent != d.Sent:
		return errFenced
	case act.rev > d.Rev:
		return errLeaseEnds
	}
	return nil
}

// join finds the crew of a run on a shared backend, for one attempt.
func (e *Engine) join(run string) *crew {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.crews[run]
	if c == nil {
		c = newCrew()
		e.crews[run] = c
	}
	c.users++
	return c
}

// disband lets go of an attempt's crew.
func (e *Engine) disband(a *attempt) {
	if a.owner != nil {
		return
	}
	a.release()
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.crew.users--; a.crew.users == 0 {
		delete(e.crews, a.delivery.Run)
	}
}

// allCrews are those that have attempts in this process.
func (e *Engine) allCrews(open []*Running) []*crew {
	var all []*crew
	if e.cluster == nil {
		for _, o := range open {
			all = append(all, o.crew)
		}
		return all
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range e.crews {
		all = append(all, c)
	}
	return all
}
