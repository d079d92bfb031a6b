package main

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	apiclient "github.com/graflow/graflow-wasm/internal/api/client"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// askSession is a session on the runs of a server: it begins and steers them there, and
// follows them.
func askSession(flags driveFlags) (*session, error) {
	asking, err := flags.place.cluster.ask()
	if err != nil {
		return nil, err
	}
	s := &session{hub: &control.Hub{}, place: flags.place}
	s.remote = &remoteDesk{Runs: asking.Service().Runs, client: asking, service: asking.Service(), hub: s.hub}
	s.desk, s.runs = s.remote, s.remote
	return s, nil
}

// remoteDesk is what can be done with the runs of a server.
type remoteDesk struct {
	ops.Runs

	client  *apiclient.Client
	service ops.Service
	hub     *control.Hub
	past    *pastRun // of the run that is followed: it is not told again

	followed []*remoteRun
}

var (
	_ desk      = (*remoteDesk)(nil)
	_ logSource = (*remoteDesk)(nil)
	_ querier   = (*remoteDesk)(nil)
)

// Close ends what is followed.
func (d *remoteDesk) Close() {
	for _, r := range d.followed {
		r.Close()
	}
	d.client.Close()
}

// Events implements runs.
func (d *remoteDesk) Events(ctx context.Context, run string) ([]*engine.Event, error) {
	return d.Runs.Events(ctx, run, 0, 0)
}

// Follow implements runs.
func (d *remoteDesk) Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error) {
	return d.Runs.Follow(ctx, run, ops.FollowAll, func(n engine.Notice, _ string) { f(n) })
}

// taskLogs implements logSource.
func (d *remoteDesk) taskLogs(ctx context.Context, run string) iter.Seq2[engine.Notice, error] {
	return d.Logs(ctx, run, 0)
}

// Past implements desk.
func (d *remoteDesk) Past(ctx context.Context, run string) (*pastRun, error) {
	s, err := d.Show(ctx, run)
	if err != nil {
		return nil, err
	}
	g, err := d.Graph(ctx, run)
	if err != nil {
		return nil, err
	}
	p := pastOfStory(s, g)
	if s.Fault != "" {
		return p, errors.New(s.Fault)
	}
	return p, nil
}

// follow follows a run to which something was done, but for what is past, until
// Close.
func (d *remoteDesk) follow(ctx context.Context, run string, err error) (drivenRun, error) {
	if err != nil {
		return nil, err
	}
	r := followRemote(ctx, d.Runs, run, d.past, d.hub.Observe)
	d.followed = append(d.followed, r)
	return r, nil
}

// Resume implements desk.
func (d *remoteDesk) Resume(ctx context.Context, run string) (drivenRun, error) {
	return d.follow(ctx, run, d.Runs.Resume(ctx, run))
}

// Answer implements desk.
func (d *remoteDesk) Answer(ctx context.Context, run, name string, answer json.RawMessage) (drivenRun, error) {
	return d.follow(ctx, run, d.Runs.Answer(ctx, run, name, answer))
}

// Retry implements desk.
func (d *remoteDesk) Retry(ctx context.Context, run string, from engine.RetryFrom) (drivenRun, error) {
	return d.follow(ctx, run, d.Runs.Retry(ctx, run, from))
}

// Fork implements desk.
func (d *remoteDesk) Fork(ctx context.Context, run, checkpoint, id string) (drivenRun, error) {
	id, err := d.Runs.Fork(ctx, run, checkpoint, id)
	return d.follow(ctx, id, err)
}

// Restore implements desk.
func (d *remoteDesk) Restore(ctx context.Context, doc []byte, id string) (drivenRun, error) {
	id, err := d.Runs.Restore(ctx, doc, id)
	return d.follow(ctx, id, err)
}

// query implements querier.
func (d *remoteDesk) query(ctx context.Context, f runFilter, keep func(control.Summary) bool) (all []control.Summary, more bool, err error) {
	limit := f.limit
	if limit == 0 {
		limit = listedRuns
	}
	q := ops.RunsQuery{Flows: f.flows, Limit: min(limit+1, mostListed)}
	for _, s := range f.statuses {
		q.Statuses = append(q.Statuses, engine.Status(s))
	}
	if q.Since, err = f.begin(time.Now()); err != nil {
		return nil, false, err
	}
	for {
		page, err := d.List(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, s := range page.Runs {
			switch {
			case !keep(s):
				continue
			case len(all) == limit:
				return all, true, nil
			}
			all = append(all, s)
		}
		if page.Next == "" {
			return all, false, nil
		}
		q.Before = page.Next
	}
}

// mostListed is the most runs of one page of a server.
const mostListed = 1000

// finishRemote prints how a run ended, or stands, as the server tells it.
func (s *session) finishRemote(ctx context.Context, std streams, j job, o engine.Outcome, tasks []engine.TaskReport) error {
	if p, err := s.desk.Past(ctx, j.run); err == nil && p.outcome.Status == o.Status {
		return s.tell(ctx, std, j, p)
	}
	return s.end(ctx, std, j, o, tasks, &s.place)
}
