package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for a process.
const patience = time.Minute

// process is the command at work in the background.
type process struct {
	t   *testing.T
	cmd *exec.Cmd

	ended chan struct{} // closed at its end
	lines chan string   // of stderr; it ends with the process
	mu    sync.Mutex    // guards said
	said  []string
}

// begin runs the command in a directory. It is killed at the test's end.
func begin(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	return beginCommand(t, inDir(t, dir, args...))
}

// beginCommand is begin with a command of ours that may be another version's.
func beginCommand(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there are no signals on Windows")
	}
	p := &process{t: t, cmd: cmd, ended: make(chan struct{}), lines: make(chan string, 1000)}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		defer close(p.lines)
		for in := bufio.NewScanner(stderr); in.Scan(); {
			p.mu.Lock()
			p.said = append(p.said, in.Text())
			p.mu.Unlock()
			p.lines <- in.Text()
		}
		_ = p.cmd.Wait() // its exit code is asked for
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(cmd.Args[1:], " "), p.all())
		}
	})
	return p
}

func (p *process) all() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.said, "\n")
}

// await returns the first line from now on that matches, or what is in parentheses
// there.
func (p *process) await(expression string) string {
	p.t.Helper()
	want, end := regexp.MustCompile(expression), time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if m := want.FindStringSubmatch(line); m != nil {
				return m[len(m)-1]
			}
			if !ok {
				p.t.Fatalf("%s ended without telling %s:\n%s", p.cmd.Args[1:], expression, p.all())
			}
		case <-end:
			p.t.Fatalf("%s never told %s:\n%s", p.cmd.Args[1:], expression, p.all())
		}
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the process's end.
func (p *process) exit() int {
	p.t.Helper()
	for end := time.After(patience); ; {
		select {
		case <-p.lines: // or it could not say more
		case <-p.ended:
			return p.cmd.ProcessState.ExitCode()
		case <-end:
			p.t.Fatalf("%s does not end:\n%s", p.cmd.Args[1:], p.all())
		}
	}
}

// inDir is the command in a directory.
func inDir(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "graflow-wasm", args...) // the test's binary, in the PATH of testscript.Main
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache, "HOME="+cache)
	return cmd
}

// ask runs the command to its end, and returns what it wrote to stdout and its exit
// code.
func ask(t *testing.T, dir string, args ...string) (stdout string, code int) {
	t.Helper()
	out, err := inDir(t, dir, args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(out), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(out), 0
}

// askUntil repeats a command until its stdout matches.
func askUntil(t *testing.T, dir, expression string, args ...string) string {
	t.Helper()
	want := regexp.MustCompile("(?m)" + expression)
	out := ""
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if out, _ = ask(t, dir, args...); want.MatchString(out) {
			return out
		}
		<-time.After(20 * time.Millisecond) // nobody tells when another process is so far
	}
	t.Fatalf("%s never told %s, at last:\n%s", args, expression, out)
	return ""
}
