package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/secrets"
	"github.com/graflow/graflow-wasm/natsbus"
)

type workers struct{ bus *natsbus.Bus }

// List implements ops.Workers.
func (w workers) List(ctx context.Context) ([]ops.Worker, error) {
	nodes, err := w.bus.Nodes(ctx)
	all := make([]ops.Worker, 0, len(nodes))
	for _, n := range nodes {
		all = append(all, ops.Worker(n))
	}
	return all, fault(err)
}

type queues struct{ bus *natsbus.Bus }

// List implements ops.Queues.
func (q queues) List(ctx context.Context) ([]ops.Queue, error) {
	infos, err := q.bus.Queues(ctx)
	all := make([]ops.Queue, 0, len(infos))
	for _, i := range infos {
		all = append(all, ops.Queue{
			Queue: i.Queue, Requires: i.Requires, Priority: i.Priority, Ready: i.Ready, InFlight: i.InFlight,
			Again: i.Again, Oldest: i.Oldest.Seconds(), Limit: i.Limit,
		})
	}
	return all, fault(err)
}

// Limit implements ops.Queues.
func (q queues) Limit(ctx context.Context, queue string, n int) error {
	if queue == "" || n < 0 {
		return &ops.Invalid{What: "the limit", Faults: []ops.Fault{{Message: "want the name of a queue, and 0 or more tasks at once; 0 is no bound"}}}
	}
	return fault(q.bus.SetQueueLimit(ctx, queue, n))
}

type deadLetters Cluster

// List implements ops.DeadLetters.
func (d *deadLetters) List(ctx context.Context, before uint64, limit int) ([]ops.DeadLetter, error) {
	found, err := d.bus.DeadLetters(ctx, before, limit)
	all := make([]ops.DeadLetter, 0, len(found))
	for _, l := range found {
		all = append(all, ops.DeadLetter(l))
	}
	return all, fault(err)
}

// Show implements ops.DeadLetters.
func (d *deadLetters) Show(ctx context.Context, number uint64) (ops.DeadLetter, error) {
	l, err := d.bus.DeadLetter(ctx, number)
	if err != nil {
		return ops.DeadLetter{}, fault(err)
	}
	return ops.DeadLetter(*l), nil
}

// Retry implements ops.DeadLetters.
func (d *deadLetters) Retry(ctx context.Context, number uint64) (run string, err error) {
	l, err := d.Show(ctx, number)
	if err != nil {
		return "", err
	}
	if l.Run == "" {
		return "", &ops.Invalid{What: fmt.Sprintf("dead letter %d", number), Faults: []ops.Fault{{Message: "it names no run: nothing can be made of it, remove it"}}}
	}
	if err := d.steerer.Retry(ctx, l.Run, engine.RetryFrom{}); err != nil {
		return "", fault(err)
	}
	// Another may have removed it meanwhile.
	if err := d.bus.RemoveDead(ctx, number); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return l.Run, fmt.Errorf("run %q goes on, but its dead letter stays: %w", l.Run, fault(err))
	}
	return l.Run, nil
}

// Remove implements ops.DeadLetters.
func (d *deadLetters) Remove(ctx context.Context, number uint64) error {
	return fault(d.bus.RemoveDead(ctx, number))
}

type secretStore struct{ file *secrets.File }

// List implements ops.Secrets.
func (s secretStore) List(context.Context) ([]ops.Secret, error) {
	infos, err := s.file.List()
	all := make([]ops.Secret, 0, len(infos))
	for _, i := range infos {
		all = append(all, ops.Secret{Name: i.Name, Changed: i.Updated})
	}
	return all, err
}

// Set implements ops.Secrets.
func (s secretStore) Set(ctx context.Context, name string, value []byte) (replaced bool, err error) {
	if err := secrets.CheckName(name); err != nil {
		return false, &ops.Invalid{What: "the secret", Faults: []ops.Fault{{Message: err.Error(), Where: "name"}}}
	}
	replaced, err = s.file.Set(ctx, name, value)
	if errors.Is(err, secrets.ErrTooLarge) {
		err = &ops.Invalid{What: "the secret", Faults: []ops.Fault{{Message: err.Error(), Where: "value"}}}
	}
	return replaced, err
}

// Remove implements ops.Secrets.
func (s secretStore) Remove(ctx context.Context, name string) error {
	err := s.file.Remove(ctx, name)
	var missing *secrets.Missing
	if errors.As(err, &missing) {
		return fmt.Errorf("secret %q: %w", name, engine.ErrNotFound)
	}
	return err
}
