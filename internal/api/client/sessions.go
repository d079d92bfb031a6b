package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// sessions are those of the server. It knows by the token whose they are.
type sessions struct{ c *Client }

var _ ops.Sessions = sessions{}

// Run implements ops.Sessions.
func (s sessions) Run(ctx context.Context, _, name string, request ops.CodeRequest, anew bool) (ops.CodeResult, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return ops.CodeResult{}, err
	}
	a := ask{method: http.MethodPost, path: at("sessions", name, "code"), body: body, slow: true}
	if anew {
		a.query = url.Values{"anew": {"true"}}
	}
	return do[ops.CodeResult](ctx, s.c, a)
}

// Create implements ops.Sessions.
func (s sessions) Create(ctx context.Context, _, name, language string) (ops.Session, error) {
	return sent[ops.Session](ctx, s.c, http.MethodPut, map[string]string{"language": language}, "sessions", name)
}

// List implements ops.Sessions.
func (s sessions) List(ctx context.Context, _ string) ([]ops.Session, error) {
	type all struct {
		Sessions []ops.Session `json:"sessions"`
	}
	got, err := read[all](ctx, s.c, "sessions")
	return got.Sessions, err
}

// Show implements ops.Sessions.
func (s sessions) Show(ctx context.Context, _, name string) (ops.Session, error) {
	return read[ops.Session](ctx, s.c, "sessions", name)
}

// Remove implements ops.Sessions.
func (s sessions) Remove(ctx context.Context, _, name string) error {
	return s.c.tell(ctx, http.MethodDelete, nil, "sessions", name)
}
