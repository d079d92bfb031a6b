package client

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// flows are those of the server.
type flows struct{ c *Client }

var _ ops.Flows = flows{}

const kindFlow = "application/yaml"

// Validate implements ops.Flows.
func (f flows) Validate(ctx context.Context, source string) (*engine.Graph, error) {
	type valid struct {
		Graph engine.Spec `json:"graph"`
	}
	v, err := do[valid](ctx, f.c, ask{method: http.MethodPost, path: at("flows", "validate"), body: []byte(source), kind: kindFlow})
	if err != nil {
		return nil, err
	}
	return v.Graph.Build()
}

// Put implements ops.Flows. The server knows by whom.
func (f flows) Put(ctx context.Context, source, _ string) (ops.Flow, error) {
	return do[ops.Flow](ctx, f.c, ask{method: http.MethodPut, path: "flows", body: []byte(source), kind: kindFlow})
}

// List implements ops.Flows.
func (f flows) List(ctx context.Context) ([]ops.Flow, error) {
	type all struct {
		Flows []ops.Flow `json:"flows"`
	}
	got, err := read[all](ctx, f.c, "flows")
	return got.Flows, err
}

// Show implements ops.Flows.
func (f flows) Show(ctx context.Context, ref string) (ops.Flow, error) {
	return read[ops.Flow](ctx, f.c, "flows", ref)
}

// Remove implements ops.Flows.
func (f flows) Remove(ctx context.Context, ref string) error {
	return f.c.tell(ctx, http.MethodDelete, nil, "flows", ref)
}

// code runs on the server.
type code struct{ c *Client }

var _ ops.Code = code{}

// Run implements ops.Code.
func (r code) Run(ctx context.Context, request ops.CodeRequest) (ops.CodeResult, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return ops.CodeResult{}, err
	}
	return do[ops.CodeResult](ctx, r.c, ask{method: http.MethodPost, path: "code", body: body, slow: true})
}
