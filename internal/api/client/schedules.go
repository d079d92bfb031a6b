package client

import (
	"context"
	"net/http"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// schedules are those of the server.
type schedules struct{ c *Client }

var _ ops.Schedules = schedules{}

// List implements ops.Schedules.
func (s schedules) List(ctx context.Context) ([]ops.Schedule, error) {
	type all struct {
		Schedules []ops.Schedule `json:"schedules"`
	}
	got, err := read[all](ctx, s.c, "schedules")
	return got.Schedules, err
}

// Show implements ops.Schedules.
func (s schedules) Show(ctx context.Context, name string) (ops.Schedule, error) {
	return read[ops.Schedule](ctx, s.c, "schedules", name)
}

// Put implements ops.Schedules.
func (s schedules) Put(ctx context.Context, schedule ops.Schedule) (ops.Schedule, error) {
	return sent[ops.Schedule](ctx, s.c, http.MethodPut, schedule, "schedules", schedule.Name)
}

// Pause implements ops.Schedules.
func (s schedules) Pause(ctx context.Context, name string, paused bool) (ops.Schedule, error) {
	deed := "resume"
	if paused {
		deed = "pause"
	}
	return sent[ops.Schedule](ctx, s.c, http.MethodPost, nil, "schedules", name, deed)
}

// Trigger implements ops.Schedules.
func (s schedules) Trigger(ctx context.Context, name string) (string, error) {
	b, err := sent[begun](ctx, s.c, http.MethodPost, nil, "schedules", name, "trigger")
	return b.Run, err
}

// Remove implements ops.Schedules.
func (s schedules) Remove(ctx context.Context, name string) error {
	return s.c.tell(ctx, http.MethodDelete, nil, "schedules", name)
}
