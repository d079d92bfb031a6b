package main

import (
	"context"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/receipt"
)

// steadyWasm and steadyScript run tasks that can be repeated so that they are, to the
// unit of fuel, wherever a value of theirs was kept.
type (
	steadyWasm   struct{ *wasm.Handler }
	steadyScript struct{ *script.Handler }
)

// Handle implements engine.Handler.
func (s steadyWasm) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	return receipt.Steady(ctx, s.Handler, call)
}

// Handle implements engine.Handler.
func (s steadyScript) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	return receipt.Steady(ctx, s.Handler, call)
}
