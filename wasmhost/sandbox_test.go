package wasmhost_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

var buildPowers = sync.OnceValues(func() ([]byte, error) { return build("powers", "-buildmode=c-shared") })

func abilities(tb testing.TB) *wasmhost.Module {
	tb.Helper()
	return compile(tb, guestBytes(tb, buildPowers))
}

// text is the output of a call without input, without quotes.
func text(t *testing.T, m *wasmhost.Module, export string, opt wasmhost.Options) string {
	t.Helper()
	return strings.Trim(string(call(t, m, export, "", opt).Output), `"`)
}

// TestPristine runs a task that leaves a secret in globals, on its heap and in
// memory that it grew, many times in the same sandbox.
func TestPristine(t *testing.T) {
	t.Parallel()
	for _, portable := range []bool{false, true} {
		t.Run(fmt.Sprintf("portable=%v", portable), func(t *testing.T) {
			t.Parallel()
			m := hostWith(t, wasmhost.Config{Portable: portable}, guestBytes(t, buildPowers))
			for i := range 8 {
				r := call(t, m, "keep", fmt.Sprintf(`"secret %d"`, i), options())
				if got := string(r.Output); got != `"nothing"` {
					t.Fatalf("task %d found %s of the one before", i, got)
				}
				if r.Ledger.PagesDirtied == 0 {
					t.Error("got no pages dirtied: its sandbox was not reset")
				}
			}
			if got := text(t, m, "warmed", options()); got != "warm" {
				t.Errorf("got %q, want what graflow_warmup left", got)
			}
		})
	}
}

// hostWith compiles wasm in a host of its own.
func hostWith(tb testing.TB, config wasmhost.Config, wasm []byte) *wasmhost.Module {
	tb.Helper()
	config.CacheDir = filepath.Join(guestDir, "cache") // compiled once for all
	h, err := wasmhost.New(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := h.Close(tb.Context()); err != nil {
			tb.Error(err)
		}
	})
	m, err := h.Compile(tb.Context(), wasm)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// TestShapes gives one module different environments: each has a snapshot of
// its own, since a Go guest reads its environment when it initializes.
func TestShapes(t *testing.T) {
	t.Parallel()
	for i := range 40 {
		opt := options()
		who := fmt.Sprint("guest", i%20)
		opt.Grants.Env = map[string]string{"WHO": who}
		if got := text(t, abilities(t), "env", opt); got != who {
			t.Fatalf("got %q, want %q", got, who)
		}
	}
}

// A module whose memory of one page grows by three, and answers with its size.
var growModule = module(0x41, 3, 0x40, 0, 0x1a, 0x3f, 0, 0x0b)

func TestGrownMemoryShrinks(t *testing.T) {
	t.Parallel()
	m := compile(t, growModule)
	for range 4 {
		e := trap(t, m, "f", "", wasmhost.KindError, options())
		if !strings.Contains(e.Message, "returned 4 ") {
			t.Fatalf("got %q, want a memory of 1+3 pages", e.Message)
		}
	}
}

func TestWhyNoSnapshot(t *testing.T) {
	t.Parallel()
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	// _initialize calls input_len, so that each call has an own state.
	asks := slices.Concat(header,
		section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0),
		section(2, slices.Concat([]byte{1}, name("graflow_v1"), name("input_len"), []byte{0, 0})...),
		section(3, 2, 1, 0), section(5, 1, 0, 1), section(6, 1, 0x7f, 1, 0x41, 0, 0x0b),
		section(7, slices.Concat([]byte{2}, name("_initialize"), []byte{0, 1}, name("f"), []byte{0, 2})...),
		section(10, 2, 6, 0, 0x10, 0, 0x24, 0, 0x0b, 4, 0, 0x23, 0, 0x0b))
	m := compile(t, asks)
	if err := m.Prewarm(t.Context(), 1, wasmhost.Options{}); err != nil {
		t.Fatal(err)
	}
	if d := m.Describe(); d.Snapshotable || !strings.Contains(d.WhyNot, "input_len") {
		t.Errorf("got %v, %q, want no snapshot because of input_len", d.Snapshotable, d.WhyNot)
	}
	for _, input := range []string{`1`, `[1,2]`} {
		e := trap(t, m, "f", input, wasmhost.KindError, options())
		if want := fmt.Sprintf("returned %d ", len(input)); !strings.Contains(e.Message, want) {
			t.Errorf("got %q, want its own input's length", e.Message)
		}
	}
	guest := abilities(t)
	if err := guest.Prewarm(t.Context(), 2, options()); err != nil {
		t.Fatal(err)
	}
	if d := guest.Describe(); !d.Snapshotable || d.WhyNot != "" {
		t.Errorf("a Go guest: got %v, %q", d.Snapshotable, d.WhyNot)
	}
}

// TestSnapshotLargerThanLimit starts calls with less memory than the snapshot has,
// between calls with enough: each finds what an own instance would.
func TestSnapshotLargerThanLimit(t *testing.T) {
	t.Parallel()
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	grows := slices.Concat(header,
		section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0), section(3, 2, 1, 0), section(5, 1, 0, 1),
		section(7, slices.Concat([]byte{2}, name("_initialize"), []byte{0, 0}, name("f"), []byte{0, 1})...),
		section(10, 2, 7, 0, 0x41, 3, 0x40, 0, 0x1a, 0x0b, 4, 0, 0x3f, 0, 0x0b))
	m := compile(t, grows)
	for range 3 {
		for _, tc := range []struct{ limit, want int64 }{{3, 1}, {4, 4}, {100, 4}, {3, 1}} {
			opt := options()
			opt.Limits.Memory = tc.limit << 16
			e := trap(t, m, "f", "", wasmhost.KindError, opt)
			if want := fmt.Sprintf("returned %d ", tc.want); !strings.Contains(e.Message, want) {
				t.Errorf("limit of %d pages: got %q, want %d pages", tc.limit, e.Message, tc.want)
			}
		}
	}
}

func TestInitializationFails(t *testing.T) {
	t.Parallel()
	name := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	broken := slices.Concat(header,
		section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 0, 0), section(3, 2, 1, 0),
		section(7, slices.Concat([]byte{2}, name("_initialize"), []byte{0, 0}, name("f"), []byte{0, 1})...),
		section(10, 2, 3, 0, 0x00, 0x0b, 4, 0, 0x41, 0, 0x0b))
	for range 2 {
		e := trap(t, compile(t, broken), "f", "", wasmhost.KindTrap, options())
		if e.Message != "initialization: unreachable" || e.Export != "f" {
			t.Errorf("got %v", e)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{IdleBytes: -1}, guestBytes(t, buildPowers))
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			opt := options()
			opt.Grants.Env = map[string]string{"WHO": fmt.Sprint(i % 3)}
			r, err := m.Call(t.Context(), "env", nil, opt)
			if err != nil || string(r.Output) != fmt.Sprintf("%q", fmt.Sprint(i%3)) {
				t.Errorf("got %s, %v", r.Output, err)
			}
		})
	}
	all.Wait()
}

func TestMemoryBudget(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{MemoryBytes: 1 << 20}, guestBytes(t, buildPowers))
	e := trap(t, m, "env", "", wasmhost.KindMemory, options())
	if !errors.Is(e, wasmhost.ErrMemory) || !strings.Contains(e.Message, "the host has no ") {
		t.Errorf("got %v", e)
	}
}

// TestMemoryBudgetIsShared gives up what idles for one module when another one
// needs the memory, back and forth.
func TestMemoryBudgetIsShared(t *testing.T) {
	t.Parallel()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{MemoryBytes: 100 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close(context.Background()) })
	var modules []*wasmhost.Module
	for i := range byte(2) {
		// A memory of 512 pages, half of the budget with its snapshot.
		wasm := slices.Concat(header, section(1, 1, 0x60, 0, 1, 0x7f), section(3, 1, 0), section(5, 1, 0, 0x80, 4),
			section(7, 1, 1, 'f', 0, 0), section(10, 1, 4, 0, 0x41, i, 0x0b))
		m, err := h.Compile(t.Context(), wasm)
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, m)
	}
	for range 3 {
		for i, m := range modules {
			_, err := m.Call(t.Context(), "f", nil, options())
			if failed := i != 0; failed != (err != nil) || errors.Is(err, wasmhost.ErrMemory) {
				t.Errorf("module %d: got %v", i, err)
			}
		}
	}
}

func TestModuleClose(t *testing.T) {
	t.Parallel()
	m := hostWith(t, wasmhost.Config{}, growModule)
	_ = trap(t, m, "f", "", wasmhost.KindError, options())
	for range 2 {
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Call(t.Context(), "f", nil, options()); !errors.Is(err, wasmhost.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}
