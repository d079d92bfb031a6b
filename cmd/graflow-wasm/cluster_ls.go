package main

import (
	"context"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// listedRuns is how many runs of a cluster are listed by default.
const listedRuns = 100

// query lists the runs of a cluster from its index, what has changed last first.
func (d *clusterDesk) query(ctx context.Context, f runFilter, keep func(control.Summary) bool) (all []control.Summary, more bool, err error) {
	limit := f.limit
	if limit == 0 {
		limit = listedRuns
	}
	since, err := f.begin(time.Now())
	if err != nil {
		return nil, false, err
	}
	q := natsbus.RunsQuery{Since: since, Limit: limit + 1}
	if len(f.statuses) == 1 {
		q.Status = engine.Status(f.statuses[0])
	}
	if len(f.flows) == 1 {
		q.Flow = f.flows[0]
	}
	for {
		page, next, err := d.session.bus.Runs(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, m := range page {
			s := summaryOf(m)
			switch {
			case !keep(s):
				continue
			case len(all) == limit:
				return all, true, nil
			}
			all = append(all, s)
		}
		if next == "" {
			return all, false, nil
		}
		q.Before = next
	}
}

// summaryOf is an entry of a cluster's index.
func summaryOf(m engine.Mark) control.Summary {
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
