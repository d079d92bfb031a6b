package natsbus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// receive waits for a value.
func receive[T any](tb testing.TB, what string, c <-chan T) (v T) {
	tb.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		tb.Fatalf("%s did not come", what)
	}
	return v
}

// background runs f until the test ends, and wants it to end with ctx's error.
func background(tb testing.TB, f func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := receive(tb, "the end", ended); err != nil && !errors.Is(err, context.Canceled) {
			tb.Errorf("it ended with %v", err)
		}
	})
}

func TestSignals(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	from, to := newCluster(sharedBus(t, ns), nil), newCluster(sharedBus(t, ns), nil)
	got, lost := make(chan engine.Signal, 100), make(chan struct{}, 100)
	background(t, func(ctx context.Context) error {
		return to.Signals(ctx, func(s engine.Signal) { got <- s }, func() { lost <- struct{}{} })
	})
	want := engine.Signal{Kind: engine.SignalStop, Run: "r.1 ü", Activation: "a", Rev: 7}
	until(t, "that it listens", func() bool {
		if err := from.Signal(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		return len(got) > 0
	})
	if s := receive(t, "a signal", got); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	if err := to.bus.nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	receive(t, "the word that some may be lost", lost)
}

func TestSignalsDroppedAreLost(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	from, to := newCluster(sharedBus(t, ns), nil), newCluster(sharedBus(t, ns), nil)
	goOn, begun, lost := make(chan struct{}), make(chan struct{}, 3*signalRoom), make(chan struct{}, 100)
	background(t, func(ctx context.Context) error {
		return to.Signals(ctx, func(engine.Signal) { begun <- struct{}{}; <-goOn }, func() { lost <- struct{}{} })
	})
	send := func() {
		if err := from.Signal(t.Context(), engine.Signal{Kind: engine.SignalEnded, Run: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "that it listens", func() bool { send(); return len(begun) > 0 })
	for range 2 * signalRoom {
		send()
	}
	if err := from.bus.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := to.bus.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	receive(t, "the word that some were lost", lost)
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b := sharedBus(t, newNamespace())
	moved := make(chan time.Time, 100)
	background(t, func(ctx context.Context) error {
		return newCluster(b, nil).Watch(ctx, "r", func() { moved <- time.Now() })
	})
	receive(t, "the net", moved) // it watches by now
	for len(moved) > 0 {
		<-moved
	}
	at := time.Now()
	if _, err := newJournal(b, nil).Append(t.Context(), "r", "", 0, &engine.Event{Type: engine.EventStarted}); err != nil {
		t.Fatal(err)
	}
	if late := receive(t, "a move", moved).Sub(at); late > time.Second {
		t.Errorf("told after %v: by the net, not by the hint", late)
	}
}

func TestNotices(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	from, b := newCluster(sharedBus(t, ns), nil), sharedBus(t, ns)
	got := make(chan engine.Notice, 2000)
	background(t, func(ctx context.Context) error {
		for n, err := range b.Notices(ctx, "r", 0, true) {
			if err != nil {
				return err
			}
			got <- n
		}
		return nil
	})
	const n = 1000
	for i := range n {
		from.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "r", Attempt: i})
		from.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "other"})
	}
	var after uint64
	for i := range n {
		notice := receive(t, "a notice", got)
		if notice.Attempt != i {
			t.Fatalf("notice %d is that of %d", i, notice.Attempt)
		}
		if i == n-3 {
			after = notice.Seq
		}
	}
	last, err := b.LastNotice(t.Context(), "r")
	if none, noneErr := b.LastNotice(t.Context(), "none"); err != nil || noneErr != nil || last <= after || none != 0 {
		t.Errorf("the last notices are %d, %v and of no run %d, %v", last, err, none, noneErr)
	}
	var rest []int
	for notice, err := range b.Notices(t.Context(), "r", after, false) {
		if err != nil {
			t.Fatal(err)
		}
		rest = append(rest, notice.Attempt)
	}
	if len(rest) != 2 || rest[0] != n-2 {
		t.Errorf("after notice %d there are %v, want the last two", n-3, rest)
	}
}

// While nothing can be sent Tell does not wait, and the oldest notices go.
func TestTellWhileAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Shutdown() })
	b, err := Open(t.Context(), Config{Connect: func(o ...nats.Option) (*nats.Conn, error) { return s.Connect(o...) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	lost := b.nc.StatusChanged(nats.RECONNECTING)
	s.Shutdown()
	receive(t, "that the connection is lost", lost)
	c := newCluster(b, nil)
	begin := time.Now()
	for i := range noticeRoom + 100 {
		c.Tell(engine.Notice{Type: engine.NoticeTaskLog, Run: "r", Attempt: i})
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("telling took %v", took)
	}
	c.teller.mu.Lock()
	defer c.teller.mu.Unlock()
	if got := len(c.teller.waiting); got != noticeRoom {
		t.Errorf("%d notices wait, want %d", got, noticeRoom)
	}
	if first := c.teller.waiting[0].Attempt; first != 100 {
		t.Errorf("the oldest that waits is %d, want 100: the oldest go first", first)
	}
}
