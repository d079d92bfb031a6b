package linmem_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// like returns a memory of size bytes mapped to a snapshot of which filled
// bytes aren't zero.
func like(b *testing.B, variant string, size, filled int) *linmem.Memory {
	b.Helper()
	if !linmem.Supported(variant) {
		b.Skipf("this kernel does not know %s", variant)
	}
	m := linmem.NewVariant(variant, linmem.Config{Most: 256 << 20})
	b.Cleanup(m.Free)
	bytes := m.Reallocate(uint64(size))
	for i := range bytes[:filled] {
		bytes[i] = byte(i)*31 | 1
	}
	s, err := m.Snapshot()
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := m.Map(s); err != nil {
		b.Fatal(err)
	}
	return m
}

// touch writes into n pages, spread over the memory as pairs.
func touch(bytes []byte, n int, with byte) {
	const page = 4096
	pages := len(bytes) / page
	for i := range n {
		p := i
		if 2*n <= pages {
			p = i/2*(pages/n)*2 + i%2
		}
		bytes[p*page+i%page] = with
	}
}

// BenchmarkReset writes into pages and takes that back.
func BenchmarkReset(b *testing.B) {
	cases := []struct {
		size, filled, dirty int
		like                string
	}{
		{64 << 10, 16 << 10, 3, "tiny"},
		{128 << 10, 64 << 10, 5, "small"},
		{1 << 20, 64 << 10, 5, "C guest"},
		{4 << 20, 2 << 20, 23, "warm Go guest"},
		{4 << 20, 2 << 20, 44, "Go guest"},
		{4 << 20, 2 << 20, 1024, "all of it"},
		{64 << 20, 4 << 20, 44, "large"},
		{64 << 20, 4 << 20, 4096, "large and busy"},
	}
	for _, c := range cases {
		for _, v := range linmem.Variants() {
			b.Run(fmt.Sprintf("%s/%dKiB/%dpages/%s", c.like, c.size>>10, c.dirty, v), func(b *testing.B) {
				m := like(b, v, c.size, c.filled)
				bytes := m.Reallocate(uint64(c.size))
				for b.Loop() {
					touch(bytes, c.dirty, 7)
					if _, err := m.Reset(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkResetGrown takes back 16 MiB that the guest grew by and touched or
// not.
func BenchmarkResetGrown(b *testing.B) {
	for _, v := range linmem.Variants() {
		for _, pages := range []int{0, 44, 4096} {
			b.Run(fmt.Sprintf("%dpages/%s", pages, v), func(b *testing.B) {
				m := like(b, v, 1<<20, 64<<10)
				for b.Loop() {
					bytes := m.Reallocate(17 << 20)
					touch(bytes[1<<20:], pages, 7)
					if _, err := m.Reset(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkMap makes a memory ready for a guest and gives it back.
func BenchmarkMap(b *testing.B) {
	for _, v := range linmem.Variants() {
		b.Run(v, func(b *testing.B) {
			m := like(b, v, 4<<20, 2<<20)
			s, err := m.Snapshot()
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			for b.Loop() {
				m := linmem.NewVariant(v, linmem.Config{Most: linmem.MaxSize})
				if err := m.Map(s); err != nil {
					b.Fatal(err)
				}
				m.Free()
			}
		})
	}
}

// BenchmarkSnapshot takes snapshots of 4 MiB, half of them zero.
func BenchmarkSnapshot(b *testing.B) {
	for _, v := range linmem.Variants() {
		b.Run(v, func(b *testing.B) {
			m := like(b, v, 4<<20, 2<<20)
			for b.Loop() {
				s, err := m.Snapshot()
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

// BenchmarkShrink tells an instance that nothing changed, or that it is two
// pages smaller; the latter includes growing and resetting.
func BenchmarkShrink(b *testing.B) {
	for _, grow := range []uint64{0, 2} {
		b.Run(fmt.Sprintf("%dpages", grow), func(b *testing.B) {
			m := linmem.New(linmem.Config{Most: 12 * page})
			r := wazero.NewRuntime(b.Context())
			defer r.Close(b.Context())
			mod, err := r.Instantiate(experimental.WithMemoryAllocator(b.Context(), m), guestWith(2))
			if err != nil {
				b.Fatal(err)
			}
			s, err := m.Snapshot()
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if err := m.Map(s); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if grow > 0 {
					mod.Memory().Grow(uint32(grow))
					if _, err := m.Reset(); err != nil {
						b.Fatal(err)
					}
				}
				if err := linmem.Shrink(mod.Memory(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDelta compares pages of which some bytes differ, or all, and writes what
// differs into them.
func BenchmarkDelta(b *testing.B) {
	for _, v := range linmem.Variants() {
		for _, pages := range []int{10, 1000} {
			for _, all := range []bool{false, true} {
				m := like(b, v, 8<<20, 8<<20)
				bytes := m.Reallocate(8 << 20)
				touch(bytes, pages, 0)
				for i := 0; all && i < pages*4096; i++ {
					bytes[i] ^= 255
				}
				d, err := m.Delta(math.MaxInt64)
				if err != nil {
					b.Fatal(err)
				}
				b.Run(fmt.Sprintf("compare/%dpages/all=%t/%s", pages, all, v), func(b *testing.B) {
					for b.Loop() {
						if _, err := m.Delta(math.MaxInt64); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(len(d.Patches())), "B/delta")
				})
				b.Run(fmt.Sprintf("apply/%dpages/all=%t/%s", pages, all, v), func(b *testing.B) {
					for b.Loop() {
						if err := m.Apply(d); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
