package artifact_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// Compiling by each path, and loading what was compiled, for a module of 40
// bytes and for a Go program of 3 MB. "wazero" is wazero alone.
func BenchmarkCompile(b *testing.B) {
	for _, module := range []struct {
		name string
		wasm []byte
	}{{"tiny", answer(42)}, {"go", guest(b)}} {
		run := func(path string, dir bool, trusted bool) {
			b.Run(module.name+"/"+path, func(b *testing.B) {
				config := artifact.Config{}
				if dir {
					config.Dir = cacheDir(b)
					once(b, config, module.wasm, false)
				}
				for b.Loop() {
					once(b, config, module.wasm, trusted)
				}
			})
		}
		run("child", false, false)
		run("process", false, true)
		run("cached", true, false)
		b.Run(module.name+"/wazero", func(b *testing.B) {
			for b.Loop() {
				wazeroOnce(b, wazero.NewCompilationCache(), module.wasm)
			}
		})
		b.Run(module.name+"/wazero-cached", func(b *testing.B) {
			dir := b.TempDir()
			wazeroOnce(b, openCache(b, dir), module.wasm)
			for b.Loop() {
				wazeroOnce(b, openCache(b, dir), module.wasm)
			}
		})
	}
}

// once compiles in a new compiler, as a new process does.
func once(b *testing.B, config artifact.Config, wasm []byte, trusted bool) {
	b.Helper()
	b.StopTimer()
	c, err := start(b.Context(), config)
	b.StartTimer()
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := c.Compile(b.Context(), c.runtime, artifact.Key{}, wasm, trusted); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	c.close(b)
	b.StartTimer()
}

func wazeroOnce(b *testing.B, cache wazero.CompilationCache, wasm []byte) {
	b.Helper()
	ctx := context.Background()
	b.StopTimer()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	b.StartTimer()
	if _, err := r.CompileModule(ctx, wasm); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if err := r.Close(ctx); err != nil {
		b.Fatal(err)
	}
	if err := cache.Close(ctx); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}

func openCache(b *testing.B, dir string) wazero.CompilationCache {
	b.Helper()
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	return cache
}
