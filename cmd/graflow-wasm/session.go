package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/statedir"
)

// session is an engine, and the state directory that it works on.
type session struct {
	engine *engine.Engine
	hub    *control.Hub
	desk   *control.Desk

	dir    *statedir.Dir // nil: nothing is kept
	state  stateFlags
	wiring *wiring // nil: it only reads
	logs   *taskLogs
	server *control.Server
}

// openSession opens what a command needs that drives runs, nothing of which is
// kept without a state directory. The caller closes it.
func openSession(ctx context.Context, deed string, flags driveFlags) (*session, error) {
	var dir *statedir.Dir
	if flags.state.path() != "" {
		var err error
		if dir, err = flags.state.take(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", deed, err)
		}
	}
	return newSession(ctx, deed, flags, dir)
}

// newSession is openSession with a directory that is open, which it takes over.
func newSession(ctx context.Context, deed string, flags driveFlags, dir *statedir.Dir) (*session, error) {
	s := &session{hub: &control.Hub{}, state: flags.state, dir: dir}
	if err := s.wire(ctx, flags); err != nil {
		s.Close() //nolint:contextcheck // closing has no context to end by
		return nil, fmt.Errorf("%s: %w", deed, err)
	}
	return s, nil
}

// wire starts the engine, and answers other processes.
func (s *session) wire(ctx context.Context, flags driveFlags) error {
	c := wiringConfig{cacheDir: flags.cacheDir, concurrency: flags.concurrency, observe: s.hub.Observe, secrets: flags.store}
	if s.dir != nil {
		c.backend = s.dir.Backend()
	}
	var err error
	if s.wiring, err = newWiring(ctx, c); err != nil {
		return err
	}
	s.engine = s.wiring.engine
	s.desk = control.NewDesk(control.Config{Engine: s.engine, Hub: s.hub})
	if s.dir == nil {
		return nil
	}
	s.logs = newTaskLogs(s.state.path())
	s.hub.Subscribe("", s.logs.Observe)
	s.keep()
	listener, err := control.Listen(s.state.path())
	if err != nil {
		return err
	}
	s.server = control.Serve(listener, s.desk)
	return nil
}

// keep makes the desk that of the directory.
func (s *session) keep() {
	s.desk = control.NewDesk(control.Config{
		Engine: s.engine, Hub: s.hub, Journal: s.dir.Backend().Journal, Runs: s.dir.Runs, Remove: s.remove,
		Memory: summaries{s.state.path()},
	})
}

// remove drops all that is kept of a run.
func (s *session) remove(ctx context.Context, run string) error {
	return errors.Join(s.dir.Remove(ctx, run), removeLogs(s.state.path(), run))
}

// openReader is a session that begins nothing. It needs all that the state of a
// run follows from besides its journal.
func openReader(dir *statedir.Dir, state stateFlags) (*session, error) {
	s := &session{hub: &control.Hub{}, state: state, dir: dir}
	var err error
	if s.engine, err = engine.New(engine.Config{Backend: dir.Backend(), Retain: true, CheckSchema: flowfile.CheckSchema}); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	s.keep()
	return s, nil
}

// Close ends all of it. Runs that have not ended stay as they are kept.
func (s *session) Close() {
	if s.server != nil {
		s.server.Close()
	}
	switch {
	case s.wiring != nil:
		s.wiring.Close()
	case s.engine != nil:
		_ = s.engine.Close() // nothing is left to be told
	}
	if s.logs != nil {
		s.logs.Close()
	}
	if s.dir != nil {
		_ = s.dir.Close() // what was reported as stored is
	}
}

// resumeCommand is the command line that goes on with a run of this directory.
func (s *session) resumeCommand(run string) string { return commandFor(&s.state, "resume", run, "") }

func commandFor(state *stateFlags, name, run, rest string) string {
	return "graflow-wasm runs " + name + " " + shellQuote(run) + rest + state.argument()
}

// refused makes bad usage of what was asked wrongly of a run.
func refused(err error) error {
	if err != nil && control.Status(err) < http.StatusInternalServerError {
		return usage(err)
	}
	return err
}
