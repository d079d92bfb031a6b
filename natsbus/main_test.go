package natsbus

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// shared is a server for all tests that neither stop it nor count what is stored.
var shared *embedded.Server

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "natsbus")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if shared, err = embedded.Start(context.Background(), embedded.Config{Dir: dir}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	shared.Shutdown()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

var namespaces atomic.Int64

// newNamespace draws one that no other test has.
func newNamespace() string { return fmt.Sprintf("test-%d", namespaces.Add(1)) }

// sharedBus is a bus on the shared server, of a namespace; its streams are there.
func sharedBus(tb testing.TB, namespace string) *Bus {
	tb.Helper()
	b, err := Open(tb.Context(), Config{Connect: shared.Connect, Namespace: namespace})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Setup(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return b
}

// until waits for what a server, or the client, does by itself and tells nobody: it can
// only be looked at again.
func until(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for late := time.After(2 * time.Minute); !is(); {
		select {
		case <-look.C:
		case <-late:
			tb.Fatalf("never came: %s", what)
		}
	}
}
