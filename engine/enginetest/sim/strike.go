package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// strike lets a fault happen; false if there is nothing that it can happen to.
func (w *world) strike(f Fault, pick int) bool {
	var targets []deed
	switch f {
	case AppendFails:
		targets = w.failing(opAppend, func(c *call) error { return errStorage })
	case AppendLies:
		targets = w.failing(opAppend, lie)
	case ReadFails:
		targets = w.failing(opRead, func(c *call) error { return errStorage })
	case ShortRead:
		targets = w.failing(opRead, func(c *call) error {
			w.short = true
			err := c.do()
			w.short = false
			return err
		})
	case EnqueueFails:
		targets = w.failing(opEnqueue, func(c *call) error { return errStorage })
	case EnqueueLies:
		targets = w.failing(opEnqueue, lie)
	case AckLost:
		targets = w.failing(opAck, func(c *call) error { return errStorage })
	case AckForgotten:
		targets = w.failing(opAck, func(c *call) error { return nil })
	case Stubborn:
		targets = w.failing(opHandle, func(c *call) error { return errStubborn })
	case Duplicate, Late, LeaseLost:
		targets = w.misdeliveries(f)
	case TimerNow, ClockJump:
		targets = w.jumps(f)
	case Crash, CrashInFlight, Move, Freeze, Thaw:
		targets = w.deaths(f)
	default:
		targets = w.visits(f)
	}
	if len(targets) == 0 {
		return false
	}
	d := targets[pick%len(targets)]
	w.say(f.String() + ": " + d.what)
	d.do()
	return true
}

func lie(c *call) error {
	if err := c.do(); err != nil {
		return err
	}
	return errStorage
}

func (w *world) failing(o op, result func(*call) error) []deed {
	var all []deed
	for _, c := range w.calls(isOp(o)) {
		all = append(all, deed{c.name(), func() { w.answer(c, result(c)) }})
	}
	return all
}

func (w *world) misdeliveries(f Fault) []deed {
	var all []deed
	q := w.cur.queue
	switch f {
	case Duplicate:
		for _, it := range slices.Concat(q.ready, q.held) {
			all = append(all, deed{it.delivery.Activation, func() {
				q.enqueued++
				q.ready = append([]*item{{delivery: it.delivery, number: q.enqueued}}, q.ready...)
			}})
		}
	case Late:
		for _, c := range w.calls(isOp(opReceive)) {
			for i := 1; i < len(q.ready); i++ {
				all = append(all, deed{q.ready[0].delivery.Activation, func() {
					w.takes = taking(i)
					w.let(c)
				}})
			}
			break //nolint:staticcheck // receivers are alike
		}
	case LeaseLost:
		for _, h := range w.heldItems() {
			all = append(all, deed{h.it.delivery.Activation, func() { h.q.expire(h.it) }})
		}
	}
	return all
}

func (w *world) jumps(f Fault) []deed {
	var all []deed
	if f == TimerNow {
		for _, t := range w.pending() {
			all = append(all, w.fire(t))
		}
		return all
	}
	for _, d := range []time.Duration{50 * time.Millisecond, time.Second, 10 * time.Second, time.Minute, time.Hour} {
		all = append(all, deed{d.String(), func() { time.Sleep(d) }})
	}
	return all
}

// maxProcesses bounds how often a run moves.
const maxProcesses = 6

func (w *world) deaths(f Fault) []deed {
	p := w.cur
	if f == Thaw {
		var all []deed
		for _, p := range w.procs {
			if p.frozen {
				all = append(all, deed{p.name, func() { p.frozen = false }})
			}
		}
		return all
	}
	if p.dead || len(w.procs) >= maxProcesses {
		return nil
	}
	switch f {
	case CrashInFlight:
		return []deed{{p.name, func() { w.fly(p); w.crash(p) }}}
	case Move:
		if w.events() < 2 || w.next != "" || w.model.ended || len(w.flying) > 0 {
			return nil
		}
		return []deed{{p.name, func() {
			w.crash(p)
			w.next = fmt.Sprintf("r-%d", len(w.starts)+2)
		}}}
	case Freeze:
		if w.shared == nil || w.events() == 0 {
			return nil
		}
		return []deed{{p.name, func() { p.frozen = true; w.boot().open() }}}
	}
	return []deed{{p.name, func() { w.crash(p) }}}
}

// fly lets a dying process's appends have their effect: decisions now, commits
// perhaps much later.
func (w *world) fly(p *process) {
	for _, c := range w.calls(isOp(opAppend)) {
		switch {
		case c.proc != p:
		case c.commits:
			w.flying = append(w.flying, c)
		default:
			_ = c.do() // nobody hears of it
		}
	}
}

// land lets the first of them arrive.
func (w *world) land() {
	c := w.flying[0]
	w.flying = w.flying[1:]
	_ = c.do() // nobody hears of it
}

// visits are what somebody does from outside.
func (w *world) visits(f Fault) []deed {
	if w.running() == nil {
		return nil
	}
	switch f {
	case Cancel:
		if w.canceled {
			return nil
		}
		return []deed{{"the run", func() {
			w.canceled = true
			w.outside(func(r *engine.Running) error { return r.Cancel("from outside") })
		}}}
	case Hold:
		return []deed{{"the run", w.hold}}
	case Release:
		return []deed{{"the run", w.release}}
	case Answer:
		var all []deed
		for _, name := range w.model.questions() {
			all = append(all, deed{name, func() { w.resume(name, answerTo(name)) }})
		}
		return all
	}
	if f == Look {
		return []deed{{"the run", w.look}}
	}
	return []deed{{"nothing", func() { w.resume("nothing", answerTo("nothing")) }}}
}
