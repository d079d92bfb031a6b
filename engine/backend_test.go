package engine_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
)

func TestInMemory(t *testing.T) {
	t.Parallel()
	enginetest.Suite{
		Open:   func(*testing.T) *engine.Backend { return engine.InMemory() },
		Bubble: true,
	}.Run(t)
}
