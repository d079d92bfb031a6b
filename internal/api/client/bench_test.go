package client_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// BenchmarkSubmit begins a run of one task that does nothing and waits for its result:
// in the process that answers, and through its API.
func BenchmarkSubmit(b *testing.B) {
	s := clustertest.Start(b, clustertest.Config{}).Service
	c := served(b, s, ops.RoleOperator)
	for name, runs := range map[string]ops.Runs{"here": s.Runs, "through the API": c.Service().Runs} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				got, err := runs.Submit(b.Context(), ops.Submission{Target: ops.Target{Source: "name: now\ntasks: {a: {builtin: now}}\n"}})
				if err != nil {
					b.Fatal(err)
				}
				o, err := runs.Follow(b.Context(), got.Run, ops.FollowAll, func(engine.Notice, string) {})
				if err != nil || o.Status != engine.StatusSucceeded {
					b.Fatalf("got %+v, %v", o, err)
				}
			}
		})
	}
}
