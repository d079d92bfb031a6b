package linmem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// wazeroMemory tries once whether a guest can be told about a smaller memory
// by this version of wazero.
var wazeroMemory = sync.OnceValue(func() memoryType {
	w, err := probeShrink(context.Background())
	if err != nil {
		return memoryType{err: fmt.Errorf("%w: %w", ErrShrink, err)}
	}
	return w
})

// probeModule has a memory of one to four pages and exports
//
//	size()          memory.size
//	load(i32) i32   i32.load8_u at an address
var probeModule = slices.Concat(
	[]byte("\x00asm\x01\x00\x00\x00"),
	[]byte("\x01\x0a\x02\x60\x00\x01\x7f\x60\x01\x7f\x01\x7f"),                 // types
	[]byte("\x03\x03\x02\x00\x01"),                                             // functions
	[]byte("\x05\x04\x01\x01\x01\x04"),                                         // memory
	[]byte("\x07\x0f\x02\x04size\x00\x00\x04load\x00\x01"),                     // exports
	[]byte("\x0a\x0e\x02\x04\x00\x3f\x00\x0b\x07\x00\x20\x00\x2d\x00\x00\x0b"), // code
)

// probeShrink grows a real guest's memory by two pages, takes them away and
// asks the guest what it sees.
func probeShrink(ctx context.Context) (memoryType, error) {
	m := New(Config{Most: 4 * PageSize})
	defer m.Free()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx) //nolint:errcheck // the probe has its answer by then
	guest, err := r.Instantiate(experimental.WithMemoryAllocator(ctx, m), probeModule)
	if err != nil {
		return memoryType{}, fmt.Errorf("instantiate probe: %w", err)
	}
	w := memoryTypeOf(guest.Memory())
	if w.err != nil {
		return memoryType{}, w.err
	}
	return w, w.probe(ctx, guest, m)
}

func (w memoryType) probe(ctx context.Context, guest api.Module, m *Memory) error {
	s, err := m.Snapshot()
	if err != nil {
		return err
	}
	defer s.Close()
	if err := m.Map(s); err != nil {
		return err
	}
	if _, ok := guest.Memory().Grow(2); !ok {
		return errors.New("probe's memory did not grow")
	}
	if err := expectPages(ctx, guest, 3); err != nil {
		return err
	}
	if _, err := m.Reset(); err != nil {
		return err
	}
	if err := w.shrink(guest.Memory(), m); err != nil {
		return err
	}
	return expectPages(ctx, guest, 1)
}

// expectPages checks that the guest sees so many pages and no byte more.
func expectPages(ctx context.Context, guest api.Module, pages uint64) error {
	got, err := guest.ExportedFunction("size").Call(ctx)
	if err != nil {
		return fmt.Errorf("ask guest for its memory's size: %w", err)
	}
	if got[0] != pages {
		return fmt.Errorf("guest sees %d pages of %d", got[0], pages)
	}
	load := guest.ExportedFunction("load")
	if _, err := load.Call(ctx, pages*PageSize-1); err != nil {
		return fmt.Errorf("load in the last of %d pages: %w", pages, err)
	}
	if _, err := load.Call(ctx, pages*PageSize); err == nil {
		return fmt.Errorf("load after %d pages did not trap", pages)
	}
	return nil
}
