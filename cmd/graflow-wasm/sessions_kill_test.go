package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	apiclient "github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// sessionServer is a server that is killed, and begun anew at the same address.
type sessionServer struct {
	t        *testing.T
	dir, at  string
	process  *process
	sessions ops.Sessions
}

func newSessionServer(t *testing.T) *sessionServer {
	t.Helper()
	needRuntimes(t)
	s := &sessionServer{t: t, dir: t.TempDir(), at: loopback.Free(t)}
	s.begin()
	token, err := os.ReadFile(filepath.Join(s.dir, "srv", "tokens", "submitter.token"))
	if err != nil {
		t.Fatal(err)
	}
	asking, err := apiclient.New(apiclient.Config{URL: "http://" + s.at, Token: strings.TrimSpace(string(token))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(asking.Close)
	s.sessions = asking.Service().Sessions
	return s
}

func (s *sessionServer) begin() {
	s.t.Helper()
	s.process = begin(s.t, s.dir, "server", "--dir", "srv", "--listen-nats", "127.0.0.1:0", "--listen", s.at)
	s.process.await("ready$")
}

func (s *sessionServer) kill() {
	s.process.signal(syscall.SIGKILL)
	s.process.exit()
}

// cell runs code in the session.
func (s *sessionServer) cell(ctx context.Context, code string) (ops.CodeResult, error) {
	return s.sessions.Run(ctx, "", "s", ops.CodeRequest{Language: "javascript", Source: code}, false)
}

// free runs code once the session is in use no more.
func (s *sessionServer) free(code string) string {
	s.t.Helper()
	for end := time.Now().Add(patience); ; {
		got, err := s.cell(s.t.Context(), code)
		if err == nil {
			return string(got.Result)
		}
		if !errors.Is(err, ops.ErrInUse) || time.Now().After(end) {
			s.t.Fatalf("%s: %v", code, err)
		}
	}
}

// TestSessionServerKilled kills a server while code runs: its session is as it was before
// the code.
func TestSessionServerKilled(t *testing.T) {
	t.Parallel()
	s := newSessionServer(t)
	s.free("var x = 1")
	var wait sync.WaitGroup
	ended := make(chan error, 1)
	wait.Go(func() {
		for {
			_, err := s.cell(t.Context(), "x = 2; for (;;) {}")
			if !errors.Is(err, ops.ErrInUse) {
				ended <- err
				return
			}
		}
	})
	defer wait.Wait()
	for end := time.Now().Add(patience); ; {
		if _, err := s.cell(t.Context(), "x"); errors.Is(err, ops.ErrInUse) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the code does not begin")
		}
	}
	s.kill()
	if err := <-ended; err == nil {
		t.Error("code whose server was killed has ended well")
	}
	s.begin()
	if got := s.free("x"); got != "1" {
		t.Errorf("x is %s, want 1", got)
	}
}

// TestSessionServersKilled kills servers while one piece of code follows another: what was
// told to be done stays, and of the last one all or nothing.
func TestSessionServersKilled(t *testing.T) {
	t.Parallel()
	s := newSessionServer(t)
	s.free("var n = 0, twin = 0")
	told := 0
	for _, after := range []time.Duration{40 * time.Millisecond, 125 * time.Millisecond} {
		alarm := time.AfterFunc(after, func() { s.process.signal(syscall.SIGKILL) })
		defer alarm.Stop()
		for {
			got, err := s.cell(t.Context(), "n++; twin++; n")
			if err != nil {
				break
			}
			if told++; string(got.Result) != strconv.Itoa(told) {
				t.Fatalf("n is %s, want %d", got.Result, told)
			}
		}
		s.process.exit()
		s.begin()
		n, err := strconv.Atoi(s.free("n === twin ? n : -1"))
		if err != nil || n != told && n != told+1 {
			t.Errorf("n is %d, %v, and %d was told", n, err, told)
		}
		told = n
	}
	if told == 0 {
		t.Error("no code has run before a kill: it proves nothing")
	}
}
