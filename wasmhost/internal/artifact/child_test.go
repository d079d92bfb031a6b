package artifact_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// slow is a module that wazero takes minutes for: its time grows with the square
// of the number of loops.
func slow() []byte {
	const loops = 30_000
	code := bytes.Repeat([]byte{0x03, 0x40}, loops)
	code = append(code, bytes.Repeat([]byte{0x41, 0x00, 0x0d, 0x00, 0x0b}, loops)...)
	return module(nil, append(code, 0x41, 0x00, 0x0b))
}

// hungry is a module for which wazero needs gigabytes: a value for each local in
// each block.
func hungry() []byte {
	const locals, blocks = 20_000, 4_000
	var code []byte
	for i := range blocks {
		code = append(append(code, 0x20), uleb(i)...)          // local.get
		code = append(code, 0xa7, 0x04, 0x40, 0x42, 1, 0x21)   // if: local.set (i64.const 1)
		code = append(append(code, uleb(i*7%locals)...), 0x0b) // end
	}
	for i := range locals {
		code = append(append(append(code, 0x20), uleb(i)...), 0xa7, 0x1a)
	}
	return module(i64Locals(locals), append(code, 0x41, 0x00, 0x0b))
}

func TestCompile(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Dir: cacheDir(t)})
	b.run(t, answer(42), artifact.FromChild, 42)
	b.run(t, answer(42), artifact.FromCache, 42)
	b.run(t, answer(7), artifact.FromChild, 7)
	left, err := b.Left()
	if err != nil || len(left) != 0 {
		t.Errorf("after loading, left where wazero looks: %v, %v", left, err)
	}
}

func TestCompileKeepsNothingWithoutDir(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{})
	b.run(t, answer(42), artifact.FromChild, 42)
	b.run(t, answer(42), artifact.FromChild, 42)
}

func TestCompileTrustedHere(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Dir: cacheDir(t)})
	m, report, err := b.Compile(t.Context(), b.runtime, artifact.Key{Meter: "test"}, answer(1), true)
	if err != nil {
		t.Fatal(err)
	}
	if report.Source != artifact.FromProcess {
		t.Errorf("code from %s, want %s", report.Source, artifact.FromProcess)
	}
	if err := m.Close(t.Context()); err != nil {
		t.Error(err)
	}
	b.run(t, answer(1), artifact.FromCache, 1)
}

func TestCompileInvalid(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Dir: cacheDir(t)})
	for _, trusted := range []bool{false, true} {
		wasm := module(nil, []byte{0x6a, 0x0b}) // an addition of nothing
		_, _, err := b.Compile(t.Context(), b.runtime, artifact.Key{}, wasm, trusted)
		var invalid *artifact.InvalidError
		if !errors.As(err, &invalid) {
			t.Fatalf("trusted %t: got %v, want an InvalidError", trusted, err)
		}
		if !strings.Contains(invalid.Reason, "i32.add") {
			t.Errorf("trusted %t: reason is %q", trusted, invalid.Reason)
		}
	}
	b.run(t, answer(42), artifact.FromChild, 42)
}

func TestCompileLimits(t *testing.T) {
	t.Parallel()
	cpu := artifact.LimitCPU
	if runtime.GOOS != "linux" {
		cpu = artifact.LimitWall
	}
	for _, tt := range []struct {
		name   string
		wasm   []byte
		limits artifact.Limits
		what   string
		shown  string
	}{
		{"wall", slow(), artifact.Limits{Wall: 300 * time.Millisecond}, artifact.LimitWall, "300ms"},
		{"cpu", slow(), artifact.Limits{CPU: time.Second, Wall: 60 * time.Second}, cpu, ""},
		{"memory", hungry(), artifact.Limits{Memory: 128 << 20}, artifact.LimitMemory, "128 MiB"},
		{"code", slow()[:0], artifact.Limits{Code: 8}, artifact.LimitCode, "0 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.name == "code" {
				tt.wasm = answer(1)
			}
			b := open(t, artifact.Config{Limits: tt.limits})
			_, _, err := b.compile(t.Context(), tt.wasm)
			var limit *artifact.LimitError
			if !errors.As(err, &limit) {
				t.Fatalf("got %v, want a LimitError", err)
			}
			if limit.What != tt.what || !strings.Contains(limit.Limit, tt.shown) {
				t.Errorf("got %v, want %s of %s", limit, tt.what, tt.shown)
			}
		})
	}
}

// A module that is more than the child may have is refused by the kernel before
// the child looks at its memory.
func TestCompileAddressSpace(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux bounds the address space")
	}
	b := open(t, artifact.Config{Limits: artifact.Limits{Memory: 32 << 20}})
	_, _, err := b.compile(t.Context(), make([]byte, 512<<20))
	var limit *artifact.LimitError
	if !errors.As(err, &limit) || limit.What != artifact.LimitMemory {
		t.Fatalf("got %v, want a LimitError of memory", err)
	}
}

func TestCompileCanceled(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{Concurrency: 1})
	stop := errors.New("stop")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, stop)
	defer cancel()
	begun := time.Now()
	_, _, err := b.compile(ctx, slow())
	if !errors.Is(err, stop) {
		t.Errorf("got %v, want the context's cause", err)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("canceling took %v", took)
	}
	// Its turn to compile is free again.
	b.run(t, answer(42), artifact.FromChild, 42)
	if _, _, err := b.compile(ctx, answer(1)); !errors.Is(err, stop) {
		t.Errorf("with an ended context: got %v, want its cause", err)
	}
}

func TestCompileClosed(t *testing.T) {
	t.Parallel()
	b, err := start(t.Context(), artifact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.close(t)
	if _, _, err := b.compile(t.Context(), answer(1)); !errors.Is(err, artifact.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// A runtime of other options makes other code: it must not compile in this
// process unnoticed.
func TestCompileForeignRuntime(t *testing.T) {
	t.Parallel()
	b := open(t, artifact.Config{})
	other := bench{b.Compiler, newRuntime(t, b.RuntimeConfig().WithCloseOnContextDone(true))}
	if _, _, err := other.compile(t.Context(), answer(1)); err == nil {
		t.Error("a runtime of other options was accepted")
	}
}

func TestChildCrash(t *testing.T) {
	t.Parallel()
	err := artifact.Exchange(actor(t, "crash"), t.TempDir(), answer(1))
	var crash *artifact.CrashError
	if !errors.As(err, &crash) {
		t.Fatalf("got %v, want a CrashError", err)
	}
	if crash.Status != "exit status 2" || !strings.HasPrefix(crash.Output, "panic: as a compiler might") {
		t.Errorf("got %q, %q", crash.Status, crash.Output)
	}
}

// A child whose parent is gone ends, even while it compiles.
func TestChildOrphan(t *testing.T) {
	t.Parallel()
	cmd := actor(t, "", artifact.ChildVariable+"="+artifact.ChildCompile)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := artifact.SendRequest(in, t.TempDir(), slow()); err != nil {
		t.Error(err)
	}
	in.Close()
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != artifact.ExitOrphan {
		t.Errorf("the child ended with %v, want exit status %d", err, artifact.ExitOrphan)
	}
}
