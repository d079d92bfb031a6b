package console

import (
	"bytes"
	"context"
	"html/template"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/layout"
)

// Bounds of layouts.
const (
	maxDrawings   = 256                   // that are kept
	layoutTime    = time.Minute           // that one may take
	maxInline     = 1500                  // activations of a run whose page has its graph; else it has a page of its own
	firstPatience = 60 * time.Millisecond // that a page waits for one; it comes with the next look
)

// drawings are the layouts of graphs, by digest. They are made in the background, one
// at a time: a page does not wait for them.
type drawings struct {
	draw func(ctx context.Context, g *engine.Graph) (*layout.Drawing, error)

	ctx    context.Context //nolint:containedctx // of what is made in the background
	cancel context.CancelFunc
	wait   sync.WaitGroup
	turn   chan struct{} // holds one while a layout is made

	mu   sync.Mutex // guards what follows
	all  map[string]*drawing
	last []string // in order of their coming
}

// drawing is one that is made, or was.
type drawing struct {
	done chan struct{} // closed when what follows is set
	is   *layout.Drawing
	err  error
}

func newDrawings(draw func(context.Context, *engine.Graph) (*layout.Drawing, error)) *drawings {
	d := &drawings{draw: draw, all: map[string]*drawing{}, turn: make(chan struct{}, 1)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

func (d *drawings) close() {
	d.cancel()
	d.wait.Wait()
}

// of is the drawing of a graph, which may not be done yet.
func (d *drawings) of(g *engine.Graph) *drawing {
	digest := g.Digest()
	d.mu.Lock()
	defer d.mu.Unlock()
	if one := d.all[digest]; one != nil {
		return one
	}
	if len(d.last) == maxDrawings {
		delete(d.all, d.last[0])
		d.last = d.last[1:]
	}
	one := &drawing{done: make(chan struct{})}
	d.all[digest] = one
	d.last = append(d.last, digest)
	d.wait.Go(func() { d.make(one, g) })
	return one
}

func (d *drawings) make(one *drawing, g *engine.Graph) {
	defer close(one.done)
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-d.ctx.Done():
		one.err = d.ctx.Err()
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, layoutTime)
	defer cancel()
	one.is, one.err = d.draw(ctx, g)
}

// graphView is a graph in a page.
type graphView struct {
	Tasks   int
	SVG     template.HTML
	Pending bool   // it is being laid out
	Large   bool   // it has a page of its own
	Fault   string // why it can't be drawn
}

// graphOf draws a graph as o says, if its layout is done before patience is over. ctx
// is that of who asks.
func (c *Console) graphOf(ctx context.Context, g *engine.Graph, o layout.SVG, patience time.Duration) graphView {
	v := graphView{Tasks: len(g.Spec().Tasks)}
	if c.Draw == nil {
		v.Fault = "this server draws no graphs"
		return v
	}
	one := c.drawings.of(g) //nolint:contextcheck // it is made for all who look, not for who looks first
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-one.done:
	case <-ctx.Done():
		v.Pending = true
		return v
	case <-timer.C:
		v.Pending = true
		return v
	}
	var svg bytes.Buffer
	err := one.err
	if err == nil {
		err = one.is.WriteSVG(&svg, o)
	}
	if err != nil {
		v.Fault = err.Error()
		return v
	}
	v.SVG = template.HTML(svg.String()) //nolint:gosec // it escapes what it writes, and a test has it do so
	return v
}
