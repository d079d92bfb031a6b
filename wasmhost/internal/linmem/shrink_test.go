package linmem_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// guestWith returns a module with a memory from least to 16 pages that exports
//
//	size() i32             memory.size
//	grow(i32) i32          memory.grow
//	load(i32) i32          i32.load8_u at an address
//	store(i32, i32)        i32.store8 at an address
func guestWith(least byte) []byte {
	return slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		[]byte("\x01\x0f\x03\x60\x00\x01\x7f\x60\x01\x7f\x01\x7f\x60\x02\x7f\x7f\x00"),
		[]byte("\x03\x05\x04\x00\x01\x01\x02"),
		[]byte("\x05\x04\x01\x01"), []byte{least}, []byte("\x10"),
		[]byte("\x07\x1e\x04\x04size\x00\x00\x04grow\x00\x01\x04load\x00\x02\x05store\x00\x03"),
		[]byte("\x0a\x1f\x04\x04\x00\x3f\x00\x0b\x06\x00\x20\x00\x40\x00\x0b"),
		[]byte("\x07\x00\x20\x00\x2d\x00\x00\x0b\x09\x00\x20\x00\x20\x01\x3a\x00\x00\x0b"),
	)
}

// guest is a real instance with its memory.
type guest struct {
	t   *testing.T
	mod api.Module
	mem *linmem.Memory
}

func start(t *testing.T, variant string, least byte, cfg wazero.RuntimeConfig) guest {
	t.Helper()
	m := linmem.NewVariant(variant, linmem.Config{Most: 12 * page})
	r := wazero.NewRuntimeWithConfig(t.Context(), cfg)
	t.Cleanup(func() { r.Close(context.WithoutCancel(t.Context())) })
	mod, err := r.Instantiate(experimental.WithMemoryAllocator(t.Context(), m), guestWith(least))
	if err != nil {
		t.Fatal(err)
	}
	return guest{t, mod, m}
}

func (g guest) call(name string, args ...uint64) (int32, error) {
	g.t.Helper()
	got, err := g.mod.ExportedFunction(name).Call(g.t.Context(), args...)
	if err != nil || len(got) == 0 {
		return 0, err
	}
	return int32(got[0]), nil
}

func (g guest) want(want int32, name string, args ...uint64) {
	g.t.Helper()
	if got, err := g.call(name, args...); err != nil || got != want {
		g.t.Errorf("%s(%d): got %d, %v, want %d", name, args, got, err, want)
	}
}

func (g guest) wantTrap(name string, args ...uint64) {
	g.t.Helper()
	if got, err := g.call(name, args...); err == nil {
		g.t.Errorf("%s(%d): got %d, want a trap", name, args, got)
	}
}

// snapshot maps the guest's memory as it is.
func (g guest) snapshot() {
	g.t.Helper()
	s, err := g.mem.Snapshot()
	if err != nil {
		g.t.Fatal(err)
	}
	defer s.Close()
	if err := g.mem.Map(s); err != nil {
		g.t.Fatal(err)
	}
	g.shrink()
}

func (g guest) reset() {
	g.t.Helper()
	if _, err := g.mem.Reset(); err != nil {
		g.t.Fatal(err)
	}
	g.shrink()
}

func (g guest) shrink() {
	g.t.Helper()
	if err := linmem.Shrink(g.mod.Memory(), g.mem); err != nil {
		g.t.Fatal(err)
	}
}

func engines() map[string]wazero.RuntimeConfig {
	return map[string]wazero.RuntimeConfig{
		"compiler":    wazero.NewRuntimeConfigCompiler(),
		"interpreter": wazero.NewRuntimeConfigInterpreter(),
	}
}

// TestShrink lets a guest grow in every attempt and asks it each time what it
// sees afterwards.
func TestShrink(t *testing.T) {
	t.Parallel()
	for engine, cfg := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			for _, variant := range variants(t) {
				t.Run(variant, func(t *testing.T) {
					t.Parallel()
					g := start(t, variant, 2, cfg)
					g.want(0, "store", 70000, 42)
					g.snapshot()
					for range 5 {
						g.want(2, "size")
						g.want(42, "load", 70000)
						g.wantTrap("load", 2*page)
						g.want(0, "store", 70000, 1)
						g.want(2, "grow", 7)
						g.want(0, "load", 9*page-1)
						g.want(0, "store", 2*page, 66)
						g.want(9, "grow", 1)
						g.want(0, "store", 10*page-1, 67)
						g.want(-1, "grow", 3) // the memory's own most is 12
						g.want(10, "size")
						g.reset()
						g.wantTrap("store", 2*page, 1)
						if _, ok := g.mod.Memory().ReadByte(2 * page); ok {
							t.Error("the host reads past the memory")
						}
					}
					g.want(2, "grow", 1)
					g.want(0, "load", 2*page)
				})
			}
		})
	}
}

// TestShrinkGrowsToo maps a snapshot larger than what the instance has.
func TestShrinkGrowsToo(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			big := start(t, variant, 1, wazero.NewRuntimeConfig())
			big.want(1, "grow", 4)
			big.want(0, "store", 5*page-1, 9)
			s, err := big.mem.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			g := start(t, variant, 1, wazero.NewRuntimeConfig())
			if err := g.mem.Map(s); err != nil {
				t.Fatal(err)
			}
			g.shrink()
			g.want(5, "size")
			g.want(9, "load", 5*page-1)
			g.wantTrap("load", 5*page)
		})
	}
}

func TestShrinkOfNothing(t *testing.T) {
	t.Parallel()
	g := start(t, "heap", 0, wazero.NewRuntimeConfig())
	g.snapshot() // nothing to tell
	g.want(0, "size")
	g.want(0, "grow", 1)
	if _, err := g.mem.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := linmem.Shrink(g.mod.Memory(), g.mem); !errors.Is(err, linmem.ErrShrink) {
		t.Errorf("got %v, want %v", err, linmem.ErrShrink)
	}
}

// notWazeros is a memory that another package implements.
type notWazeros struct{ api.Memory }

func TestShrinkRefusesOthers(t *testing.T) {
	t.Parallel()
	g := start(t, "heap", 1, wazero.NewRuntimeConfig())
	for _, mem := range []api.Memory{nil, notWazeros{g.mod.Memory()}, &notWazeros{g.mod.Memory()}} {
		if err := linmem.Shrink(mem, g.mem); !errors.Is(err, linmem.ErrShrink) {
			t.Errorf("%T: got %v, want %v", mem, err, linmem.ErrShrink)
		}
	}
	g.mem.Free()
	if err := linmem.Shrink(g.mod.Memory(), g.mem); !errors.Is(err, linmem.ErrFreed) {
		t.Errorf("got %v, want %v", err, linmem.ErrFreed)
	}
}
