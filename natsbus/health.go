package natsbus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Health is how a cluster answers.
type Health struct {
	Server     string         `json:"server"`            // name of the server that this process is connected to
	Version    string         `json:"version"`           // of it
	Cluster    string         `json:"cluster,omitempty"` // its name; "" is a server that is alone
	URL        string         `json:"url,omitempty"`
	TLS        bool           `json:"tls"`
	RoundTrip  time.Duration  `json:"round_trip_ns"`
	MaxPayload int64          `json:"max_payload"`
	Stored     uint64         `json:"stored"`    // bytes that the account has stored
	MaxStore   int64          `json:"max_store"` // that it may store; -1 is no limit
	Streams    []StreamHealth `json:"streams"`
}

// StreamHealth is how a stream stands.
type StreamHealth struct {
	Name     string `json:"name"`
	Leader   string `json:"leader,omitempty"` // of several replicas; "" then: none, nothing can be stored
	Replicas int    `json:"replicas"`         // as configured
	Current  int    `json:"current"`          // of them, those that are up to date
	Messages uint64 `json:"messages"`
	Last     uint64 `json:"last"` // how many were stored so far
	Bytes    uint64 `json:"bytes"`
	MaxBytes int64  `json:"max_bytes"` // -1: none
}

// Connected tells whether there is a connection now.
func (b *Bus) Connected() bool { return b.nc.Status() == nats.CONNECTED }

// Ready returns nil if the cluster takes what runs store: there is a connection, and
// the stream of runs answers. It needs the rights of a worker.
func (b *Bus) Ready(ctx context.Context) error {
	if !b.Connected() {
		return fmt.Errorf("%w: no connection", ErrUnreachable)
	}
	if _, err := b.over(ctx, []string{"ready"}); err != nil {
		return fmt.Errorf("ask the stream %s: %w", streamIndex, err)
	}
	return nil
}

// Health asks the cluster how it is. It needs the rights of a viewer.
func (b *Bus) Health(ctx context.Context) (Health, error) {
	h := Health{
		Server: b.nc.ConnectedServerName(), Version: b.nc.ConnectedServerVersion(), Cluster: b.nc.ConnectedClusterName(),
		URL: b.nc.ConnectedUrlRedacted(), TLS: b.nc.TLSRequired(), MaxPayload: b.nc.MaxPayload(),
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	began := time.Now()
	if err := b.nc.FlushWithContext(ctx); err != nil {
		return h, fmt.Errorf("ask the server: %w", translate(err))
	}
	h.RoundTrip = time.Since(began)
	try, end := b.guard(ctx, apiPrefix+"INFO")
	account, err := b.js.AccountInfo(try)
	if err = end(err); err != nil {
		return h, fmt.Errorf("ask for the account: %w", translate(err))
	}
	h.Stored, h.MaxStore = account.Store, account.Limits.MaxStore
	for _, cfg := range b.streams() {
		s, err := b.stream(ctx, cfg.Name)
		if err != nil {
			return h, fmt.Errorf("ask for stream %s: %w", cfg.Name, translate(err))
		}
		h.Streams = append(h.Streams, s)
	}
	return h, nil
}

func (b *Bus) stream(ctx context.Context, name string) (StreamHealth, error) {
	stream, err := b.openStream(ctx, name)
	if err != nil {
		return StreamHealth{}, err
	}
	info := stream.CachedInfo()
	h := StreamHealth{
		Name: name, Replicas: info.Config.Replicas, Current: 1,
		Messages: info.State.Msgs, Last: info.State.LastSeq, Bytes: info.State.Bytes, MaxBytes: info.Config.MaxBytes,
	}
	if c := info.Cluster; c != nil {
		h.Leader = c.Leader
		h.Current += current(c.Replicas)
	}
	return h, nil
}

func current(replicas []*jetstream.PeerInfo) int {
	n := 0
	for _, r := range replicas {
		if r.Current {
			n++
		}
	}
	return n
}
