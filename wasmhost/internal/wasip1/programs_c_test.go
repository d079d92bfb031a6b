package wasip1_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func TestCFiles(t *testing.T) {
	t.Parallel()
	wasm := buildC(t, "files")
	eachTree(t, func(t *testing.T, tree guestfs.FS) {
		t.Helper()
		p := runProgram(t.Context(), t, wasm, wasip1.Config{
			Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}},
		})
		p.passed(t)
		if p.state.BytesWritten() < 20<<20 || p.state.BytesRead() < 20<<20 {
			t.Errorf("got %d bytes written and %d read, want 20 MiB of each",
				p.state.BytesWritten(), p.state.BytesRead())
		}
	})
}

func TestCDirectories(t *testing.T) {
	t.Parallel()
	wasm := buildC(t, "directories")
	eachTree(t, func(t *testing.T, tree guestfs.FS) {
		t.Helper()
		p := runProgram(t.Context(), t, wasm, wasip1.Config{
			OpenFiles: 16,
			Preopens: []wasip1.Preopen{
				{GuestPath: "/", FS: tree},
				{GuestPath: "/second", FS: guestfs.NewMemory(guestfs.NewQuota(1 << 20))},
			},
		})
		p.passed(t)
		if got := p.state.OpenCount(); got != 0 {
			t.Errorf("got %d open files after the end, want 0", got)
		}
	})
}

func TestCProcess(t *testing.T) {
	t.Parallel()
	wasm := buildC(t, "process")
	run := func(t *testing.T, config wasip1.Config, args ...string) program {
		t.Helper()
		config.Args = append([]string{"process"}, args...)
		return runProgram(t.Context(), t, wasm, config)
	}
	t.Run("big stdin", func(t *testing.T) {
		t.Parallel()
		p := run(t, wasip1.Config{Stdin: bytes.Repeat([]byte{3}, 40<<20)}, "sum")
		p.passed(t)
		p.says(t, "41943040 125829120")
	})
	t.Run("args and environment", func(t *testing.T) {
		t.Parallel()
		p := run(t, wasip1.Config{Env: []string{"EMPTY=", "HOME=/hé"}}, "show", "", "ß x")
		p.passed(t)
		p.says(t, "arg process", "arg show", "arg ", "arg ß x", "HOME=/hé EMPTY= NONE=unset")
	})
	t.Run("streams", func(t *testing.T) {
		t.Parallel()
		p := run(t, wasip1.Config{}, "streams")
		if p.err == nil || p.stdout != "a line\n" || p.stderr != "failed 0\n" {
			t.Errorf("got %q, %q, %v, want the line out before the trap", p.stdout, p.stderr, p.err)
		}
	})
	t.Run("randomness", func(t *testing.T) {
		t.Parallel()
		seeded := wasip1.Random{Kind: wasip1.SeededRandom, Seed: [32]byte{7}}
		a := run(t, wasip1.Config{Random: seeded}, "random")
		b := run(t, wasip1.Config{Random: seeded}, "random")
		c := run(t, wasip1.Config{}, "random")
		a.passed(t)
		c.passed(t)
		if a.stdout != b.stdout || a.stdout == c.stdout {
			t.Errorf("got %q, %q by the same seed and %q without", a.stdout, b.stdout, c.stdout)
		}
	})
	t.Run("exit", func(t *testing.T) {
		t.Parallel()
		for _, code := range []string{"0", "3", "125"} {
			if p := run(t, wasip1.Config{}, "exit", code); p.err != nil || code != itoa(p.code) {
				t.Errorf("got code %d, error %v, want %s", p.code, p.err, code)
			}
		}
	})
	t.Run("abort", func(t *testing.T) {
		t.Parallel()
		if p := run(t, wasip1.Config{}, "abort"); p.err == nil {
			t.Error("abort ended well")
		}
	})
}

func TestCTime(t *testing.T) {
	t.Parallel()
	wasm := buildC(t, "time")
	for name, c := range map[string]struct {
		kind       wasip1.ClockKind
		resolution string
	}{
		"real":    {wasip1.RealClock, "resolution 1"},
		"coarse":  {wasip1.CoarseClock, "resolution 1000000"},
		"virtual": {wasip1.VirtualClock, "resolution 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := runProgram(t.Context(), t, wasm, wasip1.Config{Clock: wasip1.Clock{Kind: c.kind}})
			p.passed(t)
			p.says(t, c.resolution)
			spin := runProgram(t.Context(), t, wasm, wasip1.Config{
				Clock: wasip1.Clock{Kind: c.kind}, Args: []string{"time", "spin"},
			})
			spin.passed(t)
		})
	}
	t.Run("virtual is repeatable", func(t *testing.T) {
		t.Parallel()
		config := wasip1.Config{
			Clock: wasip1.Clock{Kind: wasip1.VirtualClock}, Args: []string{"time", "epoch"},
		}
		p := runProgram(t.Context(), t, wasm, config)
		p.passed(t)
		if !strings.Contains(p.stdout, "epoch 1767225600\n") {
			t.Errorf("got %q, want the epoch", p.stdout)
		}
		if again := runProgram(t.Context(), t, wasm, config); again.stdout != p.stdout {
			t.Errorf("got %q, then %q", p.stdout, again.stdout)
		}
	})
}

// A guest that sleeps for ever ends when its context does, by a deadline and by
// being canceled.
func TestCSleepIsInterrupted(t *testing.T) {
	t.Parallel()
	wasm := buildC(t, "time")
	for _, how := range []string{"forever", "forever-until"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 90500*time.Millisecond)
			defer cancel()
			start := time.Now()
			p := runProgram(ctx, t, wasm, wasip1.Config{Args: []string{"time", how}})
			if !errors.Is(p.err, wasip1.Interrupted{}) {
				t.Errorf("%s: got %v, want Interrupted", how, p.err)
			}
			if got, want := time.Since(start), 90500*time.Millisecond; got != want {
				t.Errorf("%s: ended after %v, want %v", how, got, want)
			}
		})
	}
}
