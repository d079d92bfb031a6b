package wasmhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// sayModule logs its input, which in a cell of these tests is a deed.
func sayModule(mark string) []byte {
	var m asm.Module
	m.ImportFunc("graflow_v1", "input_len", "", "i")
	m.ImportFunc("graflow_v1", "input_read", "ii", "i")
	m.ImportFunc("graflow_v1", "log", "iii", "")
	m.Memory(1, 1)
	m.PassiveData(mark)
	m.Func("say", "", "i", "i", `i32.const 0 call 0 call 1 local.set 0 i32.const 0 i32.const 0 local.get 0 call 2 i32.const 0`)
	return m.Bytes()
}

// isolated compiles a module whose calls run in cells, in a host of its own.
func isolated(tb testing.TB, config wasmhost.Config, wasm []byte) *wasmhost.Module {
	tb.Helper()
	if runtime.GOOS != "linux" {
		tb.Skip("there are cells on Linux only")
	}
	config.Isolate = func(string) bool { return true }
	config.Logger = slog.New(slog.DiscardHandler)
	return hostWith(tb, config, wasm)
}

// say has a guest in a cell do something, and returns what it logs.
func say(ctx context.Context, m *wasmhost.Module, what string, opt wasmhost.Options) (logged string, err error) {
	var lines []string
	opt.Services.Log = func(_ slog.Level, line string) { lines = append(lines, line) }
	opt.Services.Control = &embedder{}
	_, err = m.Call(ctx, "say", []byte(strconv.Quote(what)), opt)
	return strings.Join(lines, "\n"), err
}

// TestCellCrash ends cells in every way there is: each costs the call, which says so,
// and nothing else.
func TestCellCrash(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var deaths []wasmhost.CellDeath
	m := isolated(t, wasmhost.Config{Cells: wasmhost.CellConfig{
		Kills: -1,
		Died: func(d wasmhost.CellDeath) {
			mu.Lock()
			defer mu.Unlock()
			deaths = append(deaths, d)
		},
	}}, sayModule("crash"))
	no := false
	for what, how := range map[string]string{
		"fault":        "exit code 2",
		"exit":         "exit code 3",
		"thread":       "exit code 2",
		"rubbish":      "broke the protocol",
		"no header":    "broke the protocol",
		"other secret": "broke the protocol",
		"other tool":   "broke the protocol",
		"some tools":   "broke the protocol",
		"channel":      "broke the protocol",
		"not JSON":     "broke the protocol",
		"print":        "broke the protocol",
		"no such":      "broke the protocol",
		"file":         "broke the protocol",
		"log flood":    "broke the protocol",
	} {
		opt := options()
		opt.Tenant = what // so that its cell is its own
		opt.Grants = wasmhost.Grants{Secrets: []string{"mine"}, Tools: []string{"mine"}, Channel: &no}
		opt.Services.Secrets, opt.Services.Tools, opt.Services.Channel = nobody{t}, nobody{t}, nobody{t}
		var neighbor sync.WaitGroup
		neighbor.Go(func() {
			if got, err := say(t.Context(), m, "hello", options()); err != nil || got != `"hello"` {
				t.Errorf("beside %q: got %q, %v", what, got, err)
			}
		})
		_, err := say(t.Context(), m, what, opt)
		var e *wasmhost.TrapError
		if !errors.As(err, &e) || e.Kind != wasmhost.KindCrash || !errors.Is(err, wasmhost.ErrCrash) || e.Permanent || !strings.Contains(e.Message, how) {
			t.Errorf("%s: got %v, want a crash of %q", what, err, how)
		}
		neighbor.Wait()
		if got, err := say(t.Context(), m, "again", opt); err != nil || got != `"again"` {
			t.Errorf("after %q: got %q, %v", what, got, err)
		}
		mu.Lock()
		if n := len(deaths); n == 0 || !strings.Contains(deaths[n-1].How, how) || deaths[n-1].Digest != m.Digest() ||
			deaths[n-1].Tenant != what || deaths[n-1].Export != "say" || deaths[n-1].Kills != n {
			t.Errorf("%s: told of %+v", what, deaths)
		}
		mu.Unlock()
	}
	if i := slices.IndexFunc(deaths, func(d wasmhost.CellDeath) bool { return d.Tenant == "thread" }); !strings.Contains(deaths[i].Stderr, "panic: out of reach") {
		t.Errorf("got stderr %q, want what Go said", deaths[i].Stderr)
	}
}

// nobody must not be asked.
type nobody struct{ t *testing.T }

func (n nobody) Secret(_ context.Context, name string) ([]byte, error) {
	n.t.Errorf("asked for secret %q", name)
	return nil, abi.NotFound
}

func (n nobody) CallTool(_ context.Context, name string, _ json.RawMessage) (json.RawMessage, error) {
	n.t.Errorf("called tool %q", name)
	return nil, abi.NotFound
}

func (n nobody) Get(context.Context, string) (json.RawMessage, error) { return nil, abi.NotFound }
func (n nobody) Keys(context.Context, string) ([]string, error)       { return nil, abi.NotFound }
func (n nobody) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	n.t.Errorf("asked to %s %q", op.Kind, op.Key)
	return nil
}

// TestCellStuck ends a cell that does not end its guest.
func TestCellStuck(t *testing.T) {
	t.Parallel()
	m := isolated(t, wasmhost.Config{}, sayModule("stuck"))
	opt := options()
	opt.Limits.Timeout = 50 * time.Millisecond
	if _, err := say(t.Context(), m, "stuck", opt); !errors.Is(err, wasmhost.ErrTimeout) {
		t.Errorf("got %v, want a timeout", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := say(ctx, m, "stuck", options()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want it canceled", err)
	}
}

// TestCellHasNothing looks at a cell's process from inside.
func TestCellHasNothing(t *testing.T) {
	t.Setenv("GRAFLOW_TEST_SECRET", "hunter2")
	m := isolated(t, wasmhost.Config{}, sayModule("nothing"))
	if got, err := say(t.Context(), m, "environment", options()); err != nil || got != "" {
		t.Errorf("got an environment of %q, %v", got, err)
	}
}

// TestCellTenants has cells serve one tenant, and be replaced in time.
func TestCellTenants(t *testing.T) {
	t.Parallel()
	m := isolated(t, wasmhost.Config{Cells: wasmhost.CellConfig{Calls: 3, Idle: 4}}, sayModule("tenants"))
	seen := map[string][]string{}
	for range 4 {
		for _, tenant := range []string{"", "a", "b"} {
			opt := options()
			opt.Tenant = tenant
			who, err := say(t.Context(), m, "who", opt)
			if err != nil {
				t.Fatal(err)
			}
			seen[tenant] = append(seen[tenant], who)
		}
	}
	var all []string
	for tenant, by := range seen {
		if by[0] != by[1] || by[1] != by[2] || by[2] == by[3] {
			t.Errorf("tenant %q was served by %v, want a new cell after 3 calls", tenant, by)
		}
		all = append(all, slices.Compact(by)...)
	}
	if slices.Sort(all); len(slices.Compact(all)) != 6 {
		t.Errorf("tenants shared cells: %v", seen)
	}
}

// TestQuarantine refuses a module that has ended as many cells as it may.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	m := isolated(t, wasmhost.Config{Cells: wasmhost.CellConfig{Kills: 2}}, sayModule("quarantine"))
	for range 2 {
		if _, err := say(t.Context(), m, "exit", options()); !errors.Is(err, wasmhost.ErrCrash) {
			t.Fatalf("got %v, want a crash", err)
		}
	}
	_, err := say(t.Context(), m, "hello", options())
	var e *wasmhost.TrapError
	if !errors.As(err, &e) || e.Kind != wasmhost.KindQuarantined || !errors.Is(err, wasmhost.ErrQuarantined) || !e.Permanent {
		t.Errorf("got %v, want it quarantined for good", err)
	}
	// Where the embedder keeps account, its word is all that counts.
	refused := true
	m = isolated(t, wasmhost.Config{Cells: wasmhost.CellConfig{Kills: 1, Quarantined: func(string) string {
		if refused {
			return "by order"
		}
		return ""
	}}}, sayModule("order"))
	if _, err := say(t.Context(), m, "hello", options()); !errors.Is(err, wasmhost.ErrQuarantined) || !strings.Contains(err.Error(), "by order") {
		t.Errorf("got %v, want it quarantined by order", err)
	}
	refused = false
	if _, err := say(t.Context(), m, "exit", options()); !errors.Is(err, wasmhost.ErrCrash) {
		t.Errorf("got %v, want a crash", err)
	}
	if _, err := say(t.Context(), m, "hello", options()); err != nil {
		t.Errorf("got %v, though the order was lifted", err)
	}
}

// TestCompileIsolated compiles one module both ways in one host.
func TestCompileIsolated(t *testing.T) {
	t.Parallel()
	isolated(t, wasmhost.Config{}, sayModule("skips where there are no cells"))
	h, err := wasmhost.New(t.Context(), wasmhost.Config{CacheDir: filepath.Join(guestDir, "cache")})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	wasm := sayModule("both")
	here, err := h.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	there, err := h.CompileIsolated(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.CompileIsolated(t.Context(), wasm); again != there || here == there || err != nil {
		t.Errorf("got %p twice %p, %v", there, again, err)
	}
	if here.Digest() != there.Digest() {
		t.Errorf("got digests %s and %s", here.Digest(), there.Digest())
	}
	for _, m := range []*wasmhost.Module{here, there} {
		r, err := m.Call(t.Context(), "say", []byte(`"hello"`), options())
		if err != nil || r.Ledger.Fuel == 0 {
			t.Errorf("got %+v, %v", r, err)
		}
	}
	if err := there.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := there.Call(t.Context(), "say", nil, options()); !errors.Is(err, wasmhost.ErrClosed) {
		t.Errorf("got %v, want it closed", err)
	}
	if _, err := here.Call(t.Context(), "say", nil, options()); err != nil {
		t.Errorf("the other one is closed too: %v", err)
	}
}

// BenchmarkIsolated is what a cell costs a call that does next to nothing.
func BenchmarkIsolated(b *testing.B) {
	opt := options()
	for _, mode := range []string{"process", "inproc"} {
		b.Run(mode, func(b *testing.B) {
			config := wasmhost.Config{}
			if mode == "process" {
				config.Isolate = func(string) bool { return true }
			}
			m := hostWith(b, config, sayModule("bench"))
			if _, err := m.Call(b.Context(), "say", []byte(`"x"`), opt); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Call(b.Context(), "say", []byte(`"x"`), opt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("start", func(b *testing.B) {
		m := hostWith(b, wasmhost.Config{Isolate: func(string) bool { return true }, Cells: wasmhost.CellConfig{Calls: 1}}, sayModule("bench"))
		for b.Loop() {
			if _, err := m.Call(b.Context(), "say", []byte(`"x"`), opt); err != nil {
				b.Fatal(err)
			}
		}
	})
}
