package wasm_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// TestLanguagesPanic wants what a guest says before it gives up, not that it did.
func TestLanguagesPanic(t *testing.T) {
	t.Parallel()
	for _, l := range languages() {
		if l.name != "Rust" && l.name != "AssemblyScript" {
			continue // the others' crashes say nothing to the host
		}
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			_, err := newHandler(t, wasm.Config{}).Handle(t.Context(), programCall(t, l.build(t), "crash", "null"))
			var failed *engine.TaskError
			if !errors.As(err, &failed) || failed.Kind != "panic" || !strings.Contains(failed.Message, "boom") || failed.Stack == "" {
				t.Errorf("got %+v, want the panic, in the guest's own words", failed)
			}
		})
	}
}
