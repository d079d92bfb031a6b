package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// exitCode is the code in an error of os/exec, -1 if there is none.
func exitCode(err error) int {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return -1
}

// TestInterrupt sends SIGINT to a process whose guest loops for ever.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no SIGINT to send")
	}
	command := filepath.Join(t.TempDir(), "graflow-wasm")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), command, "run", "--cache-dir", cache, guest+"#loop")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		seen.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "| looping") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := exitCode(cmd.Wait()); got != exitCanceled {
		t.Errorf("got exit code %d, want %d", got, exitCanceled)
	}
	for _, want := range []string{"a second one stops at once", "canceled by SIGINT"} {
		if !strings.Contains(seen.String(), want) {
			t.Errorf("got stderr\n%s\nwant %q in it", &seen, want)
		}
	}
}
