package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// refuse takes what is no ticket off the queue, once it is among the dead letters.
// If it can't be put there, it is delivered again.
func (q *Queue) refuse(m *nats.Msg, meta *nats.MsgMetadata, why error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.all.Go(func() { // the ack of a publish is not awaited where tickets arrive
		ctx, cancel := q.untilClose()
		defer cancel()
		data, err := json.Marshal(string(m.Data))
		if err == nil {
			err = q.bus.bury(ctx, fmt.Sprintf("ticket/%d", meta.Sequence.Stream), engine.DeadLetter{
				Delivered: int(meta.NumDelivered), Reason: fmt.Sprintf("%s: %v", m.Subject, why), Time: time.Now(), Data: data,
			})
		}
		if err == nil {
			err = q.bus.nc.Publish(m.Reply, ackTerm)
		}
		if err != nil {
			q.bus.log.Error("bury what is no ticket", "subject", m.Subject, "err", err)
		}
	})
}

// Purge takes the tickets of a run off the queue, also those that are being
// executed: of one revision of an activation; with rev 0 of all of them; with
// activation "" of the whole run. When there are none it costs one look.
func (q *Queue) Purge(ctx context.Context, run, activation string, rev uint64) error {
	filter := "gf.task.*.*.*." + token(q.bus.cfg.Namespace) + "." + token(run) + ".>"
	if activation != "" {
		last := "*"
		if rev != 0 {
			last = fmt.Sprint(rev)
		}
		filter = "gf.task.*.*.*." + token(q.bus.cfg.Namespace) + "." + token(run) + "." + token(activation) + "." + last
	}
	return q.bus.purgeTickets(ctx, filter)
}

func (b *Bus) purgeTickets(ctx context.Context, filter string) error {
	_, err := b.look(ctx, streamTasks, lookup{Seq: 1, Next: filter})
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for tickets: %w", err)
	}
	stream, err := b.openStream(ctx, streamTasks)
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSubject(filter))
	}
	if err != nil {
		return fmt.Errorf("purge tickets: %w", translate(err))
	}
	return nil
}
