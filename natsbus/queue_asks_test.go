package natsbus

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var (
	oneClass     = []class{{queue: defaultQueue, priority: engine.PriorityNormal}}
	threeClasses = []class{
		{queue: defaultQueue, priority: engine.PriorityHigh},
		{queue: defaultQueue, priority: engine.PriorityNormal},
		{queue: defaultQueue, priority: engine.PriorityLow},
	}
)

// workers take tickets of a queue and ack them after a while.
type workers struct {
	tb   testing.TB
	q    *Queue
	free atomic.Int64 // that wait for a ticket
	all  sync.WaitGroup
}

// begin lets n of them work until the test ends, or the returned function is called. A
// ticket takes the first one as long as that, the second one twice as long, and so on.
func (w *workers) begin(n int, takes time.Duration) (end func()) {
	ctx, cancel := context.WithCancel(w.tb.Context())
	for i := range n {
		w.all.Go(func() {
			for w.work(ctx, takes*time.Duration(1+i)) {
			}
		})
	}
	return func() {
		cancel()
		w.all.Wait()
	}
}

func (w *workers) work(ctx context.Context, takes time.Duration) bool {
	w.free.Add(1)
	l, err := w.q.Receive(ctx)
	w.free.Add(-1)
	if err != nil {
		return false
	}
	time.Sleep(takes)
	if err := l.Ack(context.WithoutCancel(ctx)); err != nil {
		w.tb.Error(err)
	}
	return true
}

// wantCounts wants what the server has counted once nothing moves.
func wantCounts(tb testing.TB, f *pullServer, when string, ok func(pullCounts) bool) {
	tb.Helper()
	synctest.Wait()
	if n := f.counts(); !ok(n) {
		tb.Errorf("%s: %+v", when, n)
	}
}

// TestQueueAsksForWhatItTakes: of one class there are never more tickets asked for than
// workers wait for, so that each is delivered once.
func TestQueueAsksForWhatItTakes(t *testing.T) {
	t.Parallel()
	const n, tickets = 8, 600
	synctest.Test(t, func(t *testing.T) {
		f, q := newPullServer(t, true, oneClass...)
		w := &workers{tb: t, q: q}
		f.told = func(c *pulledClass, p *pulled) {
			if sum, free := f.asked(c)+f.onWay[c]+p.asked, w.free.Load(); int64(sum) > free {
				t.Errorf("%d tickets are asked for, and %d workers wait", sum, free)
			}
		}
		end := w.begin(n, time.Millisecond)
		waits := func(c pullCounts) bool { return c.asked >= n/2 && c.asked <= n }
		wantCounts(t, f, "at first", waits)
		f.put(tickets, oneClass...)
		time.Sleep(tickets * time.Millisecond)
		once := func(c pullCounts) bool { return waits(c) && c.delivered == tickets && c.acked == tickets }
		wantCounts(t, f, "after all tickets", once)
		time.Sleep(10 * parkTime)
		wantCounts(t, f, "after pulls have ended", once)
		f.lose(oneClass[0], true)
		time.Sleep(2 * parkTime)
		f.lose(oneClass[0], false)
		wantCounts(t, f, "while pulls are lost", func(c pullCounts) bool { return c.asked == 0 })
		time.Sleep(3 * parkLost)
		wantCounts(t, f, "after pulls were lost", once)
		f.told = func(*pulledClass, *pulled) {}
		end()
		wantCounts(t, f, "after all have left", func(c pullCounts) bool { return c.asked == 0 && c.held == 0 })
	})
}

// TestQueueAsksManyClasses: a probe asks for no more than there are workers; of what is
// to come later a class is asked for a few, once no probe has found anything, however
// slow the network is.
func TestQueueAsksManyClasses(t *testing.T) {
	t.Parallel()
	const n, tickets = 32, 400
	synctest.Test(t, func(t *testing.T) {
		f, q := newPullServer(t, true, threeClasses...)
		f.way = time.Millisecond
		var probes, most atomic.Int64
		f.told = func(c *pulledClass, p *pulled) {
			if sum := f.asked(c) + p.asked; !p.probe && sum > maxParked {
				t.Errorf("%d tickets are asked for that may come later, want up to %d", sum, maxParked)
			}
			if p.probe {
				probes.Add(1)
				most.Store(max(most.Load(), int64(p.asked)))
			}
		}
		w := &workers{tb: t, q: q}
		end := w.begin(n, 100*time.Microsecond)
		waits := func(c pullCounts) bool { return c.asked == maxParked*len(threeClasses) && c.held == 0 }
		time.Sleep(holdTime)
		wantCounts(t, f, "at first", waits)
		f.put(tickets, threeClasses...)
		time.Sleep(10 * time.Second)
		wantCounts(t, f, "after all tickets", func(c pullCounts) bool { return waits(c) && c.acked == tickets*len(threeClasses) })
		if got := most.Load(); got > n {
			t.Errorf("a probe asks for %d tickets of %d workers", got, n)
		}
		found := probes.Load()
		time.Sleep(10 * parkTime)
		wantCounts(t, f, "in the end", waits)
		if more := probes.Load() - found; more > 0 {
			t.Errorf("%d more probes while tickets were waited for", more)
		}
		end()
	})
}

// TestQueueGivesBack: what came for nobody is given back, as soon as no worker is to be
// expected, and nothing is asked for then.
func TestQueueGivesBack(t *testing.T) {
	t.Parallel()
	const n = 2
	for _, c := range []struct {
		name    string
		takes   time.Duration
		returns int
	}{{"workers are busy", time.Second, 1}, {"a worker is free soon", holdTime / 4, 0}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, q := newPullServer(t, true, threeClasses...)
				w := &workers{tb: t, q: q}
				end := w.begin(n, c.takes)
				wantCounts(t, f, "one of each class is asked for", func(c pullCounts) bool { return c.asked == len(threeClasses) })
				f.put(1, threeClasses...)
				wantCounts(t, f, "one is kept", func(c pullCounts) bool { return c.delivered == 3 && c.held == 3 && c.returned == 0 })
				time.Sleep(holdTime)
				wantCounts(t, f, "it is given back", func(n pullCounts) bool { return n.returned == c.returns && n.again == 0 })
				time.Sleep(2 * time.Second)
				wantCounts(t, f, "all were taken", func(n pullCounts) bool { return n.acked == 3 && n.held == 0 && n.again == c.returns })
				end()
			})
		})
	}
}

// TestQueueGivesBackWhatItsLeaversAskedFor: where pulls can't be canceled, too.
func TestQueueGivesBackWhatItsLeaversAskedFor(t *testing.T) {
	t.Parallel()
	const n, way = 8, 5 * time.Millisecond
	for name, seen := range map[string]bool{"seen": true, "unseen": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, q := newPullServer(t, seen, oneClass...)
				w := &workers{tb: t, q: q}
				end := w.begin(n, 0)
				wantCounts(t, f, "at first", func(c pullCounts) bool { return c.asked >= n/2 })
				f.put(n, oneClass...)
				wantCounts(t, f, "after one each", func(c pullCounts) bool { return c.acked == n && c.held == 0 })
				f.way = way
				f.put(1, oneClass...)
				end()
				wantCounts(t, f, "after all have left", func(c pullCounts) bool { return (c.asked == 0) == seen && c.held == 1 })
				time.Sleep(way)
				wantCounts(t, f, "what was on its way", func(c pullCounts) bool { return c.returned == 1 })
				time.Sleep(unseenTime)
				wantCounts(t, f, "after pulls have ended", func(c pullCounts) bool {
					return c.asked == 0 && c.held == 0 && c.ready == 1 && c.returned >= 1 && c.returned <= n
				})
			})
		})
	}
}

// TestQueueAsksForNothingWhenBusy: a process whose workers are all busy lets others have
// what comes.
func TestQueueAsksForNothingWhenBusy(t *testing.T) {
	t.Parallel()
	const n = 2
	synctest.Test(t, func(t *testing.T) {
		f, q := newPullServer(t, true, threeClasses...)
		w := &workers{tb: t, q: q}
		end := w.begin(n, time.Second)
		wantCounts(t, f, "one of each class is asked for", func(c pullCounts) bool { return c.asked == len(threeClasses) })
		f.put(1, threeClasses[:n]...)
		wantCounts(t, f, "a worker may be free soon", func(c pullCounts) bool { return c.held == n && c.asked > 0 })
		time.Sleep(holdTime)
		wantCounts(t, f, "none is", func(c pullCounts) bool { return c.held == n && c.asked == 0 })
		end()
	})
}
