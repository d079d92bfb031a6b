package main

import (
	"context"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/natsbus"
)

// listedRuns is how many runs of a cluster are listed by default.
const listedRuns = 100

var _ querier = (*clusterDesk)(nil)

// query implements querier.
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
			s := cluster.SummaryOf(m)
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
