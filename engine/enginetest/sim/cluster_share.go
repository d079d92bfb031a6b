package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// hintAfter is the time until a process hears of an event: not before it sees it.
func (w *cluster) hintAfter(n *node, run string, seq uint64) time.Duration {
	key := fmt.Sprintf("hint %s %s %d", n.name, run, seq)
	d := w.lag(n, seq) + w.hop(key)
	if !w.calm && w.c.has(troubleHintLate) && w.dice.chance(w.c.Rate, "late "+key) {
		d += w.dice.span(5*time.Second, "span "+key)
		w.strike(troubleHintLate, key)
	}
	return d
}

// hint tells owners and watchers that a log has grown. The caller holds mu.
func (w *cluster) hint(run string, seq uint64) {
	if w.owners[run] == nil {
		w.assign(run, w.anOwner(run, nil))
	}
	for _, n := range w.nodes {
		if !n.dead && (n.owns() || len(n.watches) > 0) {
			w.after(w.hintAfter(n, run, seq), func() { n.moved(run) })
		}
	}
}

// moved tells a process of a run that it drives or watches.
func (n *node) moved(run string) {
	if n.awake("moved "+run) != nil {
		return
	}
	n.w.mu.Lock()
	var all []func()
	if n.owner != nil && n.shares[run] {
		o := n.owner
		all = append(all, func() { o.Moved(run) })
	}
	for _, x := range n.watches {
		if x.run == run {
			all = append(all, x.moved)
		}
	}
	n.w.mu.Unlock()
	for _, f := range all {
		f()
	}
}

// anOwner finds one for a run; nil if there is none. The caller holds mu.
func (w *cluster) anOwner(run string, but *node) *node {
	var all []*node
	for _, n := range w.nodes {
		if n != but && !n.dead && n.owner != nil && n.thaw == nil {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.dice.roll(len(all), "owner of "+run)]
}

// assign gives a run to an owner; the one before hears of it some time later. The
// caller holds mu.
func (w *cluster) assign(run string, to *node) {
	from := w.owners[run]
	if from == to {
		return
	}
	w.owners[run] = to
	if from != nil && !from.dead {
		late := w.dice.span(5*time.Millisecond, "gone "+run)
		if w.c.has(troubleMove) && !w.calm {
			late = w.dice.span(15*time.Second, "late gone "+run)
		}
		w.after(late, func() { from.lose(run) })
	}
	if to != nil {
		w.sayf("%s is to drive %s", to.name, run)
		w.after(w.hop("given "+run), func() { to.gain(run) })
	}
}

// gain and lose tell an owner of its share.
func (n *node) gain(run string) {
	if n.awake("gain "+run) != nil {
		return
	}
	n.w.mu.Lock()
	mine, o := n.w.owners[run] == n, n.owner
	if mine && o != nil {
		n.shares[run] = true
	}
	n.w.mu.Unlock()
	if mine && o != nil {
		n.w.sayf("%s is told to drive %s", n.name, run)
		o.Moved(run)
	}
}

func (n *node) lose(run string) {
	if n.awake("lose "+run) != nil {
		return
	}
	n.w.mu.Lock()
	lost, o := n.w.owners[run] != n && n.shares[run], n.owner
	if lost {
		delete(n.shares, run)
	}
	n.w.mu.Unlock()
	if lost && o != nil {
		n.w.sayf("%s is told that %s is gone", n.name, run)
		o.Gone(run)
	}
}

// reassign gives a process's runs to others.
func (w *cluster) reassign(n *node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.books {
		if w.owners[b.run] == n {
			w.assign(b.run, w.anOwner(b.run, n))
		}
	}
}

// Own implements engine.Cluster.
func (f clusterFacade) Own(ctx context.Context, o engine.Owner) error {
	w := f.w
	if err := f.call("own"); err != nil {
		return err
	}
	w.mu.Lock()
	f.owner = o
	for _, b := range w.books {
		if w.owners[b.run] == nil && len(b.events) > 0 {
			w.assign(b.run, f.node)
		}
	}
	w.mu.Unlock()
	<-ctx.Done()
	w.mu.Lock()
	f.owner = nil
	clear(f.shares)
	died := f.dead
	w.mu.Unlock()
	if !died { // else others find out in time
		w.after(w.hop("disown"), func() { w.reassign(f.node) })
	}
	return nil
}

// Mark implements engine.Cluster.
func (f clusterFacade) Mark(_ context.Context, m engine.Mark) error {
	key := "mark " + m.Run + string(m.Status)
	if err := f.call(key); err != nil {
		return err
	}
	if f.strikes(troubleMarkFails, key) {
		return f.back(key, errStorage)
	}
	f.w.mu.Lock()
	if m.Seq >= f.w.marks[m.Run].Seq { // else it is of an owner that is late
		f.w.marks[m.Run] = m
	}
	f.w.mu.Unlock()
	return f.back(key, nil)
}

// Signal implements engine.Cluster.
func (f clusterFacade) Signal(_ context.Context, s engine.Signal) error {
	w := f.w
	key := fmt.Sprintf("signal %s %s %s rev %d", s.Kind, s.Run, s.Activation, s.Rev)
	if err := f.call(key); err != nil {
		return err
	}
	w.mu.Lock()
	nodes := slices.Clone(w.nodes)
	w.mu.Unlock()
	w.sayf("%s %s", f.name, key)
	for _, n := range nodes {
		d := w.hop(n.name + key)
		switch {
		case n.strikes(troubleSignalLost, key):
			continue
		case n.strikes(troubleSignalUnheard, key):
			w.after(d, func() { n.signaled(nil) })
			continue
		case n.strikes(troubleSignalLate, key):
			d = w.dice.span(10*time.Second, "late "+n.name+key)
		}
		w.after(d, func() { n.signaled(&s) })
	}
	return nil
}

func (n *node) signaled(s *engine.Signal) {
	if n.awake(fmt.Sprint("signaled ", s)) != nil {
		return
	}
	n.w.mu.Lock()
	hear, unheard := n.hear, n.unheard
	n.w.mu.Unlock()
	switch {
	case hear == nil:
	case s == nil:
		unheard()
	default:
		hear(*s)
	}
}

// Signals implements engine.Cluster.
func (f clusterFacade) Signals(ctx context.Context, hear func(engine.Signal), lost func()) error {
	f.w.mu.Lock()
	f.hear, f.unheard = hear, lost
	f.w.mu.Unlock()
	<-ctx.Done()
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.hear = nil
	return nil
}

// Watch implements engine.Cluster.
func (f clusterFacade) Watch(ctx context.Context, run string, moved func()) error {
	f.w.mu.Lock()
	f.watching++
	id := f.watching
	f.watches[id] = watch{run, moved}
	f.w.mu.Unlock()
	moved()
	<-ctx.Done()
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	delete(f.watches, id)
	return nil
}

// Bury implements engine.Cluster.
func (f clusterFacade) Bury(_ context.Context, l engine.DeadLetter) error {
	key := "bury " + l.Run + l.Activation
	if err := f.call(key); err != nil {
		return err
	}
	if f.strikes(troubleBuryFails, key) {
		return f.back(key, errStorage)
	}
	f.w.mu.Lock()
	f.w.book(l.Run).buried[attemptKey(l.Activation, l.Attempt)] = l
	f.w.mu.Unlock()
	return f.back(key, nil)
}

// Tell implements engine.Cluster.
func (f clusterFacade) Tell(engine.Notice) {}
