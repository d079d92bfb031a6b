package natsbus

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// ledger is which deliveries were received and acked, and how often.
type ledger struct {
	mu    sync.Mutex // guards acked
	acked map[string]int
}

func (l *ledger) add(activation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[activation]++
}

func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// work receives and acks until ctx is done.
func (l *ledger) work(ctx context.Context, t *testing.T, q *Queue) {
	t.Helper()
	for {
		lease, err := q.Receive(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.Errorf("receive: %v", err)
			return
		}
		// What is not acked in time, as the cluster has no leader, comes again.
		if err := lease.Ack(ctx); err == nil {
			l.add(lease.Delivery().Activation)
		}
	}
}

// Replicated, with the leader of the queue stopped while tickets are enqueued and
// taken, and a process that leaves with tickets in hand: each is acked, and none is
// left. Whether a ticket was stored is known for all that Enqueue returned for.
func TestQueueReplicated(t *testing.T) {
	t.Parallel()
	servers := startThree(t)
	open := func(s *embedded.Server, node string) *Bus {
		b, err := Open(t.Context(), Config{Connect: s.Connect, Replicas: 3, Node: node, Lease: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	admin := open(servers[0], "admin")
	if err := admin.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := admin.js.Stream(t.Context(), streamTasks)
	if err != nil {
		t.Fatal(err)
	}
	var leader *embedded.Server
	var rest []*embedded.Server
	for _, server := range servers {
		if server.Name() == s.CachedInfo().Cluster.Leader {
			leader = server
		} else {
			rest = append(rest, server)
		}
	}
	if leader == nil || len(rest) != 2 {
		t.Fatalf("the leader is %q", s.CachedInfo().Cluster.Leader)
	}
	queues := make([]*Queue, 3)
	for i, on := range []*embedded.Server{rest[0], rest[1], rest[1]} {
		queues[i] = newQueue(open(on, fmt.Sprint("node-", i)))
		t.Cleanup(queues[i].Close)
	}
	owner, worker, leaver := queues[0], queues[1], queues[2]

	// One leaves without a word, and has two in hand.
	enqueue(t, owner, task("held-0", engine.Task{}), task("held-1", engine.Task{}))
	for range 2 {
		receiveOne(t, leaver, 20*time.Second)
	}
	leaver.bus.nc.Close()

	const rounds, each = 30, 10
	book := &ledger{acked: map[string]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { book.work(ctx, t, worker) })
	}
	defer func() { stop(); all.Wait() }()
	for round := range rounds {
		if round == rounds/3 {
			all.Go(leader.Shutdown)
		}
		ds := make([]*engine.Delivery, each)
		for i := range ds {
			ds[i] = task(fmt.Sprintf("a-%d-%d", round, i), engine.Task{})
		}
		if err := owner.Enqueue(t.Context(), false, ds...); err != nil {
			t.Fatalf("enqueue round %d: %v", round, err)
		}
	}
	for end := time.Now().Add(60 * time.Second); book.size() < rounds*each+2; <-time.After(10 * time.Millisecond) { // no channel tells
		if time.Now().After(end) {
			t.Fatalf("%d of %d were acked", book.size(), rounds*each+2)
		}
	}
	again := 0
	for _, n := range book.acked {
		again += n - 1
	}
	t.Logf("%d tickets were acked, %d of them more than once", rounds*each+2, again)
	eventually(t, "the queue is empty", func() bool {
		s, err := owner.bus.js.Stream(t.Context(), streamTasks)
		return err == nil && s.CachedInfo().State.Msgs == 0
	})
}
