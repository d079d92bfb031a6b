package wasm_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// victim has the first attempt of its task run for ever, and its process get the
// signal that a fault of the sandbox would raise.
type victim struct {
	*wasm.Handler
	t        *testing.T
	endless  engine.Task // what its first attempt runs
	attempts atomic.Int32
}

func (v *victim) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	if v.attempts.Add(1) > 1 {
		return v.Handler.Handle(ctx, call)
	}
	done := make(chan struct{})
	var crashing sync.WaitGroup
	crashing.Go(func() { v.crash(done) })
	defer crashing.Wait()
	defer close(done)
	first := *call
	first.Task = &v.endless
	return v.Handler.Handle(ctx, &first)
}

// crash signals the children of this process until done.
func (v *victim) crash(done <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			for _, pid := range children(v.t) {
				_ = syscall.Kill(pid, syscall.SIGSEGV) // it may have ended meanwhile
			}
		}
	}
}

// children are the processes that this one has started.
func children(t *testing.T) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Error(err)
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// TestCrashCostsAnAttempt has a sandbox die as from a fault of wazero's. In a cell that
// is one failed attempt of one task: it is retried, and nothing else knows of it.
func TestCrashCostsAnAttempt(t *testing.T) { //nolint:paralleltest // it signals all children of this process
	if os.Getenv("GRAFLOW_TEST_ISOLATED") != "" {
		t.Skip("the task beside would be in a cell too, and be struck as well")
	}
	host, err := wasmhost.New(t.Context(), wasmhost.Config{
		Isolate: func(string) bool { return true }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.Background())
	isolated, err := wasm.New(wasm.Config{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	v := &victim{Handler: isolated, t: t, endless: task(t, "struck", "spin")}
	e, err := engine.New(engine.Config{
		Handlers:    map[string]engine.Handler{"cell": v, "wasm": newHandler(t, wasm.Config{})},
		Concurrency: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	struck := task(t, "struck", "echo")
	struck.Handler = "cell"
	struck.Retry = &engine.Retry{Max: 1}
	g, err := engine.NewGraph("flow", engine.Par(struck, task(t, "beside", "echo")))
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Run(t.Context(), g, marshal(t, "x"))
	if want := `{"struck":"x","beside":"x"}`; err != nil || got.Status != engine.StatusSucceeded || string(got.Output) != want {
		t.Fatalf("got %s %s %v, %v", got.Status, got.Output, got.Error, err)
	}
	if n := v.attempts.Load(); n != 2 {
		t.Errorf("the task had %d attempts, want 2", n)
	}
}
