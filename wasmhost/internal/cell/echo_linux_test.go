package cell_test

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/cell"
)

func newPool(tb testing.TB, config cell.Config) *cell.Pool {
	tb.Helper()
	if !cell.Enabled() {
		tb.Skip("this system has no cells")
	}
	p, err := cell.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
		if s := p.Stats(); s.Alive != 0 || s.Idle != 0 {
			tb.Errorf("after Close: %+v", s)
		}
	})
	return p
}

func get(tb testing.TB, p *cell.Pool, tenant string) *cell.Cell {
	tb.Helper()
	c, err := p.Get(tb.Context(), cell.Want{Tenant: tenant})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestEcho(t *testing.T) {
	t.Parallel()
	p := newPool(t, cell.Config{})
	c := get(t, p, "a")
	for _, size := range []int{0, 1, 1000, 65536, 1 << 20, 5<<20 + 3} {
		data := strings.Repeat("x", size)
		if err := c.Write(kindEcho, []byte("header"), []byte(data)); err != nil {
			t.Fatal(err)
		}
		f, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		if string(f.Header) != "header" || string(f.Data) != data {
			t.Errorf("%d bytes came back as %q and %d", size, f.Header, len(f.Data))
		}
	}
	c.Done()
	if again := get(t, p, "a"); again != c {
		t.Error("the idle cell was not used")
	} else {
		again.Done()
	}
	other := get(t, p, "b")
	if other == c {
		t.Error("a cell served two tenants")
	}
	other.Done()
}
