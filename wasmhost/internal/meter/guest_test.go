package meter_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

var (
	errFuel  = errors.New("out of fuel")
	errStack = errors.New("out of stack")
)

// guest is a metered instance whose fuel comes in slices.
type guest struct {
	api.Module
	slice, budget int64
	granted       int64
	yields        int
}

// host is what a guest's yield does: refill, or end it.
func (g *guest) yield(_ context.Context, m api.Module, _ []uint64) {
	g.yields++
	if counter(m, meter.StackExport).Get()>>63 != 0 {
		panic(errStack)
	}
	left := fuelLeft(m)
	if used := g.granted - left; used > g.budget {
		panic(errFuel)
	}
	more := max(g.slice, -left)
	g.granted += more
	counter(m, meter.FuelExport).Set(uint64(left + more))
}

func (g *guest) used() int64 { return g.granted - fuelLeft(g) }

func counter(m api.Module, export string) api.MutableGlobal {
	return m.ExportedGlobal(export).(api.MutableGlobal)
}

func fuelLeft(m api.Module) int64 { return int64(m.ExportedGlobal(meter.FuelExport).Get()) }

// rewriteWith passes a module through parser, validator and meter.
func rewriteWith(wasm []byte, options meter.Options) (*meter.Result, error) {
	m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return meter.Rewrite(m, options)
}

func rewrite(wasm []byte) ([]byte, error) {
	result, err := rewriteWith(wasm, meter.Options{})
	if err != nil {
		return nil, err
	}
	return result.Wasm, nil
}

// newGuest instantiates a module, metered, with fuel in slices.
func newGuest(t *testing.T, wasm []byte, slice int64, options meter.Options) *guest {
	t.Helper()
	g, err := tryGuest(t, wasm, slice, options)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func tryGuest(t *testing.T, wasm []byte, slice int64, options meter.Options) (*guest, error) {
	t.Helper()
	result, err := rewriteWith(wasm, options)
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{slice: slice, budget: 1 << 24}
	r := runtimeWith(t, g.yield)
	g.Module, err = r.Instantiate(t.Context(), result.Wasm)
	return g, err
}

// call calls an export that must succeed.
func (g *guest) call(t *testing.T, export string, args ...uint64) []uint64 {
	t.Helper()
	results, err := g.ExportedFunction(export).Call(t.Context(), args...)
	if err != nil {
		t.Fatalf("%s%v: %v", export, args, err)
	}
	return results
}

// newRuntime returns a runtime whose yield always refills.
func newRuntime(tb testing.TB) wazero.Runtime {
	tb.Helper()
	return runtimeWith(tb, func(_ context.Context, m api.Module, _ []uint64) {
		if counter(m, meter.StackExport).Get()>>63 != 0 {
			panic(errStack)
		}
		counter(m, meter.FuelExport).Set(1 << 20)
	})
}

func runtimeWith(tb testing.TB, yield api.GoModuleFunc) wazero.Runtime {
	tb.Helper()
	config := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall).WithMemoryLimitPages(65536)
	r := wazero.NewRuntimeWithConfig(tb.Context(), config)
	tb.Cleanup(func() { _ = r.Close(context.Background()) })
	_, err := r.NewHostModuleBuilder(meter.YieldModule).NewFunctionBuilder().
		WithGoModuleFunction(yield, nil, nil).Export(meter.YieldName).Instantiate(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return r
}
