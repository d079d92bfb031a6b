package engine_test

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// TestAcceptanceJetStream are the cases on JetStream: each on a real server of its
// own, those on a virtual clock with the server on it too.
func TestAcceptanceJetStream(t *testing.T) { //nolint:paralleltest // likewise
	keepClock(t)
	// The client keeps timers for later use, which must not come from another bubble:
	// two collections empty its pool.
	before := func() { runtime.GC(); runtime.GC() }
	acceptance(t, ground{shared: true, before: before, slack: 50 * time.Millisecond}, func(t *testing.T) *engine.Backend {
		t.Helper()
		return jetStream(t, natsbus.Config{})
	})
}

// TestAcceptanceGroupsJetStream is section F on JetStream.
func TestAcceptanceGroupsJetStream(t *testing.T) { //nolint:paralleltest // likewise
	keepClock(t)
	before := func() { runtime.GC(); runtime.GC() }
	groupsRunOn(t, groupsCases, ground{shared: true, before: before, slack: 50 * time.Millisecond}, func(t *testing.T) *engine.Backend {
		t.Helper()
		return jetStream(t, natsbus.Config{})
	})
}

// jetStream is a backend on a server in this process.
func jetStream(t *testing.T, cfg natsbus.Config) *engine.Backend {
	t.Helper()
	server, err := embedded.Start(context.WithoutCancel(t.Context()), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		inBubble := time.Now().Year() == 2000 // by its clock
		if inBubble {
			synctest.Wait() // what is asked of the server by now would wait for locks that its end holds
		}
		server.Shutdown()
		if inBubble {
			time.Sleep(time.Second) // which the client's goroutines need to end
		}
	})
	cfg.Connect = server.Connect
	bus, err := natsbus.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	if err := bus.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bus.Backend()
}

var (
	clock     sync.Once
	stopClock = func() {} // for TestMain
)

// keepClock starts a server outside of all bubbles: a goroutine that all servers of
// a process share, and that the first one starts, would keep the clock of the
// bubble that it is in from going on.
func keepClock(t *testing.T) {
	t.Helper()
	clock.Do(func() {
		dir, err := os.MkdirTemp("", "clock")
		if err != nil {
			t.Fatal(err)
		}
		server, err := embedded.Start(context.Background(), embedded.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: server.Connect})
		if err != nil {
			t.Fatal(err)
		}
		stopClock = func() {
			bus.Close()
			server.Shutdown()
			_ = os.RemoveAll(dir) // of the system's temporary ones
		}
		if err := bus.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
