package cluster

import (
	"context"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
	"github.com/graflow/graflow-wasm/natsbus"
)

// schedules are those of the cluster, which begin runs as a Service's.
func (c *Cluster) schedules() *schedule.Schedules { return schedule.New(c.scheduled()) }

// KeepSchedules begins what schedules say is due, until ctx is done, whose error it
// returns. Any number of processes may: each time is due once.
func (c *Cluster) KeepSchedules(ctx context.Context) error {
	return schedule.NewKeeper(c.scheduled()).Run(ctx)
}

func (c *Cluster) scheduled() schedule.Config {
	return schedule.Config{
		Store: scheduleStore{c.bus.Schedules()}, Runs: (*runs)(c), Check: c.check, Logger: c.log,
	}
}

// check says why what is submitted could not begin.
func (c *Cluster) check(ctx context.Context, s ops.Submission) error {
	t, err := c.target(ctx, s)
	if err != nil {
		return err
	}
	return t.checkInput(s.Input)
}

// scheduleStore has the errors of a Service.
type scheduleStore struct{ *natsbus.Schedules }

var _ schedule.Store = scheduleStore{}

// Load implements schedule.Store.
func (s scheduleStore) Load(ctx context.Context, name string) (data []byte, revision uint64, err error) {
	data, revision, err = s.Schedules.Load(ctx, name)
	return data, revision, fault(err)
}

// Each implements schedule.Store.
func (s scheduleStore) Each(ctx context.Context, f func(name string, data []byte, revision uint64)) error {
	return fault(s.Schedules.Each(ctx, f))
}

// Put implements schedule.Store.
func (s scheduleStore) Put(ctx context.Context, name string, data []byte, revision uint64) (uint64, error) {
	put, err := s.Schedules.Put(ctx, name, data, revision)
	return put, fault(err)
}

// Remove implements schedule.Store.
func (s scheduleStore) Remove(ctx context.Context, name string, revision uint64) error {
	return fault(s.Schedules.Remove(ctx, name, revision))
}

// Now implements schedule.Store.
func (s scheduleStore) Now(ctx context.Context) (time.Time, error) {
	now, err := s.Schedules.Now(ctx)
	return now, fault(err)
}
