package meter_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// BenchmarkInstantiate instantiates a Go guest, without initializing it. What
// the meter saves here are data segments. heap-B/instance is what an instance
// holds of Go's heap, where its linear memory is not.
func BenchmarkInstantiate(b *testing.B) {
	plain, err := goPrograms()
	if err != nil {
		b.Fatal(err)
	}
	metered, err := rewrite(plain)
	if err != nil {
		b.Fatal(err)
	}
	for _, v := range []struct {
		name string
		wasm []byte
	}{{"plain", plain}, {"metered", metered}} {
		b.Run(v.name, func(b *testing.B) {
			r := newRuntime(b)
			wasi_snapshot_preview1.MustInstantiate(b.Context(), r)
			compiled, err := r.CompileModule(b.Context(), v.wasm)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				_ = bareInstance(b, r, compiled).Close(b.Context())
			}
			b.ReportMetric(instanceHeap(b, r, compiled), "heap-B/instance")
		})
	}
}

func bareInstance(b *testing.B, r wazero.Runtime, compiled wazero.CompiledModule) api.Module {
	b.Helper()
	memory := linmem.New(linmem.Config{Most: 64 << 20})
	ctx := experimental.WithMemoryAllocator(b.Context(), memory)
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		b.Fatal(err)
	}
	return m
}

func instanceHeap(b *testing.B, r wazero.Runtime, compiled wazero.CompiledModule) float64 {
	b.Helper()
	instances := make([]api.Module, 20)
	before := heap()
	for i := range instances {
		instances[i] = bareInstance(b, r, compiled)
	}
	held := heap() - before
	for _, m := range instances {
		_ = m.Close(context.Background())
	}
	return float64(held) / float64(len(instances))
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
