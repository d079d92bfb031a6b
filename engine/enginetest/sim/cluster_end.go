package sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// submit begins a run, however often that takes, and waits for its end.
func (b *book) submit(n *node) {
	ctx := context.Background()
	o, err := n.engine.Start(ctx, b.graph, engine.Start{ID: b.run, Input: b.flow.Input})
	for err != nil {
		switch {
		case errors.Is(err, engine.ErrRunExists): // it was stored after all
		case usualError(err, engine.ErrNotFound):
		default:
			b.breaks("submit", "%v", err)
			return
		}
		time.Sleep(time.Second)
		if b.began() {
			o, err = n.engine.Follow(ctx, b.run)
			continue
		}
		o, err = n.engine.Start(ctx, b.graph, engine.Start{ID: b.run, Input: b.flow.Input})
	}
	b.following.Go(func() { b.wait(n, o) })
}

func (b *book) began() bool {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return len(b.events) > 0
}

// wait follows a run to its end.
func (b *book) wait(n *node, o *engine.Running) {
	for {
		out, err := o.Wait(context.Background())
		switch {
		case n.awakeNow() != nil:
			return
		case err == nil && out.Status == engine.StatusPaused:
			select { // until something happens
			case <-time.After(500 * time.Millisecond):
			case <-n.gone:
				return
			}
			continue
		case err == nil:
			b.finished(&out)
			return
		case !usualError(err, engine.ErrNotFound):
			b.breaks("follow", "%v", err)
			return
		}
		b.again(n)
		return
	}
}

// again follows a run anew, from its beginning.
func (b *book) again(n *node) {
	b.w.mu.Lock()
	b.told = nil
	b.w.mu.Unlock()
	for n.awakeNow() == nil {
		time.Sleep(time.Second)
		if o, err := n.engine.Follow(context.Background(), b.run); err == nil {
			b.wait(n, o)
			return
		}
	}
}

// finished takes what a follower was told at the end.
func (b *book) finished(out *engine.Outcome) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if !b.judge.model.ended && b.seen[engine.EventRetried] { // just now
		b.following.Go(func() { b.again(b.w.nodes[0]) })
		return
	}
	b.outcome = out
	b.w.sayf("%s is told to have %s", b.run, out.Status)
	b.judge.guarded("outcome", func() {
		if !b.judge.model.ended {
			breach("outcome", "its follower says that the run has %s, and it has not ended", out.Status)
		}
		if b.judge.model.lax == nil {
			b.judge.model.checkOutcome(out)
		}
	})
	b.blame()
}

// clusterPatience is the time without troubles that a run may take to its end. Its
// tasks sleep, hang and wait for retries up to minutes, one after the other.
const clusterPatience = 4 * time.Hour

// finish sees the runs end, and checks what is left.
func (w *cluster) finish(client *node) {
	for _, b := range w.books {
		b.pauseOnce()
	}
	until := time.Now().Add(clusterPatience)
	for !w.isBroken() {
		left := ""
		for _, b := range w.books {
			if !b.ended() || !b.isTold() {
				left = b.run
				b.help()
			}
		}
		if left == "" {
			break
		}
		if time.Now().After(until) {
			w.mu.Lock()
			w.breaks("progress", "run %s has no end after %s without troubles: told %t; %s", left, clusterPatience, w.book(left).outcome != nil, w.book(left).standing())
			w.mu.Unlock()
		}
		time.Sleep(5 * time.Second)
	}
	if w.isBroken() {
		return
	}
	time.Sleep(3 * clusterLease) // what is on its way comes
	for _, b := range w.books {
		b.checkEnd(client)
	}
}

func (b *book) isTold() bool {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return b.outcome != nil
}

// help does what a run waits for that somebody is to do.
func (b *book) help() {
	b.w.mu.Lock()
	held := b.judge.model.held
	b.w.mu.Unlock()
	if held {
		b.visit(troubleRelease)
	}
	b.visit(troubleAnswer)
}

// pauseOnce holds a run, now and then, and wants it to come to rest.
func (b *book) pauseOnce() {
	w := b.w
	if w.isBroken() || b.ended() || !w.dice.chance(0.3, "hold at last "+b.run) {
		return
	}
	time.Sleep(2 * clusterLease)
	b.visit(troubleHold)
	time.Sleep(6 * time.Minute) // attempts may go on for long, and rollbacks begin
	w.mu.Lock()
	held, ran := b.judge.model.held, w.ran
	w.mu.Unlock()
	if !held {
		return
	}
	o := w.driving(b.run)
	if o == nil || b.ended() {
		return
	}
	if out := o.Outcome(); out.Status != engine.StatusPaused {
		b.breaks("hold", "minutes after it was held the run is %s", out.Status)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err := o.Wait(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case b.judge.model.ended || !b.judge.model.held:
	case err != nil:
		w.breaks("hold", "a run that is held is not at rest: %v; %s", err, b.standing())
	case w.ran != ran && len(w.books) == 1:
		w.breaks("hold", "%d attempts began of a run that was held for minutes", w.ran-ran)
	}
}

// checkEnd is called when a run has ended and nothing is on its way any more.
func (b *book) checkEnd(client *node) {
	h, err := client.engine.History(context.Background(), b.run)
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	if err != nil {
		b.w.breaks("history", "%v", err)
		return
	}
	b.judge.cur = &process{outcome: b.outcome}
	b.judge.checkEnd()
	b.judge.checkHistory(h)
	b.blame()
	if a, c := encode(h.Outcome), encode(*b.outcome); plain([]byte(a)) != plain([]byte(c)) {
		b.w.breaks("follow", "the outcome of the history is %s, that which was told %s", a, c)
	}
	if was, is := notices(b.told), notices(h.Notices); was != is {
		b.w.breaks("follow", "its follower was told\n%s\nthe history tells\n%s", was, is)
	}
	if m := b.w.marks[b.run]; m.Status != b.outcome.Status || m.Ended.IsZero() {
		b.w.breaks("marks", "run %s is marked as %+v, and has %s", b.run, m, b.outcome.Status)
	}
	for _, t := range b.w.queue.all {
		if t.delivery.Run == b.run {
			b.w.breaks("queue", "a ticket is left of the run: %s", b.standing())
		}
	}
	if b.w.struck == 0 {
		for key, n := range b.ran {
			if n > 1 {
				b.w.breaks("executions", "%s began %d times, and nothing went wrong", key, n)
			}
		}
	}
}

// notices are lines for comparison, up to the run's end: what comes later does not
// count, and nobody waits for it.
func notices(all []engine.Notice) string {
	var s strings.Builder
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].Type == engine.NoticeRunFinished {
			all = all[:i+1]
			break
		}
	}
	for _, n := range all {
		fmt.Fprintf(&s, "%s %s %d %d %s %s\n", n.Type, n.Activation, n.Attempt, n.Cycle, n.Status, n.Why)
	}
	return s.String()
}
