package wasm

import (
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// complete completes a task that a guest of the module self adds on this handler: a
// spec without a module is of self. It refuses a module that spawn does not grant.
func complete(call *engine.Call, self reference, spawn guest.Spawn) func(next *engine.NextTask) error {
	return func(next *engine.NextTask) error {
		ref, err := parseSpec(next.Task.Spec)
		if err != nil {
			return fmt.Errorf("next task %q: %w", next.Task.ID, err)
		}
		if ref.module == "" {
			ref.module, ref.name = self.module, self.name
		}
		next.Task.Spec = ref.spec()
		if ref.module != self.module && !spawn.Module(next.Task.Handler, ref.module) {
			return guest.Denied("next task %q: module %q is not granted: list it in grants.spawn of task %q, now %s", next.Task.ID, ref.module, call.Task.ID, spawn)
		}
		return nil
	}
}
