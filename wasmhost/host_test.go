package wasmhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	dir, err := os.MkdirTemp("", "wasmhost-guests")
	if err != nil {
		panic(err)
	}
	guestDir = dir
	code := m.Run()
	if sharedHost != nil {
		if err := sharedHost.Close(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "close host:", err)
			code = 1
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

var (
	guestDir   string
	sharedHost *wasmhost.Host
	openShared = sync.OnceValues(func() (*wasmhost.Host, error) {
		var err error
		sharedHost, err = wasmhost.New(context.Background(), wasmhost.Config{
			CacheDir: filepath.Join(guestDir, "cache"), Logger: slog.New(slog.DiscardHandler), Isolate: isolate(),
		})
		return sharedHost, err
	})
	buildTasks   = sync.OnceValues(func() ([]byte, error) { return build("tasks", "-buildmode=c-shared") })
	buildCommand = sync.OnceValues(func() ([]byte, error) { return build("command") })
)

// isolatedVariable in the environment has all tests run their guests in cells.
const isolatedVariable = "GRAFLOW_TEST_ISOLATED"

// isolate is what the hosts of the tests have as Config.Isolate.
func isolate() func(string) bool {
	if os.Getenv(isolatedVariable) == "" {
		return nil
	}
	return func(string) bool { return true }
}

// build compiles testdata/name for wasip1.
func build(name string, flags ...string) ([]byte, error) {
	return buildFrom("./testdata/"+name, name, flags...)
}

// buildFrom compiles a package for wasip1.
func buildFrom(source, name string, flags ...string) ([]byte, error) {
	out := filepath.Join(guestDir, name+".wasm")
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, source)...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build guest %s: %w\n%s", name, err, text)
	}
	return os.ReadFile(out)
}

func host(tb testing.TB) *wasmhost.Host {
	tb.Helper()
	h, err := openShared()
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// compile compiles in the host that all tests share.
func compile(tb testing.TB, wasm []byte) *wasmhost.Module {
	tb.Helper()
	m, err := host(tb).Compile(tb.Context(), wasm)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func guestBytes(tb testing.TB, build func() ([]byte, error)) []byte {
	tb.Helper()
	wasm, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

func tasks(tb testing.TB) *wasmhost.Module {
	tb.Helper()
	return compile(tb, guestBytes(tb, buildTasks))
}

func command(tb testing.TB) *wasmhost.Module {
	tb.Helper()
	return compile(tb, guestBytes(tb, buildCommand))
}

// options name the module and bound a test that would hang.
func options() wasmhost.Options {
	return wasmhost.Options{Name: "img", Limits: wasmhost.Limits{Timeout: 30 * time.Second}}
}

func TestCompileSharesByDigest(t *testing.T) {
	t.Parallel()
	wasm := guestBytes(t, buildTasks)
	var wg sync.WaitGroup
	got := make([]*wasmhost.Module, 4)
	for i := range got {
		wg.Go(func() { got[i], _ = host(t).Compile(t.Context(), wasm) })
	}
	wg.Wait()
	for _, m := range got {
		if m == nil || m != got[0] {
			t.Fatalf("got %v, want one module four times", got)
		}
	}
}

func TestClosedHost(t *testing.T) {
	t.Parallel()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.Compile(t.Context(), trapModule)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Compile(t.Context(), trapModule); !errors.Is(err, wasmhost.ErrClosed) {
		t.Errorf("compile: got %v, want ErrClosed", err)
	}
	if _, err := m.Call(t.Context(), "f", nil, wasmhost.Options{}); !errors.Is(err, wasmhost.ErrClosed) {
		t.Errorf("call: got %v, want ErrClosed", err)
	}
}

// TestDiskCache runs a module whose compiled code another host has left, and
// one that somebody changed since.
func TestDiskCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := run(t, dir, nil)
	if warm := run(t, dir, nil); warm > first {
		t.Logf("compiled in %v, from the cache in %v", first, warm)
	}
	entries, err := filepath.Glob(filepath.Join(dir, "code-*", "*"))
	if err != nil || len(entries) != 2 {
		t.Fatalf("got %v, %v, want the code and what was found of the module", entries, err)
	}
	for _, entry := range entries {
		kept, err := os.ReadFile(entry)
		if err != nil {
			t.Fatal(err)
		}
		kept[len(kept)/2] ^= 1
		if err := os.WriteFile(entry, kept, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	run(t, dir, slog.New(slog.NewTextHandler(&log, nil)))
	for _, want := range []string{"compiled code in the cache was not run", "what the cache says of a module was not believed"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("changed entries: got log %q, want %q in it", log.String(), want)
		}
	}
}

// run calls the tasks guest in a host of its own, and tells how long compiling took.
func run(t *testing.T, dir string, logger *slog.Logger) time.Duration {
	t.Helper()
	h, err := wasmhost.New(t.Context(), wasmhost.Config{CacheDir: dir, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.WithoutCancel(t.Context())) }()
	start := time.Now()
	m, err := h.Compile(t.Context(), guestBytes(t, buildTasks))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	if got := string(call(t, m, "echo", `[1]`, options()).Output); got != `[1]` {
		t.Errorf("got %s", got)
	}
	return took
}
