package mcp_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// listener is a client's options that keep what progress is told.
type listener struct {
	mu    sync.Mutex // guards told
	told  []*protocol.ProgressNotificationParams
	more  *sync.Cond    // of mu: there is more
	first chan struct{} // closed at the first
}

func newListener() *listener {
	l := &listener{first: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	return l
}

func (l *listener) options() *protocol.ClientOptions {
	return &protocol.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *protocol.ProgressNotificationClientRequest) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.told = append(l.told, r.Params); len(l.told) == 1 {
			close(l.first)
		}
		l.more.Broadcast()
	}}
}

// until waits for a notice that ends so: a client reads notices beside results, and
// may be behind.
func (l *listener) until(end string) []*protocol.ProgressNotificationParams {
	l.mu.Lock()
	defer l.mu.Unlock()
	late := time.AfterFunc(20*time.Second, l.more.Broadcast)
	defer late.Stop()
	for began := time.Now(); time.Since(began) < 20*time.Second; l.more.Wait() {
		if n := len(l.told); n > 0 && strings.HasSuffix(l.told[n-1].Message, end) {
			break
		}
	}
	return l.told
}

func (l *listener) all() []*protocol.ProgressNotificationParams {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told
}

func withToken(a args) *protocol.CallToolParams {
	p := &protocol.CallToolParams{Name: "run_code", Arguments: a}
	p.SetProgressToken("token")
	return p
}

func TestProgress(t *testing.T) {
	t.Parallel()
	heard := newListener()
	session := connect(t, newServer(t, mcp.Config{}), heard.options())
	result, err := session.CallTool(t.Context(), withToken(args{
		"language": "python", "code": "import time\nprint('one')\ntime.sleep(0.25)\nprint('two')\nctx.progress(3, 4, 'almost')\nctx.info('noted')",
	}))
	if err != nil || result.IsError {
		t.Fatalf("got %v, %+v", err, result)
	}
	var text []string
	last := 0.0
	for _, p := range heard.until("noted") {
		if p.ProgressToken != "token" || p.Progress <= last {
			t.Errorf("got %+v after %g", p, last)
		}
		last = p.Progress
		text = append(text, p.Message)
	}
	if got := strings.Join(text, "\n"); len(text) < 2 || got != "one\ntwo\nalmost 3 of 4\nnoted" {
		t.Errorf("got %q, want all that it printed, in at least two notices", text)
	}
	if o := read(t, result); o.Stdout != "one\ntwo\n" || o.Stderr != "info: noted\n" {
		t.Errorf("got stdout %q, stderr %q", o.Stdout, o.Stderr)
	}
	if run(t, session, args{"language": "python", "code": "print('quiet')"}); heard.all()[len(heard.all())-1].Message == "quiet" {
		t.Error("progress was told to a client that did not ask for it")
	}
}

// TestProgressFlood prints more than a client can be told.
func TestProgressFlood(t *testing.T) {
	t.Parallel()
	heard := newListener()
	session := connect(t, newServer(t, mcp.Config{}), heard.options())
	if _, err := session.CallTool(t.Context(), withToken(args{"language": "javascript", "code": "for (let i = 0; i < 10000; i++) console.log(i)"})); err != nil {
		t.Fatal(err)
	}
	told := heard.all()
	if n := len(told); n == 0 || n > 50 {
		t.Errorf("got %d notices, want some, but not for each line", n)
	}
	for _, p := range told {
		if len(p.Message) > 4<<10 {
			t.Errorf("got a message of %d bytes", len(p.Message))
		}
	}
}

// TestCancel cancels a call whose code would run for ever, and wants its slot.
func TestCancel(t *testing.T) {
	t.Parallel()
	heard := newListener()
	session := connect(t, newServer(t, mcp.Config{Concurrency: 1, Limits: wasmhost.Limits{Timeout: time.Hour}}), heard.options())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-heard.first
		cancel()
	}()
	_, err := session.CallTool(ctx, withToken(args{"language": "python", "code": "print('running')\nwhile True: pass"}))
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	began := time.Now()
	if o, _ := run(t, session, args{"language": "python", "code": "1"}); string(o.Value) != "1" {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the next call waited for %s", took)
	}
}

// TestGone has a client go whose code would run for ever.
func TestGone(t *testing.T) {
	t.Parallel()
	server := newServer(t, mcp.Config{Concurrency: 1, Limits: wasmhost.Limits{Timeout: time.Hour}})
	heard := newListener()
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() { served <- server.ServeStdio(t.Context(), far, far) }()
	session := connectTo(t, &protocol.IOTransport{Reader: near, Writer: near}, heard.options())
	called := make(chan error, 1)
	go func() {
		_, err := session.CallTool(context.Background(), withToken(args{"language": "python", "code": "print('running')\nwhile True: pass", "session": "s"}))
		called <- err
	}()
	<-heard.first
	_ = near.Close() // a pipe has no errors
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := <-called; err == nil {
		t.Error("the call of a client who went has succeeded")
	}
	if o, _ := run(t, connect(t, server, nil), args{"language": "python", "code": "1"}); string(o.Value) != "1" {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
}

// TestBusy has more calls than may wait.
func TestBusy(t *testing.T) {
	t.Parallel()
	heard := newListener()
	session := connect(t, newServer(t, mcp.Config{Concurrency: 1, Waiting: 1, Limits: wasmhost.Limits{Timeout: time.Hour}}), heard.options())
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	all.Go(func() {
		_, _ = session.CallTool(ctx, withToken(args{"language": "python", "code": "print(1)\nwhile True: pass"})) // it is stopped
	})
	<-heard.first
	kinds := make(chan string, 2)
	for range 2 {
		all.Go(func() {
			o, _ := run(t, session, args{"language": "python", "code": "1"})
			kinds <- o.kind()
		})
	}
	if got := <-kinds; got != "busy" {
		t.Errorf("got %q, want one to be refused", got)
	}
	cancel()
	if got := <-kinds; got != "" {
		t.Errorf("got %q, want the other to have waited", got)
	}
}

// TestClose ends a server while code runs: after the grace it is stopped, and its
// client told.
func TestClose(t *testing.T) {
	t.Parallel()
	server := newServer(t, mcp.Config{Grace: 100 * time.Millisecond, Limits: wasmhost.Limits{Timeout: time.Hour}})
	heard := newListener()
	session := connect(t, server, heard.options())
	kind := make(chan string, 1)
	go func() {
		result, err := session.CallTool(context.Background(), withToken(args{"language": "python", "code": "print(1)\nwhile True: pass"}))
		if err != nil {
			kind <- err.Error()
			return
		}
		kind <- read(t, result).kind()
	}()
	<-heard.first
	server.Close()
	if got := <-kind; got != "canceled" {
		t.Errorf("got %q, want canceled", got)
	}
}
