package wasmhost_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// counting is a module of pages pages, or without a memory, whose f counts in globals
// of every type, runs body, and returns all counts in one number.
func counting(pages int, body string) []byte {
	var m asm.Module
	if pages >= 0 {
		m.Memory(pages, 9)
	}
	m.Table('a', 3, -1)
	m.PassiveElements()
	m.Global('i', true, "i32.const 0")
	m.Global('d', true, "f64.const 0")
	m.Global('l', true, "i64.const 1")
	m.Global('f', true, "f32.const 1")
	m.Func("f", "", "i", "", `
		global.get 0 i32.const 1 i32.add global.set 0
		global.get 1 f64.const 1 f64.add global.set 1
		global.get 2 i64.const 3 i64.mul global.set 2
		global.get 3 f32.const 2 f32.mul global.set 3 `+body+`
		global.get 0
		global.get 1 i32.trunc_f64_s i32.const 10 i32.mul i32.add
		global.get 2 i32.wrap_i64 i32.const 1000 i32.mul i32.add
		global.get 3 i32.trunc_f32_s i32.const 100000 i32.mul i32.add`)
	return m.Bytes()
}

// counted calls f, which fails with its counts.
func counted(t *testing.T, m *wasmhost.Module, from *wasmhost.Image) (string, wasmhost.Result) {
	t.Helper()
	opt := options()
	opt.From, opt.Keep = from, true
	r, err := m.Call(t.Context(), "f", nil, opt)
	var e *wasmhost.TrapError
	if !errors.As(err, &e) || e.Kind != wasmhost.KindError {
		t.Fatal(err)
	}
	return strings.Fields(e.Message)[3], r // the task returned …
}

const (
	inMemory = `i32.const 8 i32.const 8 i32.load 0 i32.const 5 i32.add i32.store 0
		i32.const 8 i32.load 0 global.get 0 i32.add global.set 0 `
	atTheEnd = `i32.const 1 memory.grow drop memory.size i32.const 65536 i32.mul i32.const 4 i32.sub memory.size i32.store 0
		memory.size i32.const 65536 i32.mul i32.const 4 i32.sub i32.load 0 global.set 0 `
)

// TestImageOfCode keeps memories of every kind, and globals of every type.
func TestImageOfCode(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, c := range map[string]struct {
				pages int
				body  string
				first [3]int // what global 0 is
			}{
				"no memory":      {-1, "", [3]int{1, 2, 3}},
				"an empty one":   {0, "", [3]int{1, 2, 3}},
				"one from empty": {0, atTheEnd, [3]int{1, 2, 3}},
				"a page":         {1, inMemory, [3]int{6, 17, 33}},
				"one that grows": {2, atTheEnd, [3]int{3, 4, 5}},
			} {
				m := hostWith(t, config, counting(c.pages, c.body))
				var image *wasmhost.Image
				three, two := 1, 1
				for i := range 3 {
					three, two = three*3, two*2
					want := fmt.Sprint(c.first[i] + 10*(i+1) + 1000*three + 100_000*two)
					for range 2 { // the image it begins with stays what it is
						got, r := counted(t, m, image)
						if got != want || r.Image == nil {
							t.Fatalf("%s: call %d: got %s, want %s, image %q", name, i, got, want, r.NoImage)
						}
						if i == 2 {
							continue
						}
						defer func(after *wasmhost.Image) {
							if after.Size() > 500 {
								t.Errorf("%s: got an image of %d bytes", name, after.Size())
							}
						}(r.Image)
					}
					_, r := counted(t, m, image)
					image = r.Image
				}
			}
		})
	}
}

// TestNoImage wants a reason where there can't be an image.
func TestNoImage(t *testing.T) {
	t.Parallel()
	for name, config := range ways() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, body := range map[string]string{
				"a table set":      "i32.const 0 ref.null a table.set 0",
				"a table filled":   "i32.const 0 ref.null a i32.const 1 table.fill 0",
				"a table larger":   "ref.null a i32.const 1 table.grow 0 drop",
				"a segment gone":   "elem.drop 0",
				"a table from one": "i32.const 0 i32.const 0 i32.const 0 table.init 0 0",
			} {
				m := hostWith(t, config, counting(1, body))
				if _, r := counted(t, m, nil); r.Image != nil || r.NoImage != "the guest has changed tables or dropped segments" {
					t.Errorf("%s: got an image %t, reason %q", name, r.Image != nil, r.NoImage)
				}
			}
			var asks asm.Module
			asks.ImportFunc("graflow_v1", "input_len", "", "i")
			asks.Func("_initialize", "", "", "", "call 0 drop")
			asks.Func("f", "", "i", "", "i32.const 0")
			for why, wasm := range map[string][]byte{
				"its initialization calls input_len": asks.Bytes(),
				"no images: only graflow-v1 modules": guestBytes(t, buildCommand),
			} {
				m := hostWith(t, config, wasm)
				for _, opt := range []wasmhost.Options{{Keep: true}, {From: &wasmhost.Image{}}} {
					_, err := m.Call(t.Context(), m.Describe().Tasks[0].Name, nil, opt)
					if !errors.Is(err, wasmhost.ErrNoImage) || !strings.Contains(err.Error(), why) {
						t.Errorf("got %v, want ErrNoImage: %s", err, why)
					}
				}
			}
		})
	}
}
