package engine_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// A function that hangs for good must not keep an engine from closing, nor its
// slot from others.
func TestCloseDoesNotWaitForHungFunctions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release, running := make(chan struct{}), make(chan struct{})
		h := direct.New()
		hang := direct.Func(h, "hang", func(_ *direct.Context, _ json.RawMessage) (int, error) {
			close(running)
			<-release
			return 0, nil
		})
		g, err := engine.NewGraph("hang", hang)
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}, Concurrency: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Start(t.Context(), g, engine.Start{}); err != nil {
			t.Fatal(err)
		}
		<-running
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		close(release)
		if _, err := e.Start(t.Context(), g, engine.Start{}); err == nil {
			t.Error("start on a closed engine: want an error")
		}
	})
}
