package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/term/termtest"
)

// onTerminal runs the command on a terminal. What its environment says of looks is not
// that of the tests.
func onTerminal(t *testing.T, p *termtest.Terminal, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := inDir(t, dir, args...)
	cmd.Env = append(cmd.Env, "TERM=xterm-256color", "NO_COLOR=", "CLICOLOR=", "CLICOLOR_FORCE=")
	p.Start(cmd)
	return cmd
}

// exitOf waits for the end of a command.
func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

func TestWatchOnTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	flow := "name: watched\ntasks:\n  before: {builtin: now}\n  many: {builtin: randint, map: 1..1000, with: {min: 1, max: 6}}\n" +
		"  ask: {builtin: pause, with: {name: approve, message: \"go on?\"}}\n  after-with-a-name-that-is-far-too-long-for-it: {builtin: now}\n" +
		"flow: before >> many >> ask >> after-with-a-name-that-is-far-too-long-for-it\n"
	if err := os.WriteFile(filepath.Join(dir, "watched.flow.yaml"), []byte(flow), 0o600); err != nil {
		t.Fatal(err)
	}
	driver := begin(t, dir, "run", "watched.flow.yaml", "--state", "st", "--id", "w", "--wait")
	driver.await("waits for approve")

	// Of a run that is paused it tells how it stands; of one that goes on, what happens.
	p := termtest.Open(t, 40, 12)
	paused := onTerminal(t, p, dir, "runs", "watch", "w", "--state", "st")
	if code := exitOf(t, paused); code != exitPaused {
		t.Errorf("exit code %d of a run that is paused, want %d", code, exitPaused)
	}
	p.WaitText("✓ before", "✓ many 1000/1000", "‖ ask", "· after-with-a-name-that-is-far-too-lon…")

	if _, code := ask(t, dir, "runs", "resume", "w", "approve", "true", "--state", "st"); code != exitSucceeded {
		t.Fatalf("resume: exit code %d", code)
	}
	if code := driver.exit(); code != exitSucceeded {
		t.Fatalf("run: exit code %d", code)
	}
	for _, width := range []int{40, 80, 200} {
		p := termtest.Open(t, width, 24)
		if code := exitOf(t, onTerminal(t, p, dir, "runs", "watch", "w", "--state", "st")); code != exitSucceeded {
			t.Errorf("exit code %d, want %d", code, exitSucceeded)
		}
		p.WaitText("✓ before", "✓ many 1000/1000", "✓ ask", "✓ after-with-a-name-that-is-far-too-lo")
		p.See(func(s *termtest.Screen) {
			if s.Wrapped > 0 || len(s.Faults) > 0 || !s.Styled {
				t.Errorf("width %d: %d lines are too long, faults %q, color %t:\n%s", width, s.Wrapped, s.Faults, s.Styled, s.Text())
			}
		})
	}
	plain := termtest.Open(t, 100, 24)
	if code := exitOf(t, onTerminal(t, plain, dir, "runs", "watch", "w", "--state", "st", "--plain", "--no-color")); code != exitSucceeded {
		t.Errorf("exit code %d, want %d", code, exitSucceeded)
	}
	plain.WaitText("run w succeeded")
	plain.See(func(s *termtest.Screen) {
		if s.Styled || strings.Contains(s.Text(), "✓") {
			t.Errorf("--plain shows\n%s", s.Text())
		}
	})
}

// TestListOnTerminal wants a list to have titles and color on a terminal, none of which
// a flag or the environment has refused.
func TestListOnTerminal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "clock.flow.yaml"), []byte("name: clock\ntasks:\n  a: {builtin: now}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := ask(t, dir, "run", "clock.flow.yaml", "--state", "st", "--id", "listed-run", "-q"); code != exitSucceeded {
		t.Fatalf("run: exit code %d\n%s", code, out)
	}
	for _, test := range []struct {
		width int
		args  []string
		env   string
		color bool
	}{
		{100, nil, "", true},
		{40, nil, "", true},
		{100, []string{"--no-color"}, "", false},
		{100, nil, "NO_COLOR=1", false},
		{100, nil, "TERM=dumb", false},
	} {
		p := termtest.Open(t, test.width, 24)
		cmd := inDir(t, dir, append([]string{"runs", "ls", "--state", "st"}, test.args...)...)
		cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=", "CLICOLOR=", "CLICOLOR_FORCE=", test.env)
		p.Start(cmd)
		if code := exitOf(t, cmd); code != exitSucceeded {
			t.Errorf("exit code %d", code)
		}
		p.WaitText("RUN", "STATUS", "listed-run", "✓ succeeded")
		p.See(func(s *termtest.Screen) {
			if s.Styled != test.color || s.Wrapped > 0 {
				t.Errorf("%+v: color %t, %d lines too long:\n%s", test, s.Styled, s.Wrapped, s.Text())
			}
		})
	}
	out, _ := ask(t, dir, "runs", "ls", "--state", "st")
	if !strings.HasPrefix(out, "listed-run  clock  succeeded  1  ") || strings.Contains(out, "\x1b") {
		t.Errorf("on no terminal it prints %q", out)
	}
}
