package wasmhost_test

import (
	"fmt"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// scribbler is a module with eight MiB that aren't zero. Its f writes to n pages of
// 4 KiB: some bytes in each, or all of them.
func scribbler(n int, all bool) []byte {
	step := 4096
	if all {
		step = 8
	}
	var m asm.Module
	m.Memory(128, 256)
	m.Global('l', true, "i64.const 0")
	m.Func("_initialize", "", "", "", "i32.const 0 i32.const 7 i32.const 8388608 memory.fill")
	m.Func("f", "", "i", "i", fmt.Sprintf(`
		global.get 0 i64.const 0x123456789abcdef i64.add global.set 0
		loop _
			local.get 0 global.get 0 local.get 0 i64.extend_i32_u i64.add i64.store 0
			local.get 0 i32.const %d i32.add local.tee 0
			i32.const %d i32.lt_u br_if 0
		end
		i32.const 0`, step, n*4096))
	return m.Bytes()
}

// BenchmarkImage compares a call with one that leaves an image, one that begins with
// it, and one that does both.
func BenchmarkImage(b *testing.B) {
	for _, portable := range []bool{false, true} {
		for _, all := range []bool{false, true} {
			for _, pages := range []int{10, 100, 1000} {
				m := hostWith(b, wasmhost.Config{Portable: portable}, scribbler(pages, all))
				r, err := m.Call(b.Context(), "f", nil, wasmhost.Options{Keep: true})
				if err != nil {
					b.Fatal(err)
				}
				for _, c := range []struct {
					name string
					opt  wasmhost.Options
				}{
					{"plain", wasmhost.Options{}},
					{"keep", wasmhost.Options{Keep: true}},
					{"from", wasmhost.Options{From: r.Image}},
					{"both", wasmhost.Options{From: r.Image, Keep: true}},
				} {
					b.Run(fmt.Sprintf("portable=%t/all=%t/%dpages/%s", portable, all, pages, c.name), func(b *testing.B) {
						var size int64
						for b.Loop() {
							r, err := m.Call(b.Context(), "f", nil, c.opt)
							if err != nil {
								b.Fatal(err)
							}
							if r.Image != nil {
								size = r.Image.Size()
							}
						}
						b.ReportMetric(float64(size), "B/image")
					})
				}
			}
		}
	}
}

// BenchmarkImageBytes takes an image to another process.
func BenchmarkImageBytes(b *testing.B) {
	m := hostWith(b, wasmhost.Config{}, scribbler(1000, false))
	r, err := m.Call(b.Context(), "f", nil, wasmhost.Options{Keep: true})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(r.Image.Size())
	for b.Loop() {
		moved(b, r.Image)
	}
}

// BenchmarkSessions has a thousand sessions of a Go guest say something in turn.
func BenchmarkSessions(b *testing.B) {
	m := hostWith(b, wasmhost.Config{}, guestBytes(b, buildSession))
	sessions := make([]session, 1000)
	for i := range sessions {
		sessions[i] = session{tb: b, m: m, opt: reproducible()}
		sessions[i].say("the first")
	}
	next := 0
	for b.Loop() {
		sessions[next%len(sessions)].say("one more")
		next++
	}
	var held int64
	for _, s := range sessions {
		held += s.image.Size()
	}
	b.ReportMetric(float64(held), "B/1000images")
}
