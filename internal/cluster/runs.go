package cluster

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

type runs Cluster

var _ ops.Runs = (*runs)(nil)

const (
	pageOfRuns = 100
	mostRuns   = 1000
)

// List implements ops.Runs.
func (r *runs) List(ctx context.Context, q ops.RunsQuery) (ops.RunsPage, error) {
	if q.Limit <= 0 {
		q.Limit = pageOfRuns
	}
	b := natsbus.RunsQuery{Since: q.Since, Before: q.Before, Limit: min(q.Limit, mostRuns)}
	if len(q.Statuses) == 1 && q.Statuses[0] != control.StatusUnreadable {
		b.Status = q.Statuses[0]
	}
	open := func(s engine.Status) bool { return s == engine.StatusRunning || s == engine.StatusPaused }
	b.Open = len(q.Statuses) > 0 && !slices.ContainsFunc(q.Statuses, func(s engine.Status) bool { return !open(s) })
	if len(q.Flows) == 1 {
		b.Flow = q.Flows[0]
	}
	marks, next, err := r.bus.Runs(ctx, b)
	if err != nil {
		return ops.RunsPage{}, fault(err)
	}
	page := ops.RunsPage{Runs: []control.Summary{}, Next: next}
	for _, m := range marks {
		s := SummaryOf(m)
		if (len(q.Statuses) == 0 || slices.Contains(q.Statuses, s.Status)) && (len(q.Flows) == 0 || slices.Contains(q.Flows, s.Flow)) {
			page.Runs = append(page.Runs, s)
		}
	}
	return page, nil
}

// SummaryOf is an entry of a cluster's index.
func SummaryOf(m engine.Mark) control.Summary {
	s := control.Summary{
		Run: m.Run, Flow: m.Flow, Status: m.Status, Reason: m.Reason, Started: m.Started, Ended: m.Ended, Steps: m.Tasks,
		Driven: m.Ended.IsZero(), Held: m.Reason == engine.ReasonHeld,
	}
	if m.Waits != "" {
		s.Waits = strings.Split(m.Waits, ", ")
	}
	if m.Reason == engine.ReasonCorrupt {
		s.Status, s.Reason, s.Fault = control.StatusUnreadable, "", m.Error
	}
	return s
}

// Show implements ops.Runs.
func (r *runs) Show(ctx context.Context, run string) (control.Story, error) {
	s, err := r.desk.Show(ctx, run)
	if err == nil {
		r.addUnderway(ctx, &s)
	}
	return s, fault(err)
}

// Graph implements ops.Runs.
func (r *runs) Graph(ctx context.Context, run string) (*engine.Graph, error) {
	g, err := r.engine.Graph(ctx, run)
	return g, fault(control.Missing(run, err))
}

// Events implements ops.Runs.
func (r *runs) Events(ctx context.Context, run string, after uint64, limit int) ([]*engine.Event, error) {
	all, err := r.desk.Events(ctx, run)
	if err != nil {
		return nil, fault(err)
	}
	all = slices.DeleteFunc(all, func(e *engine.Event) bool { return e.Seq <= after })
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	return all, nil
}

// Logs implements ops.Runs.
func (r *runs) Logs(ctx context.Context, run string, after uint64) iter.Seq2[engine.Notice, error] {
	return func(yield func(engine.Notice, error) bool) {
		for n, err := range r.bus.Notices(ctx, run, after, false) {
			if err == nil && n.Type == engine.NoticeTaskStarted {
				continue
			}
			if !yield(n, fault(err)) {
				return
			}
		}
	}
}

// Cancel implements ops.Runs.
func (r *runs) Cancel(ctx context.Context, run, message string) error {
	return fault(r.steerer.Cancel(ctx, run, message))
}

// Hold implements ops.Runs.
func (r *runs) Hold(ctx context.Context, run, message string) error {
	return fault(r.steerer.Hold(ctx, run, message))
}

// Resume implements ops.Runs.
func (r *runs) Resume(ctx context.Context, run string) error {
	return fault(r.steerer.Resume(ctx, run))
}

// Answer implements ops.Runs.
func (r *runs) Answer(ctx context.Context, run, pause string, answer json.RawMessage) error {
	return fault(r.steerer.Answer(ctx, run, pause, answer))
}

// Retry implements ops.Runs.
func (r *runs) Retry(ctx context.Context, run string, from engine.RetryFrom) error {
	return fault(r.steerer.Retry(ctx, run, from))
}

// Delete implements ops.Runs.
func (r *runs) Delete(ctx context.Context, run string, force bool) error {
	return fault(r.steerer.Delete(ctx, run, force))
}

// Fork implements ops.Runs.
func (r *runs) Fork(ctx context.Context, run, checkpoint, id string) (forked string, err error) {
	err = (*Cluster)(r).apart(func(e *engine.Engine) error { //nolint:contextcheck // closing has no context to end by
		o, err := e.Fork(ctx, run, checkpoint, id)
		if err == nil {
			forked = o.ID()
		}
		return err
	})
	return forked, fault(err)
}

// Export implements ops.Runs.
func (r *runs) Export(ctx context.Context, run, checkpoint string) ([]byte, error) {
	doc, err := r.engine.Export(ctx, run, checkpoint)
	return doc, fault(err)
}

// Restore implements ops.Runs.
func (r *runs) Restore(ctx context.Context, document []byte, id string) (restored string, err error) {
	err = (*Cluster)(r).apart(func(e *engine.Engine) error { //nolint:contextcheck // closing has no context to end by
		o, err := e.Restore(ctx, document, id)
		if err == nil {
			restored = o.ID()
		}
		return err
	})
	return restored, fault(err)
}

// OpenFile implements ops.Runs.
func (r *runs) OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	f, err := r.engine.OpenFile(ctx, run, digest)
	return f, fault(err)
}
