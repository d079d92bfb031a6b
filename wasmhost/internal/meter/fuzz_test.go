package meter_test

import (
	"bytes"
	"context"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// Random modules do the same metered and unmetered.
func TestRandomModules(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 7))
		choices := make([]byte, 50+random.IntN(1500))
		for i := range choices {
			choices[i] = byte(random.Uint32())
		}
		if !sameMetered(t, randomModule(choices)) {
			t.Fatalf("seed %d", seed)
		}
	}
}

// FuzzMeter takes its input as a module if it looks like one, and otherwise as
// the choices of a random one.
func FuzzMeter(f *testing.F) {
	for _, wasm := range [][]byte{handPrograms(), deep(), growing(1, 5), bulkMemory()} {
		f.Add(wasm)
	}
	for seed := range uint64(5) {
		choices := make([]byte, 300)
		for i := range choices {
			choices[i] = byte(rand.New(rand.NewPCG(seed, uint64(i))).Uint32())
		}
		f.Add(choices)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		if bytes.HasPrefix(data, []byte("\x00asm")) {
			sameVerdict(t, data)
			return
		}
		sameMetered(t, randomModule(data))
	})
}

// sameVerdict checks that what the parser and validator accept can be
// rewritten, and that the engine takes the result if it takes the original.
func sameVerdict(t *testing.T, wasm []byte) {
	t.Helper()
	limits := wasmbin.Limits{Nesting: 200, Locals: 1000, Functions: 100, MemoryPages: 10, TableElements: 1000, Params: 50, Results: 50}
	m, err := wasmbin.Parse(wasm, limits)
	if err != nil || m.Validate() != nil {
		return
	}
	result, err := meter.Rewrite(m, meter.Options{})
	if err != nil {
		if !strings.Contains(err.Error(), meter.Prefix) {
			t.Fatalf("rewrite a valid module: %v", err)
		}
		return
	}
	r := newRuntime(t)
	defer r.Close(context.Background())
	_, plain := r.CompileModule(t.Context(), wasm)
	_, metered := r.CompileModule(t.Context(), result.Wasm)
	if plain == nil && metered != nil || metered == nil && plain != nil && len(m.Customs) == 0 {
		t.Fatalf("the engine says to the original: %v, to the metered one: %v", plain, metered)
	}
}

// outcome is all that can be seen of a module after its exports were called.
type outcome struct {
	log    []string // traps, or "" for none
	values []uint64 // results, arguments of imports, globals, memory
	fuel   []int64  // used after each call, when metered
}

var seed = maphash.MakeSeed()

func sameMetered(t *testing.T, wasm []byte) bool {
	t.Helper()
	result, err := rewriteWith(wasm, meter.Options{InitialStack: 64 << 20})
	if err != nil {
		t.Errorf("rewrite a random module: %v", err)
		return false
	}
	plain, metered := observe(t, wasm, 0), observe(t, result.Wasm, 97)
	if !slices.Equal(plain.log, metered.log) || !slices.Equal(plain.values, metered.values) {
		t.Errorf("metered differs:\n%q %x\nplain\n%q %x", metered.log, metered.values, plain.log, plain.values)
		return false
	}
	again := observe(t, result.Wasm, 1_000_000)
	if !slices.Equal(again.values, metered.values) || !slices.Equal(again.fuel, metered.fuel) {
		t.Errorf("differs in other slices: used %v and %v", again.fuel, metered.fuel)
		return false
	}
	return true
}

// observe calls all exports of a random module, one after another.
func observe(t *testing.T, wasm []byte, slice int64) outcome {
	t.Helper()
	g := &guest{slice: slice, budget: math.MaxInt64}
	r := runtimeWith(t, g.yield)
	defer r.Close(context.Background())
	var out outcome
	h := func(_ context.Context, _ api.Module, stack []uint64) {
		x := uint32(stack[0]) // the upper half is anything
		out.values = append(out.values, uint64(x))
		stack[0] = uint64(x*3 + 1)
	}
	_, err := r.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(h), []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).
		Export("h").Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.InstantiateWithConfig(t.Context(), wasm, wazero.NewModuleConfig())
	if err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	for _, s := range []struct {
		export string
		args   []uint64
	}{{"f0", []uint64{3}}, {"f1", []uint64{3, 9}}, {"f2", nil}, {"f3", []uint64{api.EncodeF64(2)}}, {"f4", []uint64{1, 2}}, {"f7", []uint64{4}}, {"f8", nil}} {
		m.ExportedGlobal("steps").(api.MutableGlobal).Set(300)
		results, err := m.ExportedFunction(s.export).Call(t.Context(), s.args...)
		out.log = append(out.log, trap(err))
		if slice > 0 {
			g.Module = m
			out.fuel = append(out.fuel, g.used())
		}
		if s.export == "f3" && err == nil && math.IsNaN(api.DecodeF64(results[0])) {
			results = []uint64{0}
		}
		for i, typ := range m.ExportedFunction(s.export).Definition().ResultTypes() {
			if err == nil && typ == api.ValueTypeI32 {
				results[i] = uint64(uint32(results[i]))
			}
		}
		out.values = append(out.values, results...)
		all, _ := m.Memory().Read(0, m.Memory().Size())
		out.values = append(out.values, maphash.Bytes(seed, all), uint64(len(all)), m.ExportedGlobal("g1").Get(), m.ExportedGlobal("g2").Get())
	}
	return out
}

// trap is the kind of a trap, without the stack trace.
func trap(err error) string {
	if err == nil {
		return ""
	}
	kind, _, _ := strings.Cut(err.Error(), "\n")
	return kind
}
