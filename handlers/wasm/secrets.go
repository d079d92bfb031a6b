package wasm

import (
	"context"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// Redactor finds values of secrets in what a task tells. Redact(text) is text
// without the values; Contains(data) tells whether a value is in data. It is safe
// for concurrent use.
type Redactor = guest.Redactor

// secrets fetches the secrets of a task.
func (h *Handler) secrets(ctx context.Context, o guest.Sandbox) (*guest.Secrets, error) {
	return guest.Grant(ctx, h.config.Secrets, h.config.Redactor, o.Grants.Secrets, o.SecretOutput)
}

// secretFailure is failure for errors of secrets too.
func secretFailure(ctx context.Context, call *engine.Call, ref reference, err error) *engine.TaskError {
	return guest.SecretFailure(ctx, failure(ctx, call, ref, err), err)
}
