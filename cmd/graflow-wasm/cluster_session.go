package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	scripts "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// joinSession is a session on a cluster: this process submits runs, if it begins any,
// and follows them; others drive them.
func joinSession(ctx context.Context, flags driveFlags, begins bool) (*session, error) {
	s := &session{hub: &control.Hub{}, place: flags.place}
	s.feed = control.NewFeed(func(n engine.Notice, _ bool) { s.hub.Observe(n) })
	var err error
	if s.bus, err = s.place.cluster.open(ctx, natsbus.Config{}); err != nil {
		return nil, err
	}
	if err = s.answers(ctx); err != nil {
		s.Close() //nolint:contextcheck // closing has no context to end by
		return nil, err
	}
	if begins {
		err = s.wireFar(flags)
	} else {
		s.engine, err = engine.New(engine.Config{
			Backend: s.bus.Backend(), Part: engine.PartNone, Observe: s.feed.Observe, CheckSchema: flowfile.CheckSchema,
		})
	}
	if err != nil {
		s.Close() //nolint:contextcheck // closing has no context to end by
		return nil, err
	}
	desk := newClusterDesk(s)
	s.desk, s.runs = engineDesk{desk, s}, desk
	return s, nil
}

// answersWithin bounds the wait for the first word of a cluster.
const answersWithin = 4 * time.Second

// answers wants the cluster to have what runs are stored in.
func (s *session) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	err := s.bus.Ready(ctx)
	if err != nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, natsbus.ErrUnreachable)) {
		return fmt.Errorf("%w: nothing answers there for runs: a `graflow-wasm server` makes it so, or a worker", natsbus.ErrUnreachable)
	}
	return err
}

// wireFar starts an engine that can check what it submits.
func (s *session) wireFar(flags driveFlags) error {
	cacheDir, err := cacheDirectory(flags.cacheDir)
	if err != nil {
		return err
	}
	s.far = newFarWasm(cacheDir, cluster.WasmRegistry(s.bus))
	handlers, err := handlersWith(s.far, farContainers{modules: s.far}, scripts.Elsewhere{})
	if err != nil {
		return err
	}
	s.engine, err = engine.New(engine.Config{
		Handlers: handlers, Backend: s.bus.Backend(), Part: engine.PartNone, Observe: s.feed.Observe, CheckSchema: flowfile.CheckSchema,
	})
	return err
}

// clusterDesk is what this process can do with the runs of a cluster: read their
// journals, and ask who drives them.
type clusterDesk struct {
	*control.Desk // which reads

	session *session
	steerer *control.Steerer
}

func newClusterDesk(s *session) *clusterDesk {
	return &clusterDesk{
		Desk:    control.NewDesk(control.Config{Engine: s.engine, Hub: s.hub, Shared: true}),
		session: s, steerer: cluster.NewSteerer(s.bus),
	}
}

// Cancel is [control.Desk.Cancel], where the run is driven. So are the others.
func (d *clusterDesk) Cancel(ctx context.Context, run, message string) error {
	return d.steerer.Cancel(ctx, run, message)
}

// Hold implements desk.
func (d *clusterDesk) Hold(ctx context.Context, run, message string) error {
	return d.steerer.Hold(ctx, run, message)
}

// Delete implements desk.
func (d *clusterDesk) Delete(ctx context.Context, run string, force bool) error {
	return d.steerer.Delete(ctx, run, force)
}

// Resume implements desk.
func (d *clusterDesk) Resume(ctx context.Context, run string) (*engine.Running, error) {
	return d.followOn(ctx, run, d.steerer.Resume(ctx, run))
}

// Answer implements desk.
func (d *clusterDesk) Answer(ctx context.Context, run, name string, answer json.RawMessage) (*engine.Running, error) {
	return d.followOn(ctx, run, d.steerer.Answer(ctx, run, name, answer))
}

// Retry implements desk.
func (d *clusterDesk) Retry(ctx context.Context, run string, from engine.RetryFrom) (*engine.Running, error) {
	return d.followOn(ctx, run, d.steerer.Retry(ctx, run, from))
}

// Bounds of how long what was done to a run may be on its way to who reads it.
const (
	movedWithin = 10 * time.Second
	movedLook   = 5 * time.Millisecond
)

// followOn follows a run to which something was done, from then on: a replica that is
// behind may show it as it was before.
func (d *clusterDesk) followOn(ctx context.Context, run string, err error) (*engine.Running, error) {
	if err != nil {
		return nil, err
	}
	o, err := d.session.engine.Follow(ctx, run)
	for end := time.Now().Add(movedWithin); err == nil && !d.session.feed.Moved() && time.Now().Before(end); {
		select {
		case <-o.Done():
			o, err = d.session.engine.Follow(ctx, run)
		default:
		}
		pauseFor(ctx, movedLook)
	}
	return o, err
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// Follow implements runs.
func (d *clusterDesk) Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error) {
	defer d.session.hub.Subscribe(run, f)()
	logs := d.session.tellLogs(ctx, run, time.Time{})
	defer logs.Close()
	o, err := d.session.engine.Follow(ctx, run)
	if err != nil {
		return engine.Outcome{}, control.Missing(run, err)
	}
	return o.Wait(ctx)
}
