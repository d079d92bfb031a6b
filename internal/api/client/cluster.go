package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// The parts of a cluster, as the server sees them.
type (
	workers     struct{ c *Client }
	queues      struct{ c *Client }
	deadLetters struct{ c *Client }
	secrets     struct{ c *Client }
)

var (
	_ ops.Workers     = workers{}
	_ ops.Queues      = queues{}
	_ ops.DeadLetters = deadLetters{}
	_ ops.Secrets     = secrets{}
)

// List implements ops.Workers.
func (w workers) List(ctx context.Context) ([]ops.Worker, error) {
	type all struct {
		Workers []ops.Worker `json:"workers"`
	}
	got, err := read[all](ctx, w.c, "workers")
	return got.Workers, err
}

// List implements ops.Queues.
func (q queues) List(ctx context.Context) ([]ops.Queue, error) {
	type all struct {
		Queues []ops.Queue `json:"queues"`
	}
	got, err := read[all](ctx, q.c, "queues")
	return got.Queues, err
}

// Limit implements ops.Queues.
func (q queues) Limit(ctx context.Context, queue string, n int) error {
	return q.c.tell(ctx, http.MethodPut, map[string]int{"limit": n}, "queues", queue, "limit")
}

// List implements ops.DeadLetters.
func (d deadLetters) List(ctx context.Context, before uint64, limit int) ([]ops.DeadLetter, error) {
	type all struct {
		Dead []ops.DeadLetter `json:"dead_letters"`
	}
	query := url.Values{}
	if before > 0 {
		query.Set("before", strconv.FormatUint(before, 10))
	}
	if limit != 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	got, err := do[all](ctx, d.c, ask{method: http.MethodGet, path: "dead", query: query})
	return got.Dead, err
}

func letter(number uint64) string { return strconv.FormatUint(number, 10) }

// Show implements ops.DeadLetters.
func (d deadLetters) Show(ctx context.Context, number uint64) (ops.DeadLetter, error) {
	return read[ops.DeadLetter](ctx, d.c, "dead", letter(number))
}

// Retry implements ops.DeadLetters.
func (d deadLetters) Retry(ctx context.Context, number uint64) (string, error) {
	b, err := sent[begun](ctx, d.c, http.MethodPost, nil, "dead", letter(number), "retry")
	return b.Run, err
}

// Remove implements ops.DeadLetters.
func (d deadLetters) Remove(ctx context.Context, number uint64) error {
	return d.c.tell(ctx, http.MethodDelete, nil, "dead", letter(number))
}

// List implements ops.Secrets.
func (s secrets) List(ctx context.Context) ([]ops.Secret, error) {
	type all struct {
		Secrets []ops.Secret `json:"secrets"`
	}
	got, err := read[all](ctx, s.c, "secrets")
	return got.Secrets, err
}

// Set implements ops.Secrets.
func (s secrets) Set(ctx context.Context, name string, value []byte) (replaced bool, err error) {
	type set struct {
		Replaced bool `json:"replaced"`
	}
	if value == nil {
		value = []byte{}
	}
	got, err := do[set](ctx, s.c, ask{method: http.MethodPut, path: at("secrets", name), body: value, kind: "application/octet-stream"})
	return got.Replaced, err
}

// Remove implements ops.Secrets.
func (s secrets) Remove(ctx context.Context, name string) error {
	return s.c.tell(ctx, http.MethodDelete, nil, "secrets", name)
}
