package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// submitted is a run as its submitter knows it.
type submitted struct {
	id   string
	kind *kind
	n    float64
	rand *rand.Rand

	accepted bool
	asked    time.Time // when it was submitted first
	ended    time.Time // when that was told; zero: it was not
	told     engine.Outcome
}

// driver submits runs, steers some of them, and waits for their ends.
type driver struct {
	bus     *natsbus.Bus
	engine  *engine.Engine
	steerer *control.Steerer
	graphs  map[*kind]*engine.Graph
	say     func(format string, args ...any)

	open       atomic.Int64 // runs that have not ended
	heldBack   atomic.Int64 // that were not submitted, as too many were open
	again      atomic.Int64 // times that a run was followed anew
	askedAgain atomic.Int64 // times that something was asked of a run once more

	mu  sync.Mutex // guards all
	all []*submitted
}

func newDriver(bus *natsbus.Bus, cells engine.Handler, say func(string, ...any)) (*driver, error) {
	h, err := handlers(nil, cells) // for graphs to be checked against: it executes nothing
	if err != nil {
		return nil, err
	}
	d := &driver{bus: bus, steerer: newSteerer(bus), graphs: map[*kind]*engine.Graph{}, say: say}
	for _, k := range kinds {
		if d.graphs[k], err = k.graph(); err != nil {
			return nil, fmt.Errorf("kind %s: %w", k.name, err)
		}
	}
	d.engine, err = engine.New(engine.Config{Handlers: h, Backend: bus.Backend(), Part: engine.PartNone})
	return d, err
}

// mostOpen is how many runs may be open: more are not submitted.
const mostOpen = 600

// submit submits runs at a rate until submitting is done, and waits for their ends
// until ctx is.
func (d *driver) submit(submitting, ctx context.Context, rate float64, r *rand.Rand) {
	var open sync.WaitGroup
	defer open.Wait()
	tick := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
		case <-submitting.Done():
			return
		}
		k := draw(r)
		s := &submitted{id: fmt.Sprintf("%s-%d", k.name, i), kind: k, n: float64(i % 1000), rand: rand.New(rand.NewPCG(r.Uint64(), 0))}
		if d.open.Load() >= mostOpen {
			d.heldBack.Add(1)
			continue
		}
		d.mu.Lock()
		d.all = append(d.all, s)
		d.mu.Unlock()
		open.Go(func() {
			d.open.Add(1)
			defer d.open.Add(-1)
			d.see(ctx, s)
		})
	}
}

// draw picks a kind by its share.
func draw(r *rand.Rand) *kind {
	total := 0
	for _, k := range kinds {
		total += k.share
	}
	n := r.IntN(total)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			return k
		}
	}
	return kinds[0]
}

// lookAgain is the time between two tries of something.
const lookAgain = 100 * time.Millisecond

// see submits a run and waits for its end.
func (d *driver) see(ctx context.Context, s *submitted) {
	o := d.start(ctx, s)
	if o == nil {
		return
	}
	s.accepted = true
	var steering sync.WaitGroup
	defer steering.Wait()
	if s.kind.steers != nil {
		steering.Go(func() { s.kind.steers(ctx, d, s) })
	}
	for {
		out, err := o.Wait(ctx)
		switch {
		case ctx.Err() != nil && err != nil:
			return
		case err != nil:
			if o = d.follow(ctx, s, err); o == nil {
				return
			}
		case out.Status == engine.StatusPaused:
			d.goOn(ctx, s, &out)
			_ = wait(ctx, lookAgain) // Wait tells
		default:
			s.told, s.ended = out, time.Now()
			return
		}
	}
}

// start submits a run until it is known to be accepted; nil if ctx ends before.
func (d *driver) start(ctx context.Context, s *submitted) *engine.Running {
	s.asked = time.Now()
	for {
		o, err := d.engine.Start(ctx, d.graphs[s.kind], engine.Start{ID: s.id, Input: raw(s.n)})
		switch {
		case err == nil:
			return o
		case errors.Is(err, engine.ErrRunExists): // it was stored the time before
			return d.follow(ctx, s, err)
		case ctx.Err() != nil:
			return nil
		}
		d.say("start %s: %v", s.id, err)
		_ = wait(ctx, lookAgain) // Start tells
	}
}

// follow follows a run once more.
func (d *driver) follow(ctx context.Context, s *submitted, why error) *engine.Running {
	d.again.Add(1)
	for {
		d.say("follow %s again: %v", s.id, why)
		o, err := d.engine.Follow(ctx, s.id)
		if err == nil {
			return o
		}
		if wait(ctx, lookAgain) != nil {
			return nil
		}
		why = err
	}
}

// ask does something to a run until it is known to be done, or comes too late.
func (d *driver) ask(ctx context.Context, s *submitted, what string, f func() error) {
	for ctx.Err() == nil {
		err := f()
		var refused *control.Error
		if err == nil || errors.As(err, &refused) && refused.Status == http.StatusConflict {
			return
		}
		d.askedAgain.Add(1)
		d.say("%s %s: %v", what, s.id, err)
		_ = wait(ctx, lookAgain) // the loop tells
	}
}

// goOn does what a run waits for.
func (d *driver) goOn(ctx context.Context, s *submitted, out *engine.Outcome) {
	for _, p := range out.Pauses {
		n := s.n
		if p.Name == "right" {
			n++
		}
		d.ask(ctx, s, "answer", func() error { return d.steerer.Answer(ctx, s.id, p.Name, raw(n)) })
	}
}

// cancelMidway cancels a run some time after its start.
func cancelMidway(ctx context.Context, d *driver, s *submitted) {
	if wait(ctx, between(s.rand, 0, 1.8)) == nil {
		d.ask(ctx, s, "cancel", func() error { return d.steerer.Cancel(ctx, s.id, "no more of it") })
	}
}

// holdMidway holds a run soon after its start, and releases it a while later.
func holdMidway(ctx context.Context, d *driver, s *submitted) {
	_ = wait(ctx, between(s.rand, 0, 0.15)) // what follows tells
	d.ask(ctx, s, "hold", func() error { return d.steerer.Hold(ctx, s.id, "for a while") })
	_ = wait(ctx, between(s.rand, 0, 1)) // likewise
	d.ask(ctx, s, "release", func() error { return d.steerer.Resume(ctx, s.id) })
}

// submissions are all runs.
func (d *driver) submissions() []*submitted {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all
}
