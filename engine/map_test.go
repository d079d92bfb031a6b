package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// An item of a map iterates by itself; the map's successor waits for all.
func TestMapItemsIterate(t *testing.T) {
	t.Parallel()
	h := direct.New()
	grow := direct.Func(h, "grow", func(c *direct.Context, n int) (int, error) {
		if n < 10 {
			return n, c.NextIteration(n * 2)
		}
		return n, nil
	})
	grow.Map = "input"
	sum := direct.Func(h, "sum", func(_ *direct.Context, list []int) (int, error) {
		total := 0
		for _, n := range list {
			total += n
		}
		return total, nil
	})
	g, err := engine.NewGraph("map", engine.Seq(grow, sum))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	out, err := e.Run(t.Context(), g, json.RawMessage("[1,3,11]"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out.Output), "39"; got != want || out.Steps != 10 { // 16 + 12 + 11; 5 + 3 + 1 visits, and sum
		t.Errorf("output %s in %d steps (%v), want %s in 10", got, out.Steps, out.Error, want)
	}
}
