package layout

import (
	"context"
	"errors"
	"math"

	"github.com/graflow/graflow-wasm/engine"
)

// arrangers are those that a drawing is tried with, in turn.
func (l *Layout) arrangers() []arranger {
	if l.config.Sandbox == nil {
		return []arranger{simple{}}
	}
	library, err := Dagre()
	if err != nil {
		l.log.Warn("graphs are drawn without dagre", "err", err)
		return []arranger{simple{}}
	}
	return []arranger{&dagre{sandbox: l.config.Sandbox, library: library, timeout: l.config.Timeout}, simple{}}
}

// directed is a plan with what its drawing needs to know.
type directed struct {
	*plan

	layout *Layout
	scopes [][]*scope // by level
	way    Direction
}

// direct plans a graph, in the direction in which it has the better shape.
func (l *Layout) direct(spec engine.Spec) *directed {
	d := &directed{plan: newPlan(spec), layout: l}
	d.collect(d.root)
	d.root.walk((*scope).split)
	return d
}

func (d *directed) collect(s *scope) {
	for len(d.scopes) <= s.level {
		d.scopes = append(d.scopes, nil)
	}
	d.scopes[s.level] = append(d.scopes[s.level], s)
	for _, b := range s.boxes {
		if b.inside != nil {
			d.collect(b.inside)
		}
	}
}

// walk calls f for a scope and all in it.
func (s *scope) walk(f func(*scope)) {
	f(s)
	for _, b := range s.boxes {
		if b.inside != nil {
			b.inside.walk(f)
		}
	}
}

// drawing arranges the plan by the first arranger that can.
func (d *directed) drawing(ctx context.Context, by []arranger) (*Drawing, error) {
	if err := d.choose(ctx); err != nil {
		return nil, err
	}
	d.plan.drawing.By = simple{}.name()
	for _, a := range by {
		used, err := d.arrange(ctx, a)
		if err == nil {
			if used {
				d.plan.drawing.By = a.name()
			}
			break
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		d.layout.log.Warn("arrange a graph another way", "graph", d.plan.drawing.Name, "by", a.name(), "err", err)
	}
	d.finish()
	return d.plan.drawing, nil
}

// A drawing to the right is preferred up to this size, in pixels: that of a window,
// which scrolls down more easily than to the side.
const (
	windowWidth  = 1100.0
	windowHeight = 1300.0
)

// choose arranges the plan both ways, roughly, and takes the one of the better shape.
func (d *directed) choose(ctx context.Context) error {
	sizes := map[Direction]Rect{}
	for _, way := range []Direction{Right, Down} {
		d.way = way
		if _, err := d.arrange(ctx, simple{}); err != nil {
			return err
		}
		sizes[way] = Rect{Width: d.root.width(), Height: d.root.height()}
	}
	right, down := sizes[Right], sizes[Down]
	cost := func(r Rect) float64 { return math.Max(r.Width/windowWidth, r.Height/windowHeight) }
	d.way = Down
	if right.Width <= windowWidth && right.Height <= windowHeight || cost(right) <= cost(down) {
		d.way = Right
	}
	return nil
}

var errTooMuch = errors.New("it has more nodes and bends than are arranged by it")

// arrange places all boxes, scopes from the inside out, and tells whether the arranger
// was needed.
func (d *directed) arrange(ctx context.Context, a arranger) (used bool, err error) {
	if _, ok := a.(simple); !ok && d.units() > d.layout.config.MaxUnits {
		return false, errTooMuch
	}
	for level := len(d.scopes) - 1; level >= 0; level-- {
		hard, easy := d.parts(level)
		for _, work := range []struct {
			parts []*part
			by    arranger
		}{{hard, a}, {easy, simple{}}} {
			if len(work.parts) == 0 {
				continue
			}
			all := make([]layers, len(work.parts))
			for i, p := range work.parts {
				all[i] = p.layers(d.way)
			}
			placings, err := work.by.arrange(ctx, all)
			if err != nil {
				return false, err
			}
			for i, p := range work.parts {
				p.place(placings[i], d.way)
			}
		}
		used = used || len(hard) > 0
		for _, s := range d.scopes[level] {
			s.pack(d.way)
		}
	}
	return used, nil
}

// parts are those of a level: that need an arranger, and the others.
func (d *directed) parts(level int) (hard, easy []*part) {
	for _, s := range d.scopes[level] {
		for _, p := range s.parts {
			if p.isChain() {
				easy = append(easy, p)
			} else {
				hard = append(hard, p)
			}
		}
	}
	return hard, easy
}

func (d *directed) units() int {
	sum := 0
	d.root.walk(func(s *scope) {
		for _, p := range s.parts {
			if !p.isChain() {
				sum += p.units()
			}
		}
	})
	return sum
}
