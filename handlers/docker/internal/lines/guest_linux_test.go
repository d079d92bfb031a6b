package lines_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// run runs a task of the guest as a container's program.
func run(t *testing.T, socket, export string) (exit int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), guesttest.Program(t, "./testdata/guest"))
	cmd.Env = append(os.Environ(), abi.EnvSocket+"="+socket, abi.EnvExport+"="+export)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestSameAsModule runs one guest as a module and as a program, and wants the same
// answers and the same effects.
func TestSameAsModule(t *testing.T) {
	t.Parallel()
	module := newEmbedder()
	want := string(callModule(t, config(t, module), "everything"))

	program := newEmbedder()
	s := listen(t, config(t, program))
	if exit, stdout, stderr := run(t, s.path(lines.SocketName), "everything"); exit != 0 || stdout != "" || stderr != "" {
		t.Errorf("got exit %d, stdout %q, stderr %q", exit, stdout, stderr)
	}
	o := s.end(t)
	if got := string(o.Output); got != want || o.Raw || !strings.Contains(got, "s3cret") || strings.Contains(got, "-5") {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := program.noted(), module.noted(); !slices.Equal(got, want) || len(want) < 15 {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func callModule(t *testing.T, c lines.Config, export string) json.RawMessage {
	t.Helper()
	host, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close(context.WithoutCancel(t.Context())) }()
	wasm, err := os.ReadFile(guesttest.Build(t, "testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := host.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = module.Close(context.WithoutCancel(t.Context())) }()
	r, err := module.Call(t.Context(), export, c.Input, wasmhost.Options{
		Services: c.Services, Grants: c.Grants, Limits: wasmhost.Limits{Timeout: time.Minute},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r.Output
}

func TestProgramFails(t *testing.T) {
	t.Parallel()
	for export, want := range map[string]lines.Failure{
		"fails":    {Kind: "full", Message: "disk 1", Permanent: true, RetryAfter: 1500 * time.Millisecond},
		"panics":   {Kind: "invalid_input", Message: "input: got object, want []int", Permanent: true},
		"requests": {Kind: "error", Message: "request GET http://127.0.0.1/: a container has the network that its task was given: use net/http"},
	} {
		s := listen(t, config(t, newEmbedder()))
		if exit, _, stderr := run(t, s.path(lines.SocketName), export); exit != 1 || stderr != "" {
			t.Errorf("%s: got exit %d, stderr %q, want 1", export, exit, stderr)
		}
		if o := s.end(t); o.Failure == nil || *o.Failure != want || o.Output != nil {
			t.Errorf("%s: got %+v, want %+v", export, o.Failure, want)
		}
	}
	c := config(t, newEmbedder())
	c.Input = json.RawMessage("[1]")
	s := listen(t, c)
	run(t, s.path(lines.SocketName), "panics")
	if o := s.end(t); o.Failure == nil || o.Failure.Kind != "panic" || !strings.Contains(o.Failure.Message, "main.init.func") {
		t.Errorf("got %+v, want a panic with its stack", o.Failure)
	}
}

// TestProgramPauses wants nothing to run after a pause, not even what is deferred.
func TestProgramPauses(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	s := listen(t, config(t, e))
	exit, _, stderr := run(t, s.path(lines.SocketName), "pauses")
	if exit != abi.ExitPaused || stderr != "" {
		t.Errorf("got exit %d, stderr %q, want %d", exit, stderr, abi.ExitPaused)
	}
	if o := s.Close(); !errors.Is(o.Err, wasmhost.ErrPaused) || o.Output != nil || o.Failure != nil {
		t.Errorf("got %+v, want it paused", o)
	}
	if got := e.noted(); len(got) != 1 {
		t.Errorf("got %q, want the pause alone", got)
	}
}

// TestProgramLosesHost wants a program without its host to say so.
func TestProgramLosesHost(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "lines")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "socket")
	missing := func(want string) {
		t.Helper()
		exit, _, stderr := run(t, socket, "everything")
		if exit != 1 || !strings.HasPrefix(stderr, "the connection to the host is lost: ") || !strings.Contains(stderr, want) {
			t.Errorf("got exit %d, stderr %q, want %q", exit, stderr, want)
		}
	}
	missing("no such file")
	for answers, want := range map[string]string{"": "the host has closed it", "hello\n": "the host's answer: invalid character"} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, int64(len(`{"op":"input"}`+"\n")))
			_, _ = io.WriteString(conn, answers)
			_ = conn.Close()
		}()
		missing(want)
		_ = l.Close()
		<-done
	}
}
