package wasip1_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func TestGoFiles(t *testing.T) {
	t.Parallel()
	wasm := buildGo(t, "files")
	eachTree(t, func(t *testing.T, tree guestfs.FS) {
		t.Helper()
		p := runProgram(t.Context(), t, wasm, wasip1.Config{
			Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}},
		})
		p.passed(t)
		p.says(t, "ok")
	})
}

func TestGoProcess(t *testing.T) {
	t.Parallel()
	wasm := buildGo(t, "process")
	run := func(config wasip1.Config, args ...string) program {
		config.Args = append([]string{"process"}, args...)
		return runProgram(t.Context(), t, wasm, config)
	}

	p := run(wasip1.Config{Env: []string{"A=1", "B="}}, "show", "", "ü")
	p.passed(t)
	p.says(t, `["show" "" "ü"]`, `["A=1" "B="]`)
	if p.touched {
		t.Error("starting up has touched descriptors")
	}

	p = run(wasip1.Config{Stdin: []byte(strings.Repeat("0123456789\n", 100_000))}, "lines")
	p.passed(t)
	p.says(t, "100000 1000000")

	seeded := wasip1.Config{Random: wasip1.Random{Kind: wasip1.SeededRandom}}
	a, b, c := run(seeded, "random"), run(seeded, "random"), run(wasip1.Config{}, "random")
	if a.stdout != b.stdout || a.stdout == c.stdout || len(a.stdout) < 20 {
		t.Errorf("got %q, %q by the same seed and %q without", a.stdout, b.stdout, c.stdout)
	}

	p = run(wasip1.Config{}, "exit", "7")
	if p.err != nil || p.code != 7 || p.stdout != "unfinished" {
		t.Errorf("got code %d, %q, %v, want 7", p.code, p.stdout, p.err)
	}
	p = run(wasip1.Config{}, "panic")
	if p.err != nil || p.code != 2 || !strings.HasPrefix(p.stderr, "panic: on purpose\n") {
		t.Errorf("got code %d, %q, %v, want 2 and the panic", p.code, p.stderr, p.err)
	}
}

func TestGoTimes(t *testing.T) {
	t.Parallel()
	wasm := buildGo(t, "times")
	for name, kind := range map[string]wasip1.ClockKind{
		"real": wasip1.RealClock, "coarse": wasip1.CoarseClock, "virtual": wasip1.VirtualClock,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := runProgram(t.Context(), t, wasm, wasip1.Config{Clock: wasip1.Clock{Kind: kind}})
			p.passed(t)
			p.says(t, "ok")
		})
	}
}

func TestGoSleepIsInterrupted(t *testing.T) {
	t.Parallel()
	wasm := buildGo(t, "times")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		p := runProgram(ctx, t, wasm, wasip1.Config{Args: []string{"times", "forever"}})
		if !errors.Is(p.err, wasip1.Interrupted{}) {
			t.Errorf("got %v, want Interrupted", p.err)
		}
	})
}
