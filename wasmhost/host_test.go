package wasmhost_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
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
		sharedHost, err = wasmhost.New(context.Background(), wasmhost.Config{Logger: slog.New(slog.DiscardHandler)})
		return sharedHost, err
	})
	buildTasks   = sync.OnceValues(func() ([]byte, error) { return build("tasks", "-buildmode=c-shared") })
	buildCommand = sync.OnceValues(func() ([]byte, error) { return build("command") })
)

// build compiles testdata/name for wasip1.
func build(name string, flags ...string) ([]byte, error) {
	out := filepath.Join(guestDir, name+".wasm")
	args := append([]string{"build", "-o", out}, flags...)
	cmd := exec.Command("go", append(args, "./testdata/"+name)...)
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

func TestDiskCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wasm := guestBytes(t, buildTasks)
	timed := func() time.Duration {
		h, err := wasmhost.New(t.Context(), wasmhost.Config{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = h.Close(context.WithoutCancel(t.Context())) }()
		start := time.Now()
		if _, err := h.Compile(t.Context(), wasm); err != nil {
			t.Fatal(err)
		}
		return time.Since(start)
	}
	// A module that is not found in the cache is written to it.
	cold := timed()
	files := modTimes(t, dir)
	warm := timed()
	if again := modTimes(t, dir); len(files) == 0 || fmt.Sprint(again) != fmt.Sprint(files) {
		t.Errorf("cache after second host: got %v, want unchanged %v", again, files)
	}
	t.Logf("compiled in %v, from the cache in %v", cold, warm)
	sub, err := filepath.Glob(filepath.Join(dir, "wazero-*"))
	if err != nil || len(sub) != 1 {
		t.Fatalf("got %v, %v, want one directory", sub, err)
	}
	if info, err := os.Stat(sub[0]); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v, want mode 0700", info.Mode(), err)
	}
}

// modTimes lists all files under dir with their modification times.
func modTimes(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			files = append(files, path+" "+info.ModTime().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
