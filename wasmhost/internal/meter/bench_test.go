package meter_test

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// goPrograms builds testdata/programs for wasip1.
var goPrograms = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "programs")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "programs.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", file, "./testdata/programs")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
})

// handPrograms are small loops and calls, where metering costs most.
func handPrograms() []byte {
	var m asm.Module
	m.Memory(16, -1)
	m.Func("fib", "i", "i", "", `
		local.get 0 i32.const 2 i32.lt_u if i local.get 0 else
		local.get 0 i32.const 1 i32.sub call 0
		local.get 0 i32.const 2 i32.sub call 0 i32.add end`)
	m.Func("sum", "i", "i", "ii", `
		loop _
			local.get 1 local.get 2 i32.add local.set 1
			local.get 2 i32.const 1 i32.add local.tee 2
			local.get 0 i32.lt_u br_if 0
		end local.get 1`)
	m.Func("bytes", "i", "i", "ii", `
		loop _
			local.get 1 local.get 2 i32.const 0xffff i32.and i32.load8_u 0 i32.add local.set 1
			local.get 2 i32.const 1 i32.add local.tee 2
			local.get 0 i32.lt_u br_if 0
		end local.get 1`)
	m.Func("dot", "i", "d", "did", `
		loop _
			local.get 1
			local.get 2 i32.const 0x7ff8 i32.and f64.load 0
			local.get 2 i32.const 0x7ff8 i32.and f64.load 32768
			f64.mul f64.add local.set 1
			local.get 2 i32.const 8 i32.add local.tee 2
			local.get 0 i32.lt_u br_if 0
		end local.get 1`)
	m.Func("leaf", "i", "i", "ii", `
		loop _
			local.get 1 local.get 2 call 5 local.set 1
			local.get 2 i32.const 1 i32.add local.tee 2
			local.get 0 i32.lt_u br_if 0
		end local.get 1`)
	m.Func("", "ii", "i", "", "local.get 0 local.get 1 i32.xor i32.const 7 i32.rotl")
	m.Func("nest", "i", "", "i", `
		loop _
			i32.const 3 call 1 drop
			local.get 1 i32.const 1 i32.add local.tee 1
			local.get 0 i32.lt_u br_if 0
		end`)
	return m.Bytes()
}

type program struct {
	name string
	arg  uint64
}

func BenchmarkGo(b *testing.B) {
	wasm, err := goPrograms()
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, wasm, []program{{"fib", 27}, {"sha256", 100}, {"sort", 100_000}, {"json", 300}, {"matmul", 150}})
}

func BenchmarkHand(b *testing.B) {
	benchmark(b, handPrograms(), []program{{"fib", 27}, {"sum", 10_000_000}, {"bytes", 10_000_000}, {"dot", 40_000_000}, {"leaf", 5_000_000}})
}

// benchmark runs programs unmetered and metered.
func benchmark(b *testing.B, wasm []byte, programs []program) {
	b.Helper()
	rewritten, err := rewrite(wasm)
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range programs {
		for _, v := range []struct {
			name string
			wasm []byte
		}{{"plain", wasm}, {"metered", rewritten}} {
			b.Run(p.name+"/"+v.name, func(b *testing.B) {
				g := &guest{slice: 1 << 20, budget: math.MaxInt64}
				g.Module = reactor(b, runtimeWith(b, g.yield), v.wasm)
				f := g.ExportedFunction(p.name)
				granted, left := g.granted, int64(0)
				if v.name == "metered" {
					left = fuelLeft(g)
				}
				for b.Loop() {
					if _, err := f.Call(b.Context(), p.arg); err != nil {
						b.Fatal(err)
					}
				}
				if v.name == "metered" {
					used := g.granted - granted - fuelLeft(g) + left
					b.ReportMetric(float64(used)/float64(b.N), "fuel/op")
				}
			})
		}
	}
}

// reactor instantiates a module that may be a WASI reactor.
func reactor(tb testing.TB, r wazero.Runtime, wasm []byte) api.Module {
	tb.Helper()
	wasi_snapshot_preview1.MustInstantiate(tb.Context(), r)
	m, err := r.InstantiateWithConfig(tb.Context(), wasm, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func BenchmarkParse(b *testing.B) {
	wasm, err := goPrograms()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wasm)))
	for b.Loop() {
		if _, err := wasmbin.Parse(wasm, wasmbin.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	m := parsed(b)
	for b.Loop() {
		if err := m.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRewrite(b *testing.B) {
	m := parsed(b)
	if err := m.Validate(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := meter.Rewrite(m, meter.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func parsed(b *testing.B) *wasmbin.Module {
	b.Helper()
	wasm, err := goPrograms()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(wasm)))
	m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return m
}
