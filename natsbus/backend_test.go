package natsbus

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
)

// All parts of a backend do what the engine relies on.
func TestBackendSuite(t *testing.T) {
	t.Parallel()
	const lease = 5 * time.Second
	enginetest.Suite{Lease: lease, Unit: 200 * time.Millisecond, Open: func(t *testing.T) *engine.Backend {
		t.Helper()
		b, err := Open(t.Context(), Config{Connect: shared.Connect, Namespace: newNamespace(), Lease: lease})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		if err := b.Setup(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.Backend()
	}}.Run(t)
}
