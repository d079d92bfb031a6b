package natsbus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/natsbus/access"
)

// Config says how to reach a cluster. Of the zero value only Connect is missing.
type Config struct {
	// Connect makes the connection, and makes it anew should it be closed for
	// good; see [Dial].
	Connect func(...nats.Option) (*nats.Conn, error)
	// Namespace is for teams that trust one another and share an account; "" is
	// "main". Letters, digits, "_" and "-".
	Namespace string
	// Replicas of what is stored, 1, 3 or 5; 0 is 1. Of streams that exist it is
	// compared, not changed.
	Replicas int
	// Node names this process among others; "" draws a name.
	Node string
	// Queues are those that this process takes work from; nil is "default".
	Queues []string
	// Labels are what this process has to offer to tasks that require it.
	Labels map[string]string
	// Lease is how long a delivery may go without an extension; 0 is 10 s.
	Lease time.Duration
	// MaxReady is how many tasks may wait or run in the cluster when this process begins
	// a run; 0 is 1 000 000, less than 0 is no bound. At that many it is ErrFull.
	MaxReady int
	// Published is told how long it took to store an event of a run, and how that went;
	// a conflict is no error. It must be quick. nil costs nothing.
	Published func(took time.Duration, err error)
	// Logger is for faults that no caller can be told; nil is slog.Default().
	Logger *slog.Logger
}

// Bus is a connection to a cluster, with what runs need on it. It is safe for
// concurrent use.
type Bus struct {
	cfg Config
	nc  *nats.Conn
	js  jetstream.JetStream
	log *slog.Logger
	// seen tells whether servers see that nobody listens any more to the answers of
	// requests. Where users have an account of their own they do not: answers go by way
	// of subjects of the account with the streams, to which all servers listen.
	seen    bool
	denials denials
	room    room
	digest  digest

	mu    sync.Mutex // guards what follows
	parts []func()   // end the goroutines of its backends
	after []func()   // wait for those that end once the connection is closed
}

// Open connects. It creates nothing: see [Bus.Setup].
func Open(_ context.Context, cfg Config) (*Bus, error) {
	if cfg.Connect == nil {
		return nil, errors.New("open a bus: Config.Connect is nil")
	}
	if cfg.Namespace == "" {
		cfg.Namespace = "main"
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.Node == "" {
		cfg.Node = "node-" + strings.ToLower(rand.Text()[:8])
	}
	if cfg.Lease == 0 {
		cfg.Lease = 10 * time.Second
	}
	if cfg.MaxReady == 0 {
		cfg.MaxReady = defaultReady
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	options := append([]nats.Option{nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond)}, tellConnection(cfg.Logger)...)
	nc, err := cfg.Connect(options...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to JetStream: %w", err)
	}
	// The server tells the account behind its first answer. One that is not told, or is
	// of another name, is taken for a user's own.
	seen := nc.FlushTimeout(tryTime) == nil && nc.RemoteAccount() == access.Account
	b := &Bus{cfg: cfg, nc: nc, js: js, log: cfg.Logger, seen: seen}
	b.hearErrors()
	return b, nil
}

// tellConnection logs that the connection was lost, and that there is one again.
func tellConnection(log *slog.Logger) []nats.Option {
	var mu sync.Mutex // guards lost
	var lost time.Time
	return []nats.Option{
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			mu.Lock()
			defer mu.Unlock()
			if nc.IsClosed() || !lost.IsZero() {
				return
			}
			lost = time.Now()
			log.Warn("the connection to the cluster is lost, it is sought again", "err", err)
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			mu.Lock()
			defer mu.Unlock()
			log.Info("connected to the cluster again", "server", nc.ConnectedUrlRedacted(), "after", time.Since(lost).Round(time.Millisecond))
			lost = time.Time{}
		}),
	}
}

// Namespace is that of the runs, modules and workers.
func (b *Bus) Namespace() string { return b.cfg.Namespace }

// Close ends what its backends do, and the connection. Engines on them are to be
// closed before.
func (b *Bus) Close() {
	b.mu.Lock()
	parts, after := b.parts, b.after
	b.parts, b.after = nil, nil
	b.mu.Unlock()
	for _, end := range parts {
		end()
	}
	b.nc.Close()
	for _, wait := range after {
		wait()
	}
}

// ends keeps what ends a part, before the connection is closed and after.
func (b *Bus) ends(before, after func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.parts, b.after = append(b.parts, before), append(b.after, after)
}
