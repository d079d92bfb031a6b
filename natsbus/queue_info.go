package natsbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// QueueInfo is how a class of tickets stands.
type QueueInfo struct {
	Queue    string            `json:"queue"`
	Requires map[string]string `json:"requires,omitempty"`
	Priority engine.Priority   `json:"priority"`
	Ready    uint64            `json:"ready"`               // tickets that wait for a worker
	InFlight int               `json:"in_flight"`           // tickets that workers hold
	Again    int               `json:"delivered_again"`     // of those in flight, delivered more than once
	Pulls    int               `json:"pulls"`               // requests of workers that wait for tickets
	Oldest   time.Duration     `json:"oldest_ns,omitempty"` // age of the oldest that waits or is held
	Limit    int               `json:"limit,omitempty"`     // of those in flight; 0 is none
}

// Queues tells how the queues of the namespace stand, a row for each class of
// tickets that there ever was, sorted by queue, labels and priority.
func (b *Bus) Queues(ctx context.Context) ([]QueueInfo, error) {
	var all []QueueInfo
	var classes []class
	err := b.eachClass(ctx, func(c class, info *jetstream.ConsumerInfo) {
		labels, err := parseLabels(c.requires)
		if err != nil {
			return
		}
		all, classes = append(all, QueueInfo{
			Queue: c.queue, Requires: labels, Priority: c.priority,
			Ready: info.NumPending, InFlight: info.NumAckPending, Again: info.NumRedelivered, Pulls: info.NumWaiting,
			Limit: max(0, info.Config.MaxAckPending),
		}), append(classes, c)
	})
	if err != nil {
		return nil, fmt.Errorf("list queues: %w", err)
	}
	for i, c := range classes {
		if all[i].Ready == 0 && all[i].InFlight == 0 {
			continue
		}
		if all[i].Oldest, err = b.oldest(ctx, c); err != nil {
			return nil, fmt.Errorf("list queues: %w", err)
		}
	}
	slices.SortFunc(all, func(a, b QueueInfo) int {
		return cmp.Or(cmp.Compare(a.Queue, b.Queue), cmp.Compare(canonicalLabels(a.Requires), canonicalLabels(b.Requires)), cmp.Compare(weights[a.Priority], weights[b.Priority]))
	})
	return all, nil
}

// oldest is the age of the first ticket of a class; 0 is that there is none.
func (b *Bus) oldest(ctx context.Context, c class) (time.Duration, error) {
	stream, err := b.openStream(ctx, streamTasks)
	if err != nil {
		return 0, translate(err)
	}
	first, err := stream.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(c.prefix(b.cfg.Namespace)+".>"))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, translate(err)
	}
	return time.Since(first.Time), nil
}

// setLimit gives all classes of a queue a limit.
func (b *Bus) setLimit(ctx context.Context, queue string, n int) error {
	// The limit of the queue's first class is that of classes that come later.
	classes := []class{{queue: queue, priority: engine.PriorityNormal}}
	err := b.eachClass(ctx, func(c class, _ *jetstream.ConsumerInfo) {
		if c.queue == queue && c != classes[0] {
			classes = append(classes, c)
		}
	})
	if err != nil {
		return err
	}
	for _, c := range classes {
		if err := b.setClass(ctx, c, n); err != nil {
			return err
		}
	}
	return nil
}

// queueLimit is the limit of a queue; 0 is none.
func (b *Bus) queueLimit(ctx context.Context, queue string) (int, error) {
	c := class{queue: queue, priority: engine.PriorityNormal}
	consumer, err := b.js.Consumer(ctx, streamTasks, c.consumer(b.cfg.Namespace))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for the limit of queue %q: %w", queue, translate(err))
	}
	return max(0, consumer.CachedInfo().Config.MaxAckPending), nil
}
