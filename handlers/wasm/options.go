package wasm

import (
	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// options are what a task's sandbox is run with.
func (h *Handler) options(task *engine.Task) (guest.Sandbox, error) {
	c := &h.config
	return guest.Most{Dir: c.Dir, Limits: c.Limits, Grants: c.Grants, Spawn: c.Spawn, DenySecretOutput: c.DenySecretOutput, Explain: c.Explain}.Sandbox(task)
}
