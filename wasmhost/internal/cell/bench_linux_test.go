package cell_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

func BenchmarkStart(b *testing.B) {
	p := newPool(b, cell.Config{})
	for b.Loop() {
		c := get(b, p, "a")
		c.Kill("the next one is to start")
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"empty", 0}, {"4KiB", 4 << 10}, {"1MiB", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			p := newPool(b, cell.Config{})
			c := get(b, p, "a")
			defer c.Done()
			data := make([]byte, size.bytes)
			b.SetBytes(int64(2 * size.bytes))
			for b.Loop() {
				if err := c.Write(kindEcho, nil, data); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	p := newPool(b, cell.Config{})
	for b.Loop() {
		get(b, p, "a").Done()
	}
}
