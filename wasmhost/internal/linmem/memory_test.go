package linmem_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

const page = linmem.PageSize

// mapped returns a memory and the snapshot of three pages that it maps.
func mapped(t *testing.T, variant string, cfg linmem.Config) (*linmem.Memory, *linmem.Snapshot) {
	t.Helper()
	m := linmem.NewVariant(variant, cfg)
	t.Cleanup(m.Free)
	b := m.Reallocate(3 * page)
	b[0], b[page+5], b[3*page-1] = 1, 2, 3
	s, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Map(s); err != nil {
		t.Fatal(err)
	}
	return m, s
}

func TestReallocate(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			m := linmem.NewVariant(variant, linmem.Config{Most: 8 * page})
			defer m.Free()
			m.Allocate(0, 6*page)
			for _, c := range []struct {
				size, limit uint64
				fits        bool
			}{
				{0, 8 * page, true},
				{2 * page, 8 * page, true},
				{2*page + 1, 8 * page, false}, // not whole pages
				{1 * page, 8 * page, false},   // a memory never shrinks
				{4 * page, 3 * page, false},   // limit
				{4 * page, 4 * page, true},
				{4 * page, 1 * page, true},  // what it has, it keeps
				{7 * page, 8 * page, false}, // the module's own maximum
				{6 * page, 8 * page, true},
				{1 << 63, 1 << 62, false},
			} {
				m.SetLimit(int64(c.limit))
				got := m.Reallocate(c.size)
				if (got != nil) != c.fits || m.Refused() == c.fits {
					t.Errorf("%d bytes of %d: got memory %t, refused %t", c.size, c.limit, got != nil, m.Refused())
				}
			}
		})
	}
}

func TestFree(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			budget := linmem.NewBudget(100 * page)
			m, s := mapped(t, variant, linmem.Config{Budget: budget})
			if got, want := budget.InUse(), int64(6*page); got != want {
				t.Errorf("got %d bytes in use, want %d", got, want)
			}
			s.Close() // the memory keeps it
			if dirty, err := m.Reset(); err != nil {
				t.Errorf("reset to a snapshot closed by its owner: %d, %v", dirty, err)
			}
			m.Free()
			m.Free()
			if got := budget.InUse(); got != 0 {
				t.Errorf("got %d bytes in use, want 0", got)
			}
			if _, err := m.Reset(); !errors.Is(err, linmem.ErrFreed) {
				t.Errorf("reset: got %v", err)
			}
			if err := m.Map(s); !errors.Is(err, linmem.ErrFreed) {
				t.Errorf("map: got %v", err)
			}
			if _, err := m.Snapshot(); !errors.Is(err, linmem.ErrFreed) {
				t.Errorf("snapshot: got %v", err)
			}
			if m.Reallocate(page) != nil || m.Reallocate(0) != nil || m.Size() != 0 {
				t.Error("a freed memory grew")
			}
		})
	}
}

func TestMapRefuses(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			_, s := mapped(t, variant, linmem.Config{})
			small := linmem.NewVariant(variant, linmem.Config{Most: 2 * page})
			defer small.Free()
			if err := small.Map(s); !errors.Is(err, linmem.ErrTooLarge) {
				t.Errorf("got %v, want %v", err, linmem.ErrTooLarge)
			}
			poor := linmem.NewVariant(variant, linmem.Config{Budget: linmem.NewBudget(2 * page)})
			defer poor.Free()
			if err := poor.Map(s); !errors.Is(err, linmem.ErrBudget) {
				t.Errorf("got %v, want %v", err, linmem.ErrBudget)
			}
			if _, err := poor.Reset(); !errors.Is(err, linmem.ErrNoSnapshot) {
				t.Errorf("got %v, want %v", err, linmem.ErrNoSnapshot)
			}
			if b := poor.Reallocate(page); b == nil || b[0] != 0 {
				t.Error("a memory that was refused a snapshot is of no more use")
			}
		})
	}
}

// TestForeignSnapshot maps what one kind of memory saved into the other.
func TestForeignSnapshot(t *testing.T) {
	t.Parallel()
	for _, from := range linmem.Variants() {
		for _, variant := range variants(t) {
			t.Run(variant, func(t *testing.T) {
				t.Parallel()
				_, s := mapped(t, from, linmem.Config{})
				m := linmem.NewVariant(variant, linmem.Config{})
				defer m.Free()
				copy(m.Reallocate(5 * page)[2*page:], "left from before")
				if err := m.Map(s); err != nil {
					t.Fatal(err)
				}
				want := make([]byte, 3*page)
				want[0], want[page+5], want[3*page-1] = 1, 2, 3
				for range 2 {
					if !bytes.Equal(m.Reallocate(3*page), want) {
						t.Fatal("memory differs from the snapshot")
					}
					copy(m.Reallocate(4 * page)[page:], "left from a task")
					if _, err := m.Reset(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// TestSharedSnapshot has tasks write and reset beside each other.
func TestSharedSnapshot(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			first, s := mapped(t, variant, linmem.Config{})
			want := bytes.Clone(first.Reallocate(3 * page))
			var wg sync.WaitGroup
			for w := range 4 {
				wg.Go(func() {
					m := linmem.NewVariant(variant, linmem.Config{})
					defer m.Free()
					if err := m.Map(s); err != nil {
						t.Error(err)
					}
					for i := range 100 {
						b := m.Reallocate(uint64(3+i%2) * page)
						copy(b[i*100:], bytes.Repeat([]byte{byte(w)}, 5000))
						if _, err := m.Reset(); err != nil || !bytes.Equal(m.Reallocate(3*page), want) {
							t.Errorf("task %d of %d: memory differs from the snapshot: %v", i, w, err)
						}
					}
				})
			}
			wg.Wait()
			s.Close()
		})
	}
}

// TestRegrownIsZero looks for what one task left where the next one grows.
func TestRegrownIsZero(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			m, _ := mapped(t, variant, linmem.Config{})
			for _, pages := range []uint64{4, 4, 9, 4, 4, 20} {
				grown := m.Reallocate(pages * page)[3*page:]
				if !bytes.Equal(grown, make([]byte, len(grown))) {
					t.Fatalf("%d pages: a task sees what another one left", pages)
				}
				copy(grown, bytes.Repeat([]byte{255}, len(grown)))
				if _, err := m.Reset(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
