package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// maxClusterNodes bounds how many processes come.
const maxClusterNodes = 12

// chaos lets things happen to processes and runs, until its time is over.
func (w *cluster) chaos() {
	kinds := slices.DeleteFunc(slices.Clone(nodeTroubles), func(t Trouble) bool { return !w.c.has(t) })
	until := w.began.Add(time.Duration(w.c.Chaos))
	for len(kinds) > 0 && time.Now().Before(until) && !w.isBroken() {
		time.Sleep(w.dice.span(time.Duration(w.c.Gap), "gap of troubles"))
		w.happen(kinds[w.dice.roll(len(kinds), "trouble")])
		w.staff(false)
	}
	time.Sleep(max(0, time.Until(until)))
}

// happen lets one thing happen, if there is what it can happen to.
func (w *cluster) happen(t Trouble) {
	b := w.books[w.dice.roll(len(w.books), "which run")]
	switch t {
	case troubleKill, troubleFreeze, troubleLeave:
		if n := w.pickNode(); n != nil {
			w.count(t, n.name)
			w.befall(n, t)
		}
	case troubleBoot:
		w.mu.Lock()
		many := len(w.nodes) >= maxClusterNodes
		w.mu.Unlock()
		if !many {
			w.count(t, "")
			w.boot(ClusterNode{engine.Part(w.dice.roll(3, "part")), 1 + w.dice.roll(3, "slots")})
		}
	case troubleMove:
		w.mu.Lock()
		if to := w.anOwner(b.run, w.owners[b.run]); to != nil && w.owners[b.run] != nil {
			w.strike(t, b.run+" to "+to.name)
			w.assign(b.run, to)
		}
		w.mu.Unlock()
	default:
		w.count(t, b.run)
		w.wg.Go(func() { b.visit(t) })
	}
}

func (w *cluster) count(t Trouble, what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.strike(t, what)
}

func (w *cluster) befall(n *node, t Trouble) {
	switch t {
	case troubleKill:
		n.kill()
	case troubleLeave:
		w.mu.Lock()
		n.leaving = true
		w.mu.Unlock()
		w.wg.Go(n.leave)
	default:
		n.freeze(w.dice.span(4*clusterLease, "freeze "+n.name))
	}
}

// pickNode is a process that is well, but not the first one: that looks on.
func (w *cluster) pickNode() *node {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []*node
	for _, n := range w.nodes[1:] {
		if !n.dead && !n.leaving && n.thaw == nil {
			all = append(all, n)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.dice.roll(len(all), "which process")]
}

// staff lets processes come in place of those that have gone.
func (w *cluster) staff(all bool) {
	w.mu.Lock()
	owns, works, many := false, false, len(w.nodes) >= maxClusterNodes && !all
	for _, n := range w.nodes {
		owns = owns || !n.dead && !n.leaving && n.owns()
		works = works || !n.dead && !n.leaving && n.works()
	}
	w.mu.Unlock()
	if (!owns || !works) && !many && (all || w.dice.chance(0.3, "staff")) {
		w.boot(ClusterNode{engine.PartBoth, 2})
	}
}

// quiet ends all troubles.
func (w *cluster) quiet() {
	w.mu.Lock()
	w.calm = true
	nodes := slices.Clone(w.nodes)
	w.mu.Unlock()
	for _, n := range nodes {
		n.goOn(nil)
	}
	w.staff(true)
	time.Sleep(time.Second)
	w.mu.Lock()
	for _, b := range w.books {
		if o := w.owners[b.run]; o == nil || o.dead || o.owner == nil {
			w.assign(b.run, w.anOwner(b.run, o))
		}
	}
	w.mu.Unlock()
}

// visit is what somebody does to a run from outside.
func (b *book) visit(t Trouble) {
	if t == troubleRetry {
		b.retry()
		return
	}
	o := b.w.driving(b.run)
	if o == nil {
		return
	}
	switch t {
	case troubleCancel:
		b.done(t, o.Cancel("from outside"), engine.EventCanceled)
	case troubleHold:
		b.done(t, o.Hold("from outside"), engine.EventHeld)
	case troubleRelease:
		b.done(t, o.Release(), engine.EventReleased)
	case troubleAnswer:
		for _, name := range b.questions() {
			b.done(t, o.Resume(name, answerTo(name)), engine.EventAnswered)
		}
	case troubleWrong:
		if err := o.Resume("nothing", answerTo("nothing")); err == nil {
			b.breaks("calls from outside", "an answer to what nobody asks was taken")
		}
	case troubleLook:
		b.look()
	}
}

// retry lets a run go on that has ended, through a process that may own it.
func (b *book) retry() {
	w := b.w
	w.mu.Lock()
	n, over := w.owners[b.run], b.judge.model.ended && b.judge.model.begun
	w.mu.Unlock()
	if n == nil || !over || n.awakeNow() != nil {
		return
	}
	_, err := n.engine.Retry(context.Background(), b.run, engine.RetryFrom{})
	b.done(troubleRetry, err, engine.EventRetried)
}

// look reads the run's history where somebody can.
func (b *book) look() {
	n := b.w.pickNode()
	if n == nil {
		return
	}
	h, err := n.engine.History(context.Background(), b.run)
	switch {
	case err == nil:
		b.checkHistory(h)
	case !usualError(err, engine.ErrNotFound):
		b.breaks("history", "%v", err)
	}
}

// done wants what somebody did to have been done, if it was said to be.
func (b *book) done(t Trouble, err error, event engine.EventType) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.sayf("%s %s: %v", t, b.run, err)
	allowed := []error{engine.ErrNotPaused, engine.ErrNoPause, engine.ErrAnswered, engine.ErrAmbiguous, engine.ErrElsewhere, engine.ErrNotRetryable, engine.ErrNotFound}
	switch {
	case err == nil && !b.seen[event]:
		b.w.breaks("calls from outside", "%s of run %s was said to be done, and its log has no %s", t, b.run, event)
	case err != nil && !usualError(err, allowed...) && !errors.Is(err, context.DeadlineExceeded):
		b.w.breaks("calls from outside", "%s of run %s: %v", t, b.run, err)
	}
}
