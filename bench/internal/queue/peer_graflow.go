package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// graflowPeers are our own engine on natsbus, one for each of its profiles. A job is
// a run of its own, of a flow of one task that is a Go function, so that no sandbox
// is measured: its log, its graph and how it stands are stored too.
var graflowPeers = []Peer{
	graflowPeer(embedded.SyncDefault, Later, "file store, fsync every second (default)", Loss{"nothing", "the last second"}),
	graflowPeer(embedded.SyncAlways, Synced, "file store, fsync before the answer", Loss{"nothing", "nothing"}),
}

func graflowPeer(sync embedded.Sync, class Class, config string, loses Loss) Peer {
	return Peer{
		Name: "graflow-wasm", Settings: "a run per job", Class: class, Config: config, Loses: loses,
		Open: func(ctx context.Context, dir string) (System, error) { return openGraflow(ctx, dir, sync) },
	}
}

// onGraflow is an embedded server, and engines on it.
type onGraflow struct {
	server *embedded.Server
	bus    *natsbus.Bus
	client *engine.Engine
	graphFlows
}

var _ Flows = (*onGraflow)(nil)

func openGraflow(ctx context.Context, dir string, sync embedded.Sync) (*onGraflow, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir, Sync: sync})
	if err != nil {
		return nil, err
	}
	s := &onGraflow{server: server}
	if s.bus, err = natsbus.Open(ctx, natsbus.Config{Connect: server.Connect}); err == nil {
		err = s.bus.Setup(ctx)
	}
	if err == nil {
		s.client, err = s.engine(engine.PartNone, 1)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	return s, nil
}

func (s *onGraflow) engine(part engine.Part, concurrency int) (*engine.Engine, error) {
	return engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": s.functions()}, Backend: s.bus.Backend(), Part: part, Concurrency: concurrency,
	})
}

func (s *onGraflow) Server() string { return "nats-server in process" }

func (s *onGraflow) Submit(ctx context.Context, job Job) error {
	g, err := s.job()
	if err != nil {
		return err
	}
	input, err := json.Marshal(job)
	if err != nil {
		return err
	}
	if _, err = s.client.Submit(ctx, g, engine.Start{Input: input}); err == nil {
		s.singles.Add(1)
	}
	return err
}

func (s *onGraflow) Work(_ context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	s.handle.Store(&handle)
	e, err := s.engine(engine.PartBoth, concurrency)
	if err != nil {
		return nil, err
	}
	if err := e.Join(); err != nil {
		return nil, err
	}
	s.worker.Store(e)
	return func(ctx context.Context) error {
		e.Drain(ctx)
		return e.Close()
	}, nil
}

// Unfinished asks the index, once all jobs were handled.
func (s *onGraflow) Unfinished(ctx context.Context) (int, error) {
	singles := int(s.singles.Load())
	if left := singles - int(s.handled.Load()); left > 0 {
		return left, nil
	}
	runs, ended := singles+int(s.others.Load()), 0
	for before := ""; ; {
		page, next, err := s.bus.Runs(ctx, natsbus.RunsQuery{Status: engine.StatusSucceeded, Before: before, Limit: 1000})
		if err != nil {
			return 0, err
		}
		if ended += len(page); next == "" {
			return runs - ended, nil
		}
		before = next
	}
}

func (s *onGraflow) Close(context.Context) error {
	var err error
	if s.client != nil {
		err = s.client.Close()
	}
	if s.bus != nil {
		s.bus.Close()
	}
	s.server.Shutdown()
	if err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}
