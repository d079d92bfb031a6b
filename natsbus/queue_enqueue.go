package natsbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrFull refuses tickets because the work queue holds as many as it may, and runs
// because it holds as many as Config.MaxReady. It is an engine.ErrBusy. Nothing is lost:
// tickets follow from the runs' logs, whose owner enqueues them again later.
var ErrFull = fmt.Errorf("%w: start workers that take from it, or raise the limits of stream %s", engine.ErrBusy, streamTasks)

const (
	enqueueWindow  = 512              // publishes in flight, of one caller
	enqueueTimeout = 2 * time.Second  // until one is taken for lost, and published again
	enqueueRetry   = 20 * time.Second // until its outcome is given up: a lost leader takes 4-13 s
	ensureAgain    = time.Minute      // a consumer may have been removed by hand
)

// expectNone refuses a ticket whose subject has one.
var expectNone = nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}

// Enqueue publishes tickets and returns when all of them are stored. One that is
// in the queue already stays, and counts as enqueued. It returns ErrFull when the
// queue refuses some; ErrUnreachable when nobody answered for 20 s. It may be
// called again with the same deliveries whatever it returned.
func (q *Queue) Enqueue(ctx context.Context, _ bool, ds ...*engine.Delivery) error {
	left := make([]*nats.Msg, 0, len(ds))
	var classes []class
	for _, d := range ds {
		c := classOf(d.Task)
		if !slices.Contains(classes, c) {
			if err := q.ensure(ctx, c); err != nil {
				return fmt.Errorf("enqueue %q of run %q: %w", d.Activation, d.Run, err)
			}
			classes = append(classes, c)
		}
		data, err := json.Marshal(ticketOf(d))
		if err != nil {
			return fmt.Errorf("enqueue %q of run %q: %w", d.Activation, d.Run, err)
		}
		left = append(left, &nats.Msg{Subject: ticketSubject(c, q.bus.cfg.Namespace, d), Header: expectNone, Data: data})
	}
	for begun := time.Now(); ; {
		var err error
		if left, err = q.publish(ctx, left); len(left) == 0 {
			if err == nil {
				q.hint(classes)
				return nil
			}
			return fmt.Errorf("enqueue: %w", err)
		}
		if time.Since(begun) > enqueueRetry {
			return fmt.Errorf("enqueue %d of %d tickets: %w", len(left), len(ds), translate(err))
		}
		select {
		case <-time.After(100 * time.Millisecond): // a server without a leader answers at once
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// publish publishes all of msgs, then waits for the answers. It returns those whose
// outcome is not known, with the last reason; or a refusal, and none.
func (q *Queue) publish(ctx context.Context, msgs []*nats.Msg) (unknown []*nats.Msg, err error) {
	acks := make([]jetstream.PubAckFuture, 0, min(len(msgs), enqueueWindow))
	var refused error
	settle := func() {
		for i, ack := range acks {
			m := msgs[i]
			switch e := await(ctx, ack); {
			case e == nil:
			case unanswered(e) || errors.Is(e, jetstream.ErrAsyncPublishTimeout):
				unknown, err = append(unknown, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Data}), e
			default:
				refused = e
			}
		}
		msgs, acks = msgs[len(acks):], acks[:0]
	}
	for len(msgs) > 0 && refused == nil {
		for _, m := range msgs[:min(len(msgs), enqueueWindow)] {
			ack, e := q.js.PublishMsgAsync(m)
			if e != nil {
				refused = translate(e)
				break
			}
			acks = append(acks, ack)
		}
		settle()
	}
	if refused != nil {
		return nil, refused
	}
	return unknown, err
}

// await waits for the answer to a publish. A refusal because the subject has a
// ticket means that it is there.
func await(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		var api *jetstream.APIError
		switch {
		case errors.As(err, &api) && api.ErrorCode == codeWrongLast:
			return nil
		case errors.As(err, &api) && full(api):
			return fmt.Errorf("%w (%s)", ErrFull, api.Description)
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// full tells whether a stream refused because of its limits. The server has one
// code for all failures of a store, so that the text must tell.
func full(err *jetstream.APIError) bool {
	switch err.ErrorCode {
	case 10077: // a store's failure, in words
		return err.Description == "maximum messages exceeded" || err.Description == "maximum bytes exceeded"
	case 10023, 10047: // resources of the server, or of the account
		return true
	}
	return false
}

// ensure makes the consumer of a class, unless this process knows that it is there.
func (q *Queue) ensure(ctx context.Context, c class) error {
	q.mu.Lock()
	at, ok := q.ensured[c]
	q.mu.Unlock()
	if ok && time.Since(at) < ensureAgain {
		return nil
	}
	if err := q.bus.ensureClass(ctx, c); err != nil {
		return err
	}
	q.mu.Lock()
	q.ensured[c] = time.Now()
	q.mu.Unlock()
	return nil
}

// ensureClass makes the consumer of a class that has none, or gives it this
// process's lease, and tells the workers.
func (b *Bus) ensureClass(ctx context.Context, c class) error {
	have, err := b.js.Consumer(ctx, streamTasks, c.consumer(b.cfg.Namespace))
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		limit, limitErr := b.queueLimit(ctx, c.queue)
		if limitErr != nil {
			return limitErr
		}
		return b.setClass(ctx, c, limit)
	case err != nil:
		return fmt.Errorf("look for consumer of queue %q: %w", c.queue, translate(err))
	case have.CachedInfo().Config.AckWait != b.cfg.Lease:
		return b.setClass(ctx, c, have.CachedInfo().Config.MaxAckPending)
	}
	return nil
}

func (b *Bus) setClass(ctx context.Context, c class, limit int) error {
	try, end := b.guard(ctx, apiPrefix+"CONSUMER.CREATE."+streamTasks)
	_, err := b.js.CreateOrUpdateConsumer(try, streamTasks, c.consumerConfig(b.cfg, limit))
	if err = end(err); err != nil {
		return fmt.Errorf("make consumer of queue %q: %w", c.queue, translate(err))
	}
	return translate(b.nc.Publish(b.classSubject(), []byte(c.prefix(b.cfg.Namespace)+".>")))
}

// classSubject is where a new class is told to workers.
func (b *Bus) classSubject() string { return "gf.class." + token(b.cfg.Namespace) }
