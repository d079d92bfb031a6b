package natsbus

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// relist is how often the classes are listed: an announcement may be lost.
const relist = 10 * time.Second

// discover keeps the classes that this process takes from.
func (q *Queue) discover(news <-chan *nats.Msg) {
	ctx, cancel := q.untilClose()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	connected := q.bus.nc.StatusChanged(nats.CONNECTED)
	defer q.bus.nc.RemoveStatusListener(connected)
	for {
		select {
		case <-q.quit:
			return
		case m := <-news:
			q.introduce(ctx, string(m.Data))
		case <-connected: // another server may be, that knows of no pulls
			q.mu.Lock()
			if !q.closed {
				q.forgetPulls()
			}
			q.mu.Unlock()
			timer.Reset(0)
		case <-timer.C:
			again := relist
			if err := q.list(ctx); err != nil && ctx.Err() == nil {
				q.bus.log.Warn("list the consumers of the work queue", "err", err)
				again = time.Second
			}
			timer.Reset(again)
		}
	}
}

// introduce takes up a class that was told, with the consumer's own settings.
func (q *Queue) introduce(ctx context.Context, filter string) {
	c, ns, err := classOfFilter(filter)
	if err != nil || ns != q.bus.cfg.Namespace || !c.takes(q.bus.cfg) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	consumer, err := q.bus.js.Consumer(ctx, streamTasks, c.consumer(ns))
	if err != nil {
		return // the next list has it
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(c, consumer.CachedInfo().Config)
	q.wake()
}

// list takes up all classes that there are, and drops those that are no more.
func (q *Queue) list(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	found := map[class]jetstream.ConsumerConfig{}
	err := q.bus.eachClass(ctx, func(c class, info *jetstream.ConsumerInfo) {
		if c.takes(q.bus.cfg) {
			found[c] = info.Config
		}
	})
	if err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for c, cfg := range found {
		q.add(c, cfg)
	}
	q.classes = slices.DeleteFunc(q.classes, func(s *source) bool {
		_, ok := found[s.class]
		if !ok {
			delete(q.byName, s.consumer(q.bus.cfg.Namespace))
		}
		return !ok
	})
	q.wake()
	return nil
}

// add takes up a class, or its changed settings. The caller holds mu.
func (q *Queue) add(c class, cfg jetstream.ConsumerConfig) {
	s, ok := q.byName[cfg.Durable]
	if !ok {
		s = &source{
			class: c, index: q.taken, pull: "$JS.API.CONSUMER.MSG.NEXT." + streamTasks + "." + cfg.Durable,
			turn: q.served + weights[c.priority],
		}
		q.taken++
		q.classes, q.byName[cfg.Durable] = append(q.classes, s), s
	}
	s.lease, s.limited = cfg.AckWait, cfg.MaxAckPending > 0
}

// hint tells pump what this process has enqueued, so that it looks.
func (q *Queue) hint(cs []class) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.classes) < 2 {
		return
	}
	for _, s := range q.classes {
		if slices.Contains(cs, s.class) {
			s.looked = time.Time{}
		}
	}
}

// eachClass calls f for the consumers of the namespace's classes.
func (b *Bus) eachClass(ctx context.Context, f func(class, *jetstream.ConsumerInfo)) error {
	stream, err := b.openStream(ctx, streamTasks)
	if err != nil {
		return translate(err)
	}
	ctx, end := b.guard(ctx, apiPrefix+"CONSUMER.LIST."+streamTasks)
	lister := stream.ListConsumers(ctx)
	for info := range lister.Info() {
		c, ns, err := classOfFilter(info.Config.FilterSubject)
		if err == nil && ns == b.cfg.Namespace {
			f(c, info)
		}
	}
	return translate(end(lister.Err()))
}
