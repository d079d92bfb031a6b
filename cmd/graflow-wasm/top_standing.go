package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

// standing is how a place of runs stands, which `top -o json` prints.
type standing struct {
	Time  time.Time         `json:"time"`
	Place string            `json:"place"`
	Runs  []control.Summary `json:"runs"` // those that go on, and the latest
	More  bool              `json:"more,omitempty"`
	// Of a cluster.
	Queues  []ops.Queue  `json:"queues,omitempty"`
	Workers []ops.Worker `json:"workers,omitempty"`
	Dead    int          `json:"dead_letters,omitempty"` // at most deadBatch are counted

	cluster bool
}

// lookout looks how a place stands.
type lookout func(ctx context.Context) (standing, error)

// Bounds of what top looks at.
const (
	topRuns   = 200
	topWithin = 10 * time.Second
)

// withLookout calls f with a lookout of a place.
func withLookout(ctx context.Context, where *placeFlags, f func(lookout) error) error {
	if err := where.existing(); err != nil {
		return err
	}
	if !where.isFar() {
		return f(func(ctx context.Context) (standing, error) { return lookAtDir(ctx, where) })
	}
	if where.onServer() {
		return where.cluster.withServer(func(s ops.Service) error {
			return f(func(ctx context.Context) (standing, error) {
				return lookAt(ctx, s, redacted(where.cluster.remote.address()))
			})
		})
	}
	return where.cluster.with(ctx, "watch the cluster", func(bus *natsbus.Bus) error { //nolint:contextcheck // closing has no context to end by
		c, err := cluster.New(cluster.Config{Bus: bus, Handlers: map[string]engine.Handler{}})
		if err != nil {
			return err
		}
		defer c.Close() //nolint:errcheck // nothing was begun that could fail
		return f(func(ctx context.Context) (standing, error) {
			return lookAt(ctx, c.Service(), redacted(where.cluster.address()))
		})
	})
}

// lookAtDir looks at the runs of a state directory.
func lookAtDir(ctx context.Context, where *placeFlags) (standing, error) {
	s := standing{Time: time.Now(), Place: where.name()}
	err := withRuns(ctx, where, "list runs", func(r runs) error {
		all, _, err := runFilter{}.list(ctx, r, func(control.Summary) bool { return true })
		s.take(all)
		return err
	})
	return s, err
}

// take keeps of runs those that have not ended and the latest others.
func (s *standing) take(all []control.Summary) {
	slices.SortStableFunc(all, func(a, b control.Summary) int {
		if open := boolInt(b.Ended.IsZero()) - boolInt(a.Ended.IsZero()); open != 0 {
			return open
		}
		return b.Started.Compare(a.Started)
	})
	if len(all) > topRuns {
		all, s.More = all[:topRuns], true
	}
	s.Runs = all
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// lookAt looks at all of a service that top shows. What a service has not is left out.
func lookAt(ctx context.Context, service ops.Service, place string) (standing, error) {
	s := standing{Time: time.Now(), Place: place, cluster: true}
	if service.Namespace != "" && service.Namespace != "main" {
		s.Place += ", namespace " + service.Namespace
	}
	var errs []error
	note := func(deed string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", deed, err))
		}
	}
	if service.Runs != nil {
		page, err := service.Runs.List(ctx, ops.RunsQuery{Limit: topRuns})
		note("list runs", err)
		s.take(page.Runs)
		s.More = page.Next != ""
	}
	var err error
	if service.Queues != nil {
		s.Queues, err = service.Queues.List(ctx)
		note("list queues", err)
	}
	if service.Workers != nil {
		s.Workers, err = service.Workers.List(ctx)
		note("list workers", err)
	}
	if service.DeadLetters != nil {
		letters, err := service.DeadLetters.List(ctx, 0, deadBatch)
		note("list dead letters", err)
		s.Dead = len(letters)
	}
	if len(errs) > 0 {
		return s, errors.Join(errs...)
	}
	return s, nil
}
