package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// dial connects to the cluster, however long it takes.
func dial(ctx context.Context, cfg natsbus.Config, url, nkey string) (*natsbus.Bus, error) {
	// Servers tell of ways that no fault can cut.
	cfg.Connect = natsbus.Dial(natsbus.DialConfig{URL: url, NKey: nkey, Name: cfg.Node, Fixed: true})
	for {
		bus, err := natsbus.Open(ctx, cfg)
		if err == nil || !errors.Is(err, natsbus.ErrUnreachable) {
			return bus, err
		}
		if err := wait(ctx, 300*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// archiveEvery is how often runs are looked for that are to be archived.
const archiveEvery = 5 * time.Second

// takePart is a worker that drives runs too.
func takePart(ctx context.Context, c *childConfig, log *slog.Logger) error {
	bus, err := dial(ctx, natsbus.Config{Node: c.Name, Replicas: c.Replicas, Lease: c.Lease, Logger: log}, c.URL, c.NKey)
	if err != nil {
		return err
	}
	defer bus.Close()
	backend := bus.Backend()
	cluster, ok := backend.Cluster.(*natsbus.Cluster)
	if !ok {
		return fmt.Errorf("the backend's cluster is a %T", backend.Cluster)
	}
	cells, err := newCellar(ctx, c.Guests, log)
	if err != nil {
		return err
	}
	defer cells.close()                     //nolint:contextcheck // closing has no context to end by
	e, err := c.engine(backend, cells, log) //nolint:contextcheck // what handlers do has the attempts' contexts
	if err != nil {
		return err
	}
	defer func() { _ = e.Close() }() //nolint:contextcheck // it ends what has no context of ours
	if err := e.Join(); err != nil { //nolint:contextcheck // likewise
		return err
	}
	duties, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	all.Go(func() {
		_ = bus.Announce(duties, nil, func() natsbus.NodeInfo { return natsbus.NodeInfo{Role: c.Role} })
	})
	all.Go(func() {
		if err := answer(duties, bus, cluster, e); duties.Err() == nil {
			log.Error("answer", "err", err)
		}
	})
	all.Go(func() {
		_ = cluster.Tidy(duties, natsbus.Retention{ArchiveAfter: c.Archive, Every: archiveEvery}) // until they end
	})
	defer all.Wait()
	defer stop()
	sayReady()
	<-ctx.Done()
	drained, cancel := context.WithTimeout(duties, c.Drain)
	defer cancel()
	e.Drain(drained)
	return nil
}

// engine makes the worker's, which writes down what it drops.
func (c *childConfig) engine(backend *engine.Backend, cells engine.Handler, log *slog.Logger) (*engine.Engine, error) {
	l, err := newLedger(c.Dir, c.Name)
	if err != nil {
		return nil, err
	}
	h, err := handlers(l, cells)
	if err != nil {
		return nil, err
	}
	return engine.New(engine.Config{
		Handlers: h, Backend: backend, Concurrency: c.Concurrency, Logger: log,
		Observe: func(n engine.Notice) {
			for prefix, what := range dropped {
				if n.Type == engine.NoticeWarning && strings.HasPrefix(n.Message, prefix) {
					if err := l.write(what, n.Run, n.Activation, n.Attempt); err != nil {
						log.Error("write down", "err", err)
					}
				}
			}
		},
	})
}

// dropped tells warnings about attempts that were dropped by how they begin.
var dropped = map[string]string{"stale commit": stale, "fenced": fenced, "lease lost": late}

// answer does what the driver asks of runs that this worker drives.
func answer(ctx context.Context, bus *natsbus.Bus, cluster *natsbus.Cluster, e *engine.Engine) error {
	share := control.NewShare(control.ShareConfig{Engine: e, Revive: bus.Unarchive, Forget: bus.Forget})
	return cluster.Answer(ctx, func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
		reply, err := share.Do(ctx, run, method, body)
		var told *control.Error
		switch {
		case errors.Is(err, engine.ErrElsewhere):
			err = natsbus.ErrElsewhere
		case errors.As(err, &told):
			err = &natsbus.AnswerError{Code: told.Status, Text: told.Message}
		}
		return reply, err
	})
}

// newSteerer asks workers.
func newSteerer(bus *natsbus.Bus) *control.Steerer {
	return control.NewSteerer(func(ctx context.Context, run, method string, body []byte) ([]byte, error) {
		reply, err := bus.Ask(ctx, run, method, body)
		var told *natsbus.AnswerError
		if errors.As(err, &told) {
			err = &control.Error{Status: told.Code, Message: told.Text}
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", method, err)
		}
		return reply, err
	})
}
