package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/oklog/ulid/v2"
)

// submit has a server begin a run of the target, or go on with the run of it that is
// there, and follows it.
func (t *target) submit(ctx context.Context, std streams, name string, input json.RawMessage, o runOptions, signals *interrupt) error {
	deed := "run " + name
	s, err := askSession(o.driveFlags)
	if err != nil {
		return failed(deed, err)
	}
	defer s.Close() //nolint:contextcheck // closing has no context to end by
	if err := t.upload(ctx, s, name, o.cacheDir); err != nil {
		return canceledBefore(name, signals, err)
	}
	submission, err := t.submission(input, o)
	if err != nil {
		return failed(deed, err)
	}
	got, err := s.remote.Submit(ctx, submission)
	switch {
	case errors.Is(err, engine.ErrRunExists):
		return usagef("%s: %s\n%s", deed, takenText(string(o.id), err), o.insteadOf(s, string(o.id)))
	case err != nil:
		return canceledBefore(name, signals, t.faultThere(name, err))
	}
	j := job{deed: deed, run: got.Run, graph: t.graph, flags: o.driveFlags, signals: signals, asks: o.input != "-"}
	j.begin = func(ctx context.Context) (drivenRun, error) { return s.remote.follow(ctx, got.Run, nil) }
	if !got.Existed {
		return s.drive(ctx, std, j)
	}
	there, err := s.desk.Past(ctx, got.Run)
	if err != nil {
		return refused(failed(deed, err))
	}
	return s.again(ctx, std, j, there)
}

// takenText says which run has an id already.
func takenText(run string, err error) string {
	for _, other := range []string{"graph", "input"} {
		if strings.Contains(err.Error(), "another "+other) {
			return fmt.Sprintf("run %q is kept already, and began with another %s", run, other)
		}
	}
	return err.Error()
}

// upload puts digests in place of the modules of the target's graph. The server has
// them then.
func (t *target) upload(ctx context.Context, s *session, name, cacheDir string) error {
	if err := t.flow.fitsElsewhere(name); err != nil {
		return err
	}
	dir, err := cacheDirectory(cacheDir)
	if err != nil {
		return err
	}
	t.graph, err = cluster.Pin(ctx, remoteRegistry{s.remote.service.Modules}, localFiles{&wasm.Files{CacheDir: dir}}, t.graph)
	return t.fault(name, err)
}

// submission is what is asked of the server. An id that is drawn here makes it safe to
// ask again.
func (t *target) submission(input json.RawMessage, o runOptions) (ops.Submission, error) {
	graph, err := json.Marshal(t.graph)
	all := ops.Submission{Target: ops.Target{Graph: graph}, Input: input, ID: string(o.id), Key: o.key}
	switch {
	case o.key != "":
		all.ID = "" // the server makes it of the key
	case all.ID == "":
		all.ID = ulid.Make().String()
	}
	return all, err
}

// canceledBefore is the error of what did not come to begin a run.
func canceledBefore(name string, signals *interrupt, err error) error {
	if err != nil && signals.Hit() != "" {
		return &exitError{Code: exitCanceled, Err: fmt.Errorf("run %s: canceled before it started", name)}
	}
	return err
}

// faultThere is why a server refuses the target, with the faults of its graph where they
// are in the flow file.
func (t *target) faultThere(name string, err error) error {
	located := asBuildErrors(err)
	if _, ok := errors.AsType[*engine.BuildError](located); ok {
		return t.flow.locate(name, located)
	}
	return refused(failed("run "+name, err))
}

// asBuildErrors is an error of a server with its faults where they are in a graph.
func asBuildErrors(err error) error {
	invalid, ok := errors.AsType[*ops.Invalid](err)
	if !ok {
		return err
	}
	var all []error
	for _, f := range invalid.Faults {
		if !strings.HasPrefix(f.Where, "tasks.") {
			return err
		}
		all = append(all, &engine.BuildError{At: f.Where, Message: f.Message})
	}
	return errors.Join(all...)
}

// remoteRegistry is the registry of a server's cluster, for who begins runs.
type remoteRegistry struct{ modules ops.Modules }

var _ cluster.Registry = remoteRegistry{}

// Digest implements cluster.Registry.
func (r remoteRegistry) Digest(ctx context.Context, ref string) (string, error) {
	m, err := r.modules.Show(ctx, ref)
	if errors.Is(err, engine.ErrNotFound) {
		return "", fmt.Errorf("%w; `graflow-wasm module ls` lists those that there are", wasm.ErrNoModule)
	}
	return m.Digest, err
}

// Keep implements cluster.Registry.
func (r remoteRegistry) Keep(ctx context.Context, digest string, code []byte) error {
	_, err := r.modules.Show(ctx, digest)
	if errors.Is(err, engine.ErrNotFound) {
		_, err = r.modules.Push(ctx, ops.ModulePush{Local: true}, code)
	}
	return onlyFault(err)
}

// Unable implements cluster.Registry.
func (remoteRegistry) Unable(err error) bool { return ofServer(err) }
