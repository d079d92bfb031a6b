package direct_test

import (
	"context"
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

func BenchmarkChain(b *testing.B) {
	h := direct.New()
	noop := direct.Func(h, "noop", func(_ *direct.Context, in json.RawMessage) (json.RawMessage, error) { return in, nil })
	for _, n := range []int{1000, 100_000, 1_000_000} {
		nodes := make([]engine.Node, n)
		for i := range nodes {
			t := noop
			t.ID = "t" + itoa(i)
			t.Spec = json.RawMessage(`{"func":"noop"}`)
			nodes[i] = t
		}
		s := engine.Spec{Name: "chain", Limits: engine.RunLimits{MaxSteps: n + 1}}
		s.Connect(engine.Seq(nodes...))
		g, err := s.Build()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(itoa(n), func(b *testing.B) {
			e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}})
			if err != nil {
				b.Fatal(err)
			}
			defer e.Close()
			b.ReportAllocs()
			for b.Loop() {
				out, err := e.Run(context.Background(), g, json.RawMessage("null"))
				if err != nil || out.Status != engine.StatusSucceeded {
					b.Fatal(err, out)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
