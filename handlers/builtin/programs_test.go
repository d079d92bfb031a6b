package builtin_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
)

func TestHandlerSuite(t *testing.T) {
	t.Parallel()
	leftOut := map[enginetest.Program]string{}
	for _, program := range enginetest.Programs() {
		leftOut[program] = "no builtin task does that"
	}
	delete(leftOut, enginetest.ProgramPause)
	enginetest.HandlerSuite{
		New: func(t *testing.T) engine.Handler { t.Helper(); return newHandler(t) },
		Task: func(_ *testing.T, program enginetest.Program) engine.Task {
			return engine.Task{Spec: json.RawMessage(`"` + string(program) + `"`)}
		},
		LeftOut: leftOut,
	}.Run(t)
}
