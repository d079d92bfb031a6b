package wasm_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestHandlerSuite(t *testing.T) {
	t.Parallel()
	module := guesttest.Build(t, "../../engine/enginetest/testdata/programs")
	enginetest.HandlerSuite{
		New: func(t *testing.T) engine.Handler { t.Helper(); return newHandler(t, wasm.Config{}) },
		Task: func(t *testing.T, program enginetest.Program) engine.Task {
			t.Helper()
			return engine.Task{Spec: marshal(t, module+"#"+string(program))}
		},
	}.Run(t)
}
