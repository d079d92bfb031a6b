package artifact_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

func TestCompile(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Dir: t.TempDir()})
	b.run(t, answer(42), artifact.FromChild, 42)
	b.run(t, answer(42), artifact.FromCache, 42)
	b.run(t, answer(7), artifact.FromChild, 7)
}
