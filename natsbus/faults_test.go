package natsbus

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// line is a connection to a server that a test may cut, or make lose what is said
// in one direction. It connects anew, through the same faults.
type line struct {
	nats.InProcessConnProvider

	mu   sync.Mutex // guards what follows
	mute bool       // what the server says is lost
	deaf bool       // what it is told is lost
	gone int        // bytes that the server said and nobody heard
	conn net.Conn
}

// lineTo connects to the shared server over a line.
func lineTo(tb testing.TB, namespace string) (*line, *Bus) {
	tb.Helper()
	l := &line{}
	b, err := Open(tb.Context(), Config{Namespace: namespace, Connect: func(options ...nats.Option) (*nats.Conn, error) {
		direct, err := shared.Connect()
		if err != nil {
			return nil, err
		}
		defer direct.Close()
		o := direct.Opts
		l.InProcessConnProvider, o.InProcessServer = o.InProcessServer, l
		for _, option := range options {
			if err := option(&o); err != nil {
				return nil, err
			}
		}
		o.ReconnectWait = 10 * time.Millisecond
		return o.Connect()
	}})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	if err := b.Setup(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return l, b
}

func (l *line) InProcessConn() (net.Conn, error) {
	conn, err := l.InProcessConnProvider.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conn = conn
	return &faulty{conn, l}, nil
}

// lose sets what is lost from now on.
func (l *line) lose(mute, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mute, l.deaf = mute, deaf
}

func (l *line) loses() (mute, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mute, l.deaf
}

// swallow counts what the server said, if it is lost.
func (l *line) swallow(n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mute {
		l.gone += n
	}
	return l.mute
}

// lost is how many bytes of the server's were.
func (l *line) lost() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gone
}

// cut ends the connection. The next one is sound.
func (l *line) cut() {
	l.lose(false, false)
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.conn.Close()
}

// faulty is one connection of a line.
type faulty struct {
	net.Conn
	line *line
}

func (f *faulty) Read(p []byte) (int, error) {
	for {
		n, err := f.Conn.Read(p)
		if err != nil || !f.line.swallow(n) {
			return n, err
		}
	}
}

func (f *faulty) Write(p []byte) (int, error) {
	if _, deaf := f.line.loses(); deaf {
		return len(p), nil
	}
	return f.Conn.Write(p)
}

// eventually waits until something is so that no channel tells of.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	for !is() {
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			tb.Fatalf("not in 30 s: %s", what)
		}
	}
}
