package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
	"github.com/graflow/graflow-wasm/statedir"
)

// session is an engine, and the place of the runs that it works on.
type session struct {
	engine *engine.Engine
	hub    *control.Hub
	desk   desk
	runs   runs // what of desk drives nothing

	place  placeFlags
	wiring *wiring // nil: it only reads

	local  *control.Desk // which drives runs here; nil on a cluster
	dir    *statedir.Dir // nil: nothing is kept here
	logs   *taskLogs
	server *control.Server

	bus  *natsbus.Bus  // nil: no cluster
	feed *control.Feed // of a cluster
	far  *farWasm      // of a cluster on which this session begins runs

	remote *remoteDesk // nil: no server is asked; else there is no engine
}

// desk is what commands do with runs, in this process, on a cluster or through a
// server.
type desk interface {
	runs
	Past(ctx context.Context, run string) (*pastRun, error)
	Resume(ctx context.Context, run string) (drivenRun, error)
	Answer(ctx context.Context, run, name string, answer json.RawMessage) (drivenRun, error)
	Retry(ctx context.Context, run string, from engine.RetryFrom) (drivenRun, error)
	Fork(ctx context.Context, run, checkpoint, id string) (drivenRun, error)
	Restore(ctx context.Context, doc []byte, id string) (drivenRun, error)
}

// isFar tells whether others drive the runs.
func (s *session) isFar() bool { return s.bus != nil || s.remote != nil }

// whole is an output of a run, which may be stored apart.
func (s *session) whole(ctx context.Context, run string, output json.RawMessage) (json.RawMessage, error) {
	if s.engine == nil { // whoever told it has it whole
		return output, nil
	}
	return s.engine.Whole(ctx, run, output)
}

// openSession opens what a command needs that drives runs, or has a cluster drive
// them. Without a place nothing is kept of them. The caller closes it.
func openSession(ctx context.Context, deed string, flags driveFlags) (*session, error) {
	switch {
	case flags.place.onCluster():
		s, err := joinSession(ctx, flags, true)
		return s, failed(deed, err)
	case flags.place.path() == "":
		return newSession(ctx, deed, flags, nil)
	}
	dir, err := flags.place.state.take(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", deed, err)
	}
	return newSession(ctx, deed, flags, dir)
}

// newSession is openSession with a directory that is open, which it takes over.
func newSession(ctx context.Context, deed string, flags driveFlags, dir *statedir.Dir) (*session, error) {
	s := &session{hub: &control.Hub{}, place: flags.place, dir: dir}
	if err := s.wire(ctx, flags); err != nil {
		s.Close() //nolint:contextcheck // closing has no context to end by
		return nil, fmt.Errorf("%s: %w", deed, err)
	}
	return s, nil
}

// wire starts the engine, and answers other processes.
func (s *session) wire(ctx context.Context, flags driveFlags) error {
	c := wiringConfig{cacheDir: flags.cacheDir, concurrency: flags.concurrency, observe: s.hub.Observe, secrets: flags.store, docker: flags.docker, flowDir: flags.flowDir, bounds: flags.bounds}
	switch {
	case s.dir != nil:
		c.backend = s.dir.Backend()
	case flags.filesDir != "", flags.receipt.file != "":
		c.backend = engine.InMemory() // in which files and the journal are found after the run
	}
	var err error
	if s.wiring, err = newWiring(ctx, c); err != nil {
		return err
	}
	s.engine = s.wiring.engine
	s.setDesk(control.Config{Engine: s.engine, Hub: s.hub})
	if s.dir == nil {
		return nil
	}
	s.logs = newTaskLogs(s.place.path())
	s.hub.Subscribe("", s.logs.Observe)
	s.keep()
	listener, err := control.Listen(s.place.path())
	if err != nil {
		return err
	}
	s.server = control.Serve(listener, s.local)
	return nil
}

func (s *session) setDesk(c control.Config) {
	s.local = control.NewDesk(c)
	s.desk, s.runs = engineDesk{s.local, s}, s.local
}

// keep makes the desk that of the directory.
func (s *session) keep() {
	s.setDesk(control.Config{
		Engine: s.engine, Hub: s.hub, Journal: s.dir.Backend().Journal, Runs: s.dir.Runs, Remove: s.remove,
		Memory: summaries{s.place.path()},
	})
}

// remove drops all that is kept of a run.
func (s *session) remove(ctx context.Context, run string) error {
	return errors.Join(s.dir.Remove(ctx, run), removeLogs(s.place.path(), run))
}

// openReader is a session that begins nothing. It needs all that the state of a
// run follows from besides its journal.
func openReader(dir *statedir.Dir, place placeFlags) (*session, error) {
	s := &session{hub: &control.Hub{}, place: place, dir: dir}
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
	if s.far != nil {
		s.far.Close()
	}
	if s.remote != nil {
		s.remote.Close()
	}
	if s.bus != nil {
		s.bus.Close()
	}
}

// resumeCommand is the command line that goes on with a run of this place.
func (s *session) resumeCommand(run string) string { return commandFor(&s.place, "resume", run, "") }

func commandFor(place *placeFlags, name, run, rest string) string {
	return "graflow-wasm runs " + name + " " + shellQuote(run) + rest + place.argument()
}

// refused makes bad usage of what was asked wrongly of a run. A cluster in which nobody
// drives it counts as one that can't be reached; one that is full as a limit.
func refused(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, natsbus.ErrNoOwner):
		return &exitError{Code: exitUnreachable, Err: err}
	case errors.Is(err, natsbus.ErrFull):
		return &exitError{Code: exitLimit, Err: err}
	}
	if told := refusedRemote(err); told != nil {
		return told
	}
	if ops.Status(err) < http.StatusInternalServerError {
		return usage(err)
	}
	return err
}
