package wasm

import (
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// services answer a guest out of its call and the buffer of its effects.
func (h *Handler) services(steer *guest.Control) wasmhost.Services {
	s := guest.Services(steer)
	s.Tools = h.config.Tools
	if h.config.Secrets != nil {
		s.Secrets = steer.Secrets
	}
	return s
}
