package natsbus

import (
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// A lease is not extended by who has lost the connection: its worker is to know, so as
// to end the attempt before another has it.
func TestLeaseOfTheDisconnected(t *testing.T) {
	t.Parallel()
	s := queueServer(t)
	q := queueOf(t, s, Config{})
	enqueue(t, q, task("a", engine.Task{}))
	l := receiveOne(t, q, 5*time.Second)
	if err := l.Extend(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
	eventually(t, "the connection is lost", func() bool { return !q.bus.nc.IsConnected() })
	if err := l.Extend(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("extended without a connection: %v, want ErrUnreachable", err)
	}
}
