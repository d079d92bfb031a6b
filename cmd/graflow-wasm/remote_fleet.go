package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/natsbus"
)

// fleet is what can be seen of a cluster, and bounded: over the bus, or through a
// server.
type fleet interface {
	Nodes(ctx context.Context) ([]natsbus.NodeInfo, error)
	Queues(ctx context.Context) ([]natsbus.QueueInfo, error)
	SetQueueLimit(ctx context.Context, queue string, n int) error
	graves
}

// graves are the dead letters of a cluster.
type graves interface {
	DeadLetters(ctx context.Context, before uint64, limit int) ([]natsbus.DeadLetter, error)
	DeadLetter(ctx context.Context, number uint64) (*natsbus.DeadLetter, error)
	// RetryDead has the run of a letter go on, and removes the letter.
	RetryDead(ctx context.Context, l *natsbus.DeadLetter) error
	RemoveDead(ctx context.Context, number uint64) error
}

// busFleet is a cluster over the bus.
type busFleet struct{ *natsbus.Bus }

var _ fleet = busFleet{}

// RetryDead implements graves.
func (b busFleet) RetryDead(ctx context.Context, l *natsbus.DeadLetter) error {
	if err := cluster.NewSteerer(b.Bus).Retry(ctx, l.Run, engine.RetryFrom{}); err != nil {
		return refused(err)
	}
	// Another may have removed it meanwhile.
	if err := b.RemoveDead(ctx, l.Number); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("run %q goes on, but its dead letter stays: %w", l.Run, err)
	}
	return nil
}

// remoteFleet is a cluster through a server.
type remoteFleet struct{ service ops.Service }

var _ fleet = remoteFleet{}

// Nodes implements fleet.
func (r remoteFleet) Nodes(ctx context.Context) ([]natsbus.NodeInfo, error) {
	all, err := r.service.Workers.List(ctx)
	nodes := make([]natsbus.NodeInfo, len(all))
	for i, w := range all {
		nodes[i] = natsbus.NodeInfo(w)
	}
	return nodes, err
}

// Queues implements fleet.
func (r remoteFleet) Queues(ctx context.Context) ([]natsbus.QueueInfo, error) {
	all, err := r.service.Queues.List(ctx)
	queues := make([]natsbus.QueueInfo, len(all))
	for i, q := range all {
		queues[i] = natsbus.QueueInfo{
			Queue: q.Queue, Requires: q.Requires, Priority: q.Priority, Ready: q.Ready, InFlight: q.InFlight, Again: q.Again,
			Oldest: time.Duration(q.Oldest * float64(time.Second)), Limit: q.Limit,
		}
	}
	return queues, err
}

// SetQueueLimit implements fleet.
func (r remoteFleet) SetQueueLimit(ctx context.Context, queue string, n int) error {
	return r.service.Queues.Limit(ctx, queue, n)
}

// DeadLetters implements graves.
func (r remoteFleet) DeadLetters(ctx context.Context, before uint64, limit int) ([]natsbus.DeadLetter, error) {
	all, err := r.service.DeadLetters.List(ctx, before, limit)
	letters := make([]natsbus.DeadLetter, len(all))
	for i, l := range all {
		letters[i] = natsbus.DeadLetter(l)
	}
	return letters, err
}

// DeadLetter implements graves.
func (r remoteFleet) DeadLetter(ctx context.Context, number uint64) (*natsbus.DeadLetter, error) {
	l, err := r.service.DeadLetters.Show(ctx, number)
	return (*natsbus.DeadLetter)(&l), err
}

// RetryDead implements graves.
func (r remoteFleet) RetryDead(ctx context.Context, l *natsbus.DeadLetter) error {
	_, err := r.service.DeadLetters.Retry(ctx, l.Number)
	return refused(err)
}

// RemoveDead implements graves.
func (r remoteFleet) RemoveDead(ctx context.Context, number uint64) error {
	return r.service.DeadLetters.Remove(ctx, number)
}

// withFleet does something with what can be seen of the cluster. Errors begin with the
// deed.
func (c *clusterFlags) withFleet(ctx context.Context, deed string, f func(fleet) error) error {
	remote, err := c.onServer()
	switch {
	case err != nil:
		return err
	case remote:
		return failed(deed, c.withServer(func(s ops.Service) error { return f(remoteFleet{s}) }))
	}
	return c.with(ctx, deed, func(bus *natsbus.Bus) error { return f(busFleet{bus}) })
}

// nobodyTakes tells why no worker takes a task of a graph, "" if one may. It is
// [session.whyNobody] with what a server tells.
func nobodyTakes(g *engine.Graph, nodes []natsbus.NodeInfo, queues []natsbus.QueueInfo) string {
	for _, q := range queues {
		if q.Ready == 0 || q.InFlight > 0 || !uses(g, q) {
			continue
		}
		taken := false
		for _, n := range nodes {
			taken = taken || takes(n, q)
		}
		if !taken {
			return fmt.Sprintf("of %d workers none takes from queue %s%s", len(nodes), q.Queue, labelsText(q.Requires))
		}
	}
	return ""
}
