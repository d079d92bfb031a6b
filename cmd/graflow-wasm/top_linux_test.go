package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/term/termtest"
)

// keptRun is a directory with a run that is kept in st.
func keptRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "clock.flow.yaml"), []byte("name: clock\ntasks:\n  a: {builtin: now}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := ask(t, dir, "run", "clock.flow.yaml", "--state", "st", "--id", "first-run", "-q"); code != exitSucceeded {
		t.Fatalf("run: exit code %d\n%s", code, out)
	}
	return dir
}

// given wants a terminal to be as before.
func given(t *testing.T, p *termtest.Terminal) {
	t.Helper()
	p.WaitFor("the first screen with its cursor", func(s *termtest.Screen) bool { return !s.Alternate && !s.Hidden && !s.NoWrap })
	p.See(func(s *termtest.Screen) {
		if len(s.Faults) > 0 || s.Wrapped > 0 {
			t.Errorf("the terminal was sent %q; %d lines were too long", s.Faults, s.Wrapped)
		}
	})
}

func TestTopOnTerminal(t *testing.T) {
	t.Parallel()
	dir := keptRun(t)
	p := termtest.Open(t, 80, 20)
	before := p.Mode()
	cmd := onTerminal(t, p, dir, "top", "--state", "st", "--interval", "200ms")
	p.WaitText("graflow-wasm top", "▸ RUNS by open ↓", "first-run", "✓ succeeded", "q quit")
	if _, code := ask(t, dir, "run", "clock.flow.yaml", "--state", "st", "--id", "second-run", "-q"); code != exitSucceeded {
		t.Fatalf("run: exit code %d", code)
	}
	p.WaitText("runs: 2 succeeded", "second-run")
	p.Send("sr")
	p.WaitText("▸ RUNS by began ↑")
	p.Resize(44, 8)
	p.WaitFor("the smaller size", func(s *termtest.Screen) bool {
		return strings.HasPrefix(s.Lines()[7], "q quit") && strings.Contains(s.Text(), "…")
	})
	p.Send("?")
	p.WaitText("Ctrl-C   end")
	p.Send("?q")
	if code := exitOf(t, cmd); code != exitSucceeded {
		t.Errorf("exit code %d after q", code)
	}
	given(t, p)
	if p.Mode() != before {
		t.Error("keys do not come as before")
	}
}

func TestTopSignals(t *testing.T) {
	t.Parallel()
	dir := keptRun(t)
	for _, test := range []struct {
		end  func(p *termtest.Terminal, pid int)
		code int
	}{
		{func(p *termtest.Terminal, _ int) { p.Send("\x03") }, exitSucceeded},
		{func(_ *termtest.Terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGTERM) }, exitCanceled},
		{func(_ *termtest.Terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGINT) }, exitCanceled},
		{func(_ *termtest.Terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGHUP) }, exitCanceled},
		{func(_ *termtest.Terminal, pid int) { _ = syscall.Kill(pid, syscall.SIGQUIT) }, exitCanceled},
	} {
		p := termtest.Open(t, 80, 20)
		before := p.Mode()
		cmd := onTerminal(t, p, dir, "top", "--state", "st")
		p.WaitText("first-run", "q quit")
		test.end(p, cmd.Process.Pid)
		if code := exitOf(t, cmd); code != test.code {
			t.Errorf("exit code %d, want %d", code, test.code)
		}
		given(t, p)
		if p.Mode() != before {
			t.Error("keys do not come as before")
		}
	}
}

// TestTopPanic wants a panic of a look, which another goroutine has, to be one only once
// the terminal is as before.
func TestTopPanic(t *testing.T) {
	t.Parallel()
	p := termtest.Open(t, 80, 20)
	before := p.Mode()
	std := streams{in: p.Line, out: p.Line, err: p.Line}
	looks := 0
	look := func(context.Context) (standing, error) { //nolint:unparam // it is a lookout
		if looks++; looks > 1 {
			panic("while looking")
		}
		return busy(), nil
	}
	var panicked any
	func() {
		defer func() { panicked = recover() }()
		_ = showTop(t.Context(), std, std.output(), &topView{every: topFastest}, look)
	}()
	if text, ok := panicked.(string); !ok || !strings.Contains(text, "while looking") || !strings.Contains(text, "TestTopPanic") {
		t.Errorf("it panics with %v, want what the look did and where", panicked)
	}
	given(t, p)
	if p.Mode() != before {
		t.Error("keys do not come as before")
	}
}

// TestTopGoesOn wants a look that fails not to end it, but to be told.
func TestTopGoesOn(t *testing.T) {
	t.Parallel()
	p := termtest.Open(t, 80, 20)
	std := streams{in: p.Line, out: p.Line, err: p.Line}
	looks := 0
	look := func(context.Context) (standing, error) {
		if looks++; looks%2 == 0 {
			return standing{}, errors.New("the cluster does not answer")
		}
		s := busy()
		s.Time = time.Now()
		return s, nil
	}
	ended := make(chan error)
	go func() { ended <- showTop(t.Context(), std, std.output(), &topView{every: topFastest}, look) }()
	p.WaitText("✗ the cluster does not answer", "run-000")
	p.WaitText("75 failed, 75 running", "run-000")
	p.Send("q")
	if err := <-ended; err != nil {
		t.Error(err)
	}
	given(t, p)
}
