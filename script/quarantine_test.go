package script_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// account is a quarantine after the first death.
type account struct {
	mu   sync.Mutex // guards what follows
	dead map[string]error
}

func (a *account) Why(digest string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.dead[digest]; err != nil {
		return err.Error()
	}
	return ""
}

func (a *account) Died(digest string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.dead[digest] = err
}

// TestQuarantine kills the cell that code runs in: the code is not run again, and other
// code is.
func TestQuarantine(t *testing.T) { //nolint:paralleltest // it kills the processes that this one has begun
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: there are cells on Linux alone")
	}
	host, err := wasmhost.New(context.WithoutCancel(t.Context()), wasmhost.Config{
		Cells: wasmhost.CellConfig{Kills: -1}, CacheDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = host.Close(context.WithoutCancel(t.Context())) }() // it holds memory and processes only
	q := &account{dead: map[string]error{}}
	own := ""
	s, err := script.New(script.Config{Host: host, Quarantine: q, Own: func(digest string) { own = digest }, Defaults: wasmhost.Limits{Timeout: time.Minute}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PrepareIsolated(t.Context(), script.JavaScript); err != nil {
		t.Fatal(err)
	}
	if info, err := s.Runtime(t.Context(), script.JavaScript); err != nil || own != info.Digest {
		t.Errorf("the interpreter was told as %q, %v", own, err)
	}
	const bad, good = "console.log('it runs'); for (;;) {}", "input + 1"
	running := &first{seen: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		_, err := s.Run(t.Context(), script.JavaScript, bad, script.Options{Isolated: true, Stdout: running})
		ended <- err
	}()
	select {
	case <-running.seen:
	case err := <-ended:
		t.Fatalf("it has ended by itself: %v", err)
	}
	killChildren(t)
	if err := <-ended; !errors.Is(err, wasmhost.ErrCrash) {
		t.Fatalf("got %v, want that its cell died", err)
	}
	_, err = s.Run(t.Context(), script.JavaScript, bad, script.Options{Isolated: true})
	var failed *script.Error
	if !errors.As(err, &failed) || failed.Kind != wasmhost.KindQuarantined || !failed.Permanent || !strings.Contains(failed.Message, "the code is quarantined") {
		t.Errorf("again: got %v", err)
	}
	got, err := s.Run(t.Context(), script.JavaScript, good, script.Options{Input: 1, Isolated: true})
	if err != nil || string(got.Value) != "2" {
		t.Errorf("other code in a cell: got %s, %v", got.Value, err)
	}
	if got, err = s.Run(t.Context(), script.JavaScript, good, script.Options{Input: 1}); err != nil || string(got.Value) != "2" {
		t.Errorf("the same in process: got %s, %v", got.Value, err)
	}
}

// first tells of the first write.
type first struct {
	once sync.Once
	seen chan struct{}
}

// Write implements io.Writer.
func (f *first) Write(p []byte) (int, error) {
	f.once.Do(func() { close(f.seen) })
	return len(p), nil
}

// killChildren kills what this process has begun, and what that has.
func killChildren(t *testing.T) {
	t.Helper()
	var kill func(pid int)
	kill = func(pid int) {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range lists {
			raw, _ := os.ReadFile(list) // its thread may have ended
			for _, field := range strings.Fields(string(raw)) {
				if child, err := strconv.Atoi(field); err == nil {
					kill(child)
					if p, err := os.FindProcess(child); err == nil {
						_ = p.Kill() // it may have ended
					}
				}
			}
		}
	}
	kill(os.Getpid())
}
