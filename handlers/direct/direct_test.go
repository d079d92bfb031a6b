package direct_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

func TestPipeline(t *testing.T) {
	t.Parallel()
	h := direct.New()
	double := direct.Func(h, "double", func(_ *direct.Context, n int) (int, error) { return n * 2, nil })
	add := direct.Func(h, "add", func(_ *direct.Context, n int) (int, error) { return n + 3, nil })
	square := direct.Func(h, "square", func(_ *direct.Context, n int) (int, error) { return n * n, nil })
	g, err := engine.NewGraph("pipeline", engine.Seq(double, add, square))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	out, err := e.Run(t.Context(), g, json.RawMessage("5"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Output), "169"; got != want || out.Status != engine.StatusSucceeded {
		t.Errorf("output %s, status %s, want %s, succeeded", got, out.Status, want)
	}
}
