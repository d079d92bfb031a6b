package wasmhost_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

var buildSystem = sync.OnceValues(func() ([]byte, error) { return build("system", "-buildmode=c-shared") })

func system(tb testing.TB) *wasmhost.Module {
	tb.Helper()
	return compile(tb, guestBytes(tb, buildSystem))
}

// printed is what a call printed and logged.
type printed struct {
	out, err bytes.Buffer
	log      []string
}

func (p *printed) options() wasmhost.Options {
	opt := options()
	opt.Services.Log = func(_ slog.Level, line string) { p.log = append(p.log, line) }
	opt.Services.Stdout, opt.Services.Stderr = &p.out, &p.err
	return opt
}

func TestStreamsTakeBytes(t *testing.T) {
	t.Parallel()
	var p printed
	r := call(t, system(t), "prints", "", p.options())
	if got, want := p.out.String(), "one\ntwo\n\xff"; got != want {
		t.Errorf("got stdout %q, want %q", got, want)
	}
	if got, want := p.err.String(), "err"; got != want {
		t.Errorf("got stderr %q, want %q", got, want)
	}
	if want := []string{"a line"}; !slices.Equal(p.log, want) {
		t.Errorf("got log %q, want %q", p.log, want)
	}
	if got, want := r.Ledger.BytesLogged, int64(9+3+6); got != want {
		t.Errorf("got %d bytes logged, want %d", got, want)
	}
}

// A stream without a writer stays in the log.
func TestStreamsMixWithTheLog(t *testing.T) {
	t.Parallel()
	var p printed
	opt := p.options()
	opt.Services.Stdout = nil
	call(t, system(t), "prints", "", opt)
	if want := []string{"one", "two", "a line", "\uFFFD"}; !slices.Equal(p.log, want) || p.err.String() != "err" {
		t.Errorf("got log %q, stderr %q, want %q", p.log, p.err.String(), want)
	}
}

// What an initialization prints is no task's, with a snapshot and without.
func TestStreamsBeginWithTheTask(t *testing.T) {
	t.Parallel()
	for _, env := range []map[string]string{nil, {"UNSOUND": "1"}} {
		var p printed
		opt := p.options()
		opt.Grants.Env = env
		opt.Grants.Mounts = []wasmhost.Mount{{Guest: "/tmp", Memory: true}}
		for range 2 {
			call(t, system(t), "print_flood", "0", opt)
		}
		if p.out.Len() > 0 {
			t.Errorf("%v: got %q of the initialization", env, p.out.String())
		}
		if initialized := len(p.log) > 0; initialized != (env != nil) {
			t.Errorf("%v: got log %q", env, p.log)
		}
	}
}

func TestStreamsAreBoundedWithTheLog(t *testing.T) {
	t.Parallel()
	var p printed
	opt := p.options()
	opt.Limits.LogBytes = 250
	r := call(t, system(t), "print_flood", "10", opt)
	if got := p.out.Len(); got != 250 || r.Ledger.BytesLogged != 250 {
		t.Errorf("got %d bytes, %d counted, want 250", got, r.Ledger.BytesLogged)
	}
	if len(p.log) != 1 || !strings.Contains(p.log[0], "exceeds 250 bytes") {
		t.Errorf("got %q, want one notice", p.log)
	}
}

// A command's stdout is its output; its stderr is a stream as any.
func TestStreamsOfCommand(t *testing.T) {
	t.Parallel()
	var p printed
	r := call(t, command(t), "_start", `"fine"`, p.options())
	if p.out.Len() > 0 || len(r.Output) == 0 {
		t.Errorf("got stdout %q beside the output %s", p.out.String(), r.Output)
	}
}

// failingWriter takes so many bytes.
type failingWriter struct {
	left int
	err  error
}

func (w *failingWriter) Write(b []byte) (int, error) {
	n := min(w.left, len(b))
	w.left -= n
	if n < len(b) {
		return n, w.err
	}
	return n, nil
}

func TestStreamThatFailsEndsTheCall(t *testing.T) {
	t.Parallel()
	errGone := errors.New("the reader is gone")
	for given, want := range map[error]error{errGone: errGone, nil: io.ErrShortWrite} {
		opt := options()
		opt.Services.Stdout = &failingWriter{left: 100, err: given}
		e := trap(t, system(t), "print_loop", "", wasmhost.KindError, opt)
		if !errors.Is(e, want) || !strings.Contains(e.Message, "stdout") {
			t.Errorf("got %v, want %v", e, want)
		}
	}
}

// writerFunc is a function as a writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// A guest that prints in a loop is stopped however long its reader takes.
func TestStreamThatIsSlowKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	const pace = 50 * time.Millisecond
	var writes int
	opt := options()
	opt.Limits.Timeout = 5 * pace
	opt.Services.Stdout = writerFunc(func(b []byte) (int, error) {
		writes++
		<-time.After(pace)
		return len(b), nil
	})
	call(t, system(t), "prints", "", options())
	e := trap(t, system(t), "print_loop", "", wasmhost.KindTimeout, opt)
	if !errors.Is(e, wasmhost.ErrTimeout) || writes == 0 || writes > 5 {
		t.Errorf("got %v after %d writes, want a timeout after 5 at most", e, writes)
	}
}

// The caller may end a call from within a write.
func TestStreamSeesTheCancelAtOnce(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	writes := 0
	opt := options()
	opt.Services.Stdout = writerFunc(func(b []byte) (int, error) {
		if writes++; writes == 3 {
			cancel()
			<-time.After(5 * time.Millisecond)
		}
		return len(b), nil
	})
	_, err := system(t).Call(ctx, "print_loop", nil, opt)
	if !errors.Is(err, context.Canceled) || writes != 3 {
		t.Errorf("got %v after %d writes, want a cancel after 3", err, writes)
	}
}

// A service that waits until the call's time is up is no fault of its own.
func TestServiceThatIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	opt := options()
	opt.Services.Stdout = writerFunc(func([]byte) (int, error) {
		cancel()
		return 0, fmt.Errorf("printing: %w", ctx.Err())
	})
	_, err := system(t).Call(ctx, "print_loop", nil, opt)
	var e *wasmhost.TrapError
	if !errors.As(err, &e) || e.Kind != wasmhost.KindCanceled {
		t.Errorf("stdout: got %v, want it canceled", err)
	}
	opt = options()
	opt.Limits.Timeout = 10 * time.Millisecond
	opt.Services.Channel = stalled{}
	call(t, tasks(t), "silent", "", options())
	if e := trap(t, tasks(t), "channel", "", wasmhost.KindTimeout, opt); !errors.Is(e, wasmhost.ErrTimeout) {
		t.Errorf("channel: got %v, want a timeout", e)
	}
	opt = options() // within its time it is
	opt.Services.Stdout = &failingWriter{err: context.DeadlineExceeded}
	if e := trap(t, system(t), "print_loop", "", wasmhost.KindError, opt); !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("stdout: got %v, want the writer's error", e)
	}
}

// stalled is a channel that never answers.
type stalled struct{ *embedder }

func (stalled) Apply(ctx context.Context, _ wasmhost.ChannelOp) error {
	<-ctx.Done()
	return fmt.Errorf("apply: %w", ctx.Err())
}

// Why a guest panicked is told though its stderr is not logged.
func TestStreamsKeepTheDiagnosis(t *testing.T) {
	t.Parallel()
	var p printed
	e := trap(t, system(t), "print_panic", "", wasmhost.KindTrap, p.options())
	if !strings.Contains(e.Message, "panic: as told") || len(e.Stack) == 0 {
		t.Errorf("got %q, stack %q", e.Message, e.Stack)
	}
	if !strings.HasPrefix(p.err.String(), "panic: as told\n") || p.out.String() != "before\n" || len(p.log) > 0 {
		t.Errorf("got stdout %q, stderr %q, log %q", p.out.String(), p.err.String(), p.log)
	}
}
