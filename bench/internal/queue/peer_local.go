package queue

import (
	"context"
	"encoding/json"
	"sync/atomic"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/statedir"
)

// localPeers are our own engine in one process, without a server: as kept as its
// backend keeps it.
var localPeers = []Peer{
	localPeer(Memory, "in memory", Loss{"all", "all"}, func(string) (*engine.Backend, func() error, error) {
		return engine.InMemory(), func() error { return nil }, nil
	}),
	localPeer(Later, "state directory, fsync every 100 ms (interval)", Loss{"nothing", "the last 0.1 s"}, inDirectory(statedir.SyncInterval)),
	localPeer(Synced, "state directory, fsync before the answer (always)", Loss{"nothing", "nothing"}, inDirectory(statedir.SyncAlways)),
}

type openBackend func(dir string) (b *engine.Backend, closes func() error, err error)

func inDirectory(sync statedir.Sync) openBackend {
	return func(dir string) (*engine.Backend, func() error, error) {
		d, err := statedir.Open(dir, statedir.Config{Sync: sync})
		if err != nil {
			return nil, nil, err
		}
		return d.Backend(), d.Close, nil
	}
}

func localPeer(class Class, config string, loses Loss, open openBackend) Peer {
	return Peer{
		Name: "graflow-wasm", Settings: "one process", Class: class, Config: config, Loses: loses,
		Open: func(_ context.Context, dir string) (System, error) {
			backend, closes, err := open(dir)
			if err != nil {
				return nil, err
			}
			return &local{backend: backend, closes: closes, retain: class != Memory}, nil
		},
	}
}

// local is an engine that is alone with its backend.
type local struct {
	backend *engine.Backend
	closes  func() error
	retain  bool // journals, which is what a backend on a disk is for

	open atomic.Int64 // runs that were submitted and have not ended
	graphFlows
}

var _ Flows = (*local)(nil)

func (s *local) Server() string { return "none" }

// Submit starts a run on the engine that works: there is no other.
func (s *local) Submit(ctx context.Context, job Job) error {
	g, err := s.job()
	if err != nil {
		return err
	}
	input, err := json.Marshal(job)
	if err != nil {
		return err
	}
	r, err := s.worker.Load().Start(ctx, g, engine.Start{Input: input})
	if err != nil {
		return err
	}
	s.open.Add(1)
	go func() {
		<-r.Done()
		s.open.Add(-1)
	}()
	return nil
}

func (s *local) Work(_ context.Context, concurrency int, handle func(Job)) (func(context.Context) error, error) {
	s.handle.Store(&handle)
	e, err := engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": s.functions()}, Backend: s.backend, Concurrency: concurrency, Retain: s.retain,
	})
	s.worker.Store(e)
	return func(ctx context.Context) error {
		e.Drain(ctx)
		return e.Close()
	}, err
}

func (s *local) Unfinished(context.Context) (int, error) { return int(s.open.Load()), nil }

func (s *local) Close(context.Context) error { return s.closes() }
