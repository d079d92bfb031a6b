package sim

import (
	"fmt"
	"slices"
	"testing/synctest"
	"time"
)

// deed is what a step may do.
type deed struct {
	what string
	do   func()
}

// ordinary are the calls that can go on, oldest first, and what is due.
func (w *world) ordinary() []deed {
	var all []deed
	for _, c := range w.calls(nil) {
		all = append(all, deed{c.name(), func() { w.let(c) }})
	}
	for _, t := range w.pending() {
		if !t.due.After(time.Now()) {
			all = append(all, w.fire(t))
		}
	}
	if d, ok := w.keepUp(); ok {
		all = append(all, d)
	}
	if w.heldHere() && len(all) == 0 && w.step >= w.c.Weather.Chaos && w.running() != nil {
		all = append(all, deed{"release", w.release})
	}
	return all
}

// keepUp keeps the present process at the run.
func (w *world) keepUp() (deed, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.cur
	switch {
	case p.dead:
		return deed{"boot", func() { w.boot().open() }}, true
	case p.ready && p.err != nil:
		return deed{fmt.Sprintf("%s gave up (%v): open again", p.name, p.err), p.open}, true
	case p.ready && !p.waiting && p.outcome == nil && w.worthWaiting():
		return deed{p.name + " wait", p.wait}, true
	}
	return deed{}, false
}

// worthWaiting keeps a paused run from being waited for in a loop. The caller
// holds mu.
func (w *world) worthWaiting() bool {
	select {
	case <-w.cur.running.Done():
		return true
	default:
		return w.cur.idle != w.events()
	}
}

// pending are the timers that may fire, the next first.
func (w *world) pending() []*timer {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timers = slices.DeleteFunc(w.timers, func(t *timer) bool { return t.stopped || t.proc.dead })
	all := slices.DeleteFunc(slices.Clone(w.timers), func(t *timer) bool { return t.proc.frozen })
	slices.SortStableFunc(all, func(a, b *timer) int { return a.due.Compare(b.due) })
	return all
}

// fire lets the clock reach a timer and starts what it is for.
func (w *world) fire(t *timer) deed {
	return deed{fmt.Sprintf("%s timer %d", t.proc.name, t.number), func() {
		time.Sleep(time.Until(t.due))
		w.mu.Lock()
		t.stopped = true
		w.mu.Unlock()
		go t.f()
	}}
}

// idle are the things that happen when all calls wait for something else.
func (w *world) idle() []deed {
	var all []deed
	add := func(d deed) { all = append(all, d) }
	if n := len(w.flying); n > 0 {
		add(deed{"append arrives late", w.land})
	}
	w.mu.Lock()
	hanging := slices.ContainsFunc(w.parked, func(c *call) bool { return c.op == opHandle && !c.proc.frozen })
	w.mu.Unlock()
	if hanging {
		add(deed{"5s pass", func() { time.Sleep(5 * time.Second) }})
	}
	for _, t := range w.pending() {
		add(w.fire(t))
	}
	for _, h := range w.heldItems() {
		add(deed{"lease of " + h.it.delivery.Activation + " ends", func() { h.q.expire(h.it) }})
	}
	if len(all) > 0 {
		return all
	}
	for _, p := range w.procs {
		if p.frozen {
			add(deed{p.name + " goes on", func() { p.frozen = false }})
		}
	}
	if w.heldHere() && w.running() != nil {
		add(deed{"release", w.release})
	}
	for _, name := range w.model.questions() {
		add(deed{"answer " + name, func() { w.resume(name, answerTo(name)) }})
	}
	return all
}

// heldHere tells that the run is held, or that the process thinks so.
func (w *world) heldHere() bool { return w.model.held || w.cur.idle == w.events() && !w.model.paused() }

// heldItem is a delivery whose lease may end.
type heldItem struct {
	q  *queue
	it *item
}

func (w *world) heldItems() []heldItem {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []heldItem
	seen := map[*queue]bool{}
	for _, p := range w.procs {
		if seen[p.queue] || p.dead && p.queue != w.shared {
			continue
		}
		seen[p.queue] = true
		for _, it := range p.queue.held {
			all = append(all, heldItem{p.queue, it})
		}
	}
	return all
}

// settle lets what is still on its way come, after the run's end.
func (w *world) settle() {
	for range 60 {
		w.step++
		synctest.Wait()
		w.takeIn()
		do := w.ordinary()
		if len(w.flying) > 0 {
			do = append(do, deed{"append arrives late", w.land})
		}
		if len(do) == 0 || w.broken != nil {
			break
		}
		w.say(do[0].what)
		do[0].do()
	}
	synctest.Wait()
	w.checkEnd()
}

// end ends all processes.
func (w *world) end() {
	for _, p := range w.procs {
		if !p.dead {
			w.crash(p)
		}
	}
	synctest.Wait()
}

// standing tells how the run stands, for a message.
func (w *world) standing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var waiting []string
	for _, c := range w.parked {
		if c.op != opReceive {
			waiting = append(waiting, c.name())
		}
	}
	return fmt.Sprintf("the model's live activations %s; parked calls %q; %d events; process ready %t, error %v, waiting %t, outcome %v",
		w.model.liveNames(), waiting, w.events(), w.cur.ready, w.cur.err, w.cur.waiting, w.cur.outcome)
}
