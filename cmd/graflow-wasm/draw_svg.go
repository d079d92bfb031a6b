package main

import (
	"bytes"
	"context"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
)

// drawSVG draws a graph as an image that stands alone. dagre runs in a sandbox, whose
// interpreter takes a second to compile the first time.
func drawSVG(ctx context.Context, g *engine.Graph, cache string) (string, error) {
	host, _, err := newHost(ctx, cache)
	if err != nil {
		return "", err
	}
	defer host.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing is left to be told
	sandbox, err := newSandbox(host, nil)        //nolint:contextcheck // it lives as long as the command
	if err != nil {
		return "", err
	}
	layouts, err := layout.New(layout.Config{Sandbox: sandbox})
	if err != nil {
		return "", err
	}
	drawing, err := layouts.Graph(ctx, g)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := drawing.WriteSVG(&b, layout.SVG{Style: true}); err != nil {
		return "", err
	}
	return b.String(), nil
}
