package mcp_test

import (
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/script"
)

// BenchmarkRunCode is one small run, by each way.
func BenchmarkRunCode(b *testing.B) {
	server := newServer(b, mcp.Config{})
	_, sandbox := machine(b)
	if err := server.Prepare(b.Context()); err != nil {
		b.Fatal(err)
	}
	near, far := connect(b, server, nil), dial(b, listen(b, mcp.Config{}, mcp.HTTP{}), "")
	for _, l := range []script.Language{script.Python, script.JavaScript} {
		call := args{"language": string(l), "code": "input + 1", "input": 41}
		b.Run("direct/"+string(l), func(b *testing.B) {
			p50(b, func() {
				if _, err := sandbox.Run(b.Context(), l, "input + 1", script.Options{Input: 41, FilesOut: []string{"**"}}); err != nil {
					b.Fatal(err)
				}
			})
		})
		b.Run("memory/"+string(l), func(b *testing.B) { p50(b, func() { run(b, near, call) }) })
		b.Run("http/"+string(l), func(b *testing.B) { p50(b, func() { run(b, far, call) }) })
	}
}

// p50 reports the median beside the mean.
func p50(b *testing.B, do func()) {
	b.Helper()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		do()
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
