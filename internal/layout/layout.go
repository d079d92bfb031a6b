package layout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/script"
)

// ErrTooLarge is the error of a graph that is too large to be looked at: more than
// 10 000 tasks and groups, or 50 000 edges.
var ErrTooLarge = errors.New("the graph is too large to be drawn")

const (
	maxNodes = 10_000
	maxEdges = 50_000
)

// Config configures a Layout. The zero value is usable.
type Config struct {
	// Sandbox runs dagre. It is not closed with the layout. nil: graphs are arranged
	// without dagre.
	Sandbox *script.Sandbox
	// Keep is how many drawings are kept, those used last; 0 is 128.
	Keep int
	// Timeout bounds the time of dagre for one drawing; 0 is 10 s. Then the graph is
	// arranged without it.
	Timeout time.Duration
	// MaxUnits bounds what is given to dagre at once: nodes, and bends of edges that pass
	// a rank; 0 is 2500, which takes it about two seconds. What is more is arranged
	// without it.
	MaxUnits int
	// Logger is told why dagre was not used. nil: slog.Default.
	Logger *slog.Logger
}

// Layout draws graphs, and keeps drawings by the digests of graphs. It is safe for
// concurrent use.
type Layout struct {
	config Config
	log    *slog.Logger
	kept   *cache
}

// New returns a layout. It starts nothing.
func New(config Config) (*Layout, error) {
	if config.Keep < 0 || config.Timeout < 0 || config.MaxUnits < 0 {
		return nil, fmt.Errorf("draw graphs: keep %d, timeout %s, max units %d: must not be negative", config.Keep, config.Timeout, config.MaxUnits)
	}
	if config.Keep == 0 {
		config.Keep = 128
	}
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	if config.MaxUnits == 0 {
		config.MaxUnits = 2500
	}
	l := &Layout{config: config, log: config.Logger, kept: newCache(config.Keep)}
	if l.log == nil {
		l.log = slog.Default()
	}
	return l, nil
}

// Graph draws a graph. The drawing is shared, and must not be changed. Errors are
// ErrTooLarge and those of ctx.
func (l *Layout) Graph(ctx context.Context, g *engine.Graph) (*Drawing, error) {
	spec := g.Spec()
	if len(spec.Tasks)+len(spec.Groups) > maxNodes || len(spec.Edges) > maxEdges {
		return nil, fmt.Errorf("draw graph %q of %d tasks and %d edges: %w", spec.Name, len(spec.Tasks), len(spec.Edges), ErrTooLarge)
	}
	return l.kept.get(ctx, g.Digest(), func() (*Drawing, error) {
		return l.draw(ctx, spec)
	})
}

func (l *Layout) draw(ctx context.Context, spec engine.Spec) (*Drawing, error) {
	d, err := l.direct(spec).drawing(ctx, l.arrangers())
	if err != nil {
		return nil, fmt.Errorf("draw graph %q: %w", spec.Name, err)
	}
	return d, nil
}
