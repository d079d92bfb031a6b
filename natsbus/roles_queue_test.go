package natsbus

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// TestWorkerLeavesNothingBehind has a process with a worker's credentials wait for
// tickets and stop to: one that comes then is another's at once.
func TestWorkerLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, b := roleServer(t, true)
	owner := newQueue(b)
	t.Cleanup(owner.Close)
	enqueue(t, owner, task("a", engine.Task{}))
	stayer, leaver := newQueue(asRole(t, s, RoleWorker)), newQueue(asRole(t, s, RoleWorker))
	t.Cleanup(stayer.Close)
	t.Cleanup(leaver.Close)
	ackOne(t, leaver, "a")
	for i := range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if l, err := leaver.Receive(ctx); err == nil {
					t.Errorf("received %q, want nothing", l.Delivery().Activation)
				}
			})
		}
		until(t, "pulls wait", func() bool { return pulls(t, b) > 0 })
		cancel()
		all.Wait()
		enqueue(t, owner, task(fmt.Sprintf("b%d", i), engine.Task{}))
		l := receiveOne(t, stayer, 2*time.Second)
		if err := l.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWorkerClosesWhatItAskedFor ends a process while it waits: what comes while it
// ends is another's at once.
func TestWorkerClosesWhatItAskedFor(t *testing.T) {
	t.Parallel()
	s, b := roleServer(t, true)
	owner := newQueue(b)
	t.Cleanup(owner.Close)
	enqueue(t, owner, task("a", engine.Task{}))
	stayer := newQueue(asRole(t, s, RoleWorker))
	t.Cleanup(stayer.Close)
	ackOne(t, stayer, "a")
	for i := range 5 {
		bus, err := Open(t.Context(), Config{Connect: roleDial(s, RoleWorker), Namespace: "main"})
		if err != nil {
			t.Fatal(err)
		}
		leaver := bus.Backend().Queue.(*Queue)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if l, err := leaver.Receive(t.Context()); err == nil {
					t.Errorf("received %q, want nothing", l.Delivery().Activation)
				}
			})
		}
		until(t, "pulls wait", func() bool { return pulls(t, b) > 0 })
		all.Go(bus.Close)
		<-leaver.quit
		enqueue(t, owner, task(fmt.Sprintf("b%d", i), engine.Task{}))
		l := receiveOne(t, stayer, 2*time.Second)
		if err := l.Ack(t.Context()); err != nil {
			t.Fatal(err)
		}
		all.Wait()
	}
}

// pulls is how often workers have asked for tickets that have not come yet.
func pulls(tb testing.TB, b *Bus) int {
	tb.Helper()
	infos, err := b.Queues(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	n := 0
	for _, i := range infos {
		n += i.Pulls
	}
	return n
}

// BenchmarkRoleThroughput receives and acks over loopback, with the credentials of an
// owner and with those of a worker.
func BenchmarkRoleThroughput(b *testing.B) {
	for _, role := range []Role{RoleOwner, RoleWorker} {
		b.Run(string(role), func(b *testing.B) {
			const batch = 20000
			s, bus := roleServer(b, true)
			owner, worker := newQueue(bus), newQueue(asRole(b, s, role))
			b.Cleanup(owner.Close)
			b.Cleanup(worker.Close)
			var received time.Duration
			for b.Loop() {
				enqueue(b, owner, tasks(batch, engine.Task{})...)
				waitClasses(b, worker, 1)
				begun := time.Now()
				drainQueue(b, worker, 16, batch)
				received += time.Since(begun)
				until(b, "all acks have arrived", func() bool {
					infos, err := bus.Queues(b.Context())
					return err == nil && infos[0].Ready == 0 && infos[0].InFlight == 0
				})
			}
			b.ReportMetric(float64(batch*b.N)/received.Seconds(), "received/s")
		})
	}
}
