package meter_test

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
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
		if !sameMetered(t, randomModule(choices)) || !covered(t, choices) {
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
	for i, wasm := range suiteModules(f) {
		if i%20 == 0 {
			f.Add(wasm)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<14 {
			return
		}
		if bytes.HasPrefix(data, []byte("\x00asm")) {
			sameVerdict(t, data)
			return
		}
		if sameMetered(t, randomModule(data)) {
			covered(t, data)
		}
	})
}

// suiteModules are the modules of the WebAssembly test suite's second version.
func suiteModules(tb testing.TB) [][]byte {
	tb.Helper()
	dir, err := suiteDir()
	if err != nil {
		tb.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "v2", "testdata", "*.wasm"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no modules in %s: %v", dir, err)
	}
	var modules [][]byte
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		modules = append(modules, wasm)
	}
	return modules
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
	if plain == nil && metered == nil && len(m.Imports) == 0 && m.Start == nil {
		sameCalls(t, m, wasm, result.Wasm)
	}
}

// sameCalls calls the exports of a module with zeros. What ends metered, and
// not for want of fuel or stack, ends unmetered.
func sameCalls(t *testing.T, m *wasmbin.Module, plain, metered []byte) {
	t.Helper()
	g := &guest{slice: 50, budget: 5000}
	r := runtimeWith(t, g.yield)
	defer r.Close(context.Background())
	a, errA := r.InstantiateWithConfig(t.Context(), plain, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	b, errB := r.InstantiateWithConfig(t.Context(), metered, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if trap(errA) != trap(errB) {
		t.Fatalf("instantiated: %v, metered: %v", errA, errB)
	}
	if errA != nil {
		return
	}
	g.Module = b
	for _, e := range m.Exports[:min(len(m.Exports), 20)] {
		if e.Kind != wasmbin.KindFunc {
			continue
		}
		args := make([]uint64, slots(m.TypeOf(e.Index).Params))
		counter(b, meter.StackExport).Set(1 << 20)
		g.budget = g.used() + 5000
		got, err := b.ExportedFunction(e.Name).Call(t.Context(), args...)
		if errors.Is(err, errFuel) || errors.Is(err, errStack) {
			return
		}
		want, wantErr := a.ExportedFunction(e.Name).Call(t.Context(), args...)
		if trap(err) != trap(wantErr) || !slices.Equal(numbers(m.TypeOf(e.Index), got), numbers(m.TypeOf(e.Index), want)) {
			t.Fatalf("%q: got %x, %v, unmetered %x, %v", e.Name, got, err, want, wantErr)
		}
	}
}

func slots(types []wasmbin.ValueType) int {
	n := len(types)
	for _, t := range types {
		if t == wasmbin.V128 {
			n++
		}
	}
	return n
}

// numbers are the results that are integers.
func numbers(t wasmbin.FuncType, results []uint64) []uint64 {
	var out []uint64
	for _, typ := range t.Results {
		if len(results) == 0 {
			return nil
		}
		switch typ {
		case wasmbin.I32:
			out = append(out, uint64(uint32(results[0])))
		case wasmbin.I64:
			out = append(out, results[0])
		case wasmbin.V128:
			results = results[1:]
		}
		results = results[1:]
	}
	return out
}

// outcome is all that can be seen of a module after its exports were called.
type outcome struct {
	log    []string // traps, or "" for none
	values []uint64 // results, arguments of imports, globals, memory
	fuel   []int64  // used after each call, when metered
	counts []int64  // instructions after each call, when counted
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

// covered checks that a random module pays a unit, at least, for each
// instruction that it runs.
func covered(t *testing.T, choices []byte) bool {
	t.Helper()
	result, err := rewriteWith(randomModule(choices), meter.Options{InitialStack: 64 << 20})
	if err != nil {
		t.Errorf("rewrite a random module: %v", err)
		return false
	}
	metered, counted := observe(t, result.Wasm, 1_000_000), observe(t, countedModule(choices), 0)
	if !slices.Equal(counted.values, metered.values) {
		t.Errorf("counted differs: %x\nmetered %x", counted.values, metered.values)
		return false
	}
	fuel, count := int64(0), int64(0)
	for i := range metered.fuel {
		if used, ran := metered.fuel[i]-fuel, counted.counts[i]-count; used < ran {
			t.Errorf("call %d used %d units for %d instructions", i, used, ran)
			return false
		}
		fuel, count = metered.fuel[i], counted.counts[i]
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
		out.counts = append(out.counts, int64(m.ExportedGlobal("count").Get()))
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
