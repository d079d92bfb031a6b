package natsbus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// answerKept is how long an answer is remembered for who asks again.
const answerKept = time.Minute

// Answer does what is asked of the runs of this process's share, until ctx is done:
// f is called for each request, several at a time, and must end when its ctx does.
// What it returns is the answer; for a run that it does not own any more it returns
// ErrElsewhere. All that it was asked has ended when Answer returns.
func (c *Cluster) Answer(ctx context.Context, f func(ctx context.Context, run, method string, body []byte) ([]byte, error)) error {
	a := &answers{bus: c.bus, holds: c.holds, ctx: ctx, do: f, kept: map[string]*answer{}}
	defer a.running.Wait()
	limits, err := a.answerLimits() //nolint:contextcheck // each question has a context of its own
	if err != nil {
		return fmt.Errorf("answer for owned runs: %w", translate(err))
	}
	defer func() { _ = limits.Unsubscribe() }() // of a connection that may be closed
	subs := map[int]*nats.Subscription{}
	defer func() {
		for _, sub := range subs {
			_ = sub.Unsubscribe() // of a connection that may be closed
		}
	}()
	for {
		mine, changed := c.shares.now()
		if err := a.follow(subs, mine); err != nil {
			return fmt.Errorf("answer for owned runs: %w", translate(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// answers are those given of late, and those to give.
type answers struct {
	bus     *Bus
	holds   func(run string) bool
	ctx     context.Context //nolint:containedctx // of Answer, for what its subscriptions call
	do      func(ctx context.Context, run, method string, body []byte) ([]byte, error)
	running sync.WaitGroup

	mu   sync.Mutex // guards kept
	kept map[string]*answer
}

// answer is one request's.
type answer struct {
	done  chan struct{} // closed once the rest is set
	reply *nats.Msg
	until time.Time // when it is forgotten
}

// follow subscribes for the partitions that are owned, and for no others.
func (a *answers) follow(subs map[int]*nats.Subscription, mine map[int]bool) error {
	for p, sub := range subs {
		if !mine[p] {
			delete(subs, p)
			if err := sub.Unsubscribe(); err != nil {
				return err
			}
		}
	}
	for p := range mine {
		if subs[p] != nil {
			continue
		}
		// One of two who believe that they own it.
		sub, err := a.bus.nc.QueueSubscribe(a.bus.askSubject(p), "owner", a.take)
		if err != nil {
			return err
		}
		subs[p] = sub
	}
	return nil
}

// take begins to answer a request, or joins who does.
func (a *answers) take(m *nats.Msg) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ctx.Err() != nil {
		return
	}
	a.forget()
	id := m.Header.Get(headerAsk)
	was, again := a.kept[id]
	if !again {
		was = &answer{done: make(chan struct{})}
		a.kept[id] = was
	}
	a.running.Go(func() {
		if again {
			select {
			case <-was.done:
			case <-a.ctx.Done():
				return
			}
		} else {
			a.give(id, was, m)
		}
		reply := *was.reply
		if err := m.RespondMsg(&reply); err != nil && a.ctx.Err() == nil {
			a.bus.log.Warn("an answer was not sent", "method", m.Header.Get(headerMethod), "err", err)
		}
	})
}

// forget drops old answers. mu is held.
func (a *answers) forget() {
	now := time.Now()
	for id, was := range a.kept {
		select {
		case <-was.done:
			if now.After(was.until) {
				delete(a.kept, id)
			}
		default:
		}
	}
}

// give does what is asked.
func (a *answers) give(id string, was *answer, m *nats.Msg) {
	run, err := name(m.Header.Get(headerRun))
	var body []byte
	if err == nil && !a.holds(run) {
		// Who was suspended finds requests that others have done long ago: to hold a run
		// that has been released since.
		err = ErrElsewhere
	}
	if err == nil {
		body, err = a.do(a.ctx, run, m.Header.Get(headerMethod), m.Data)
		if err != nil && a.ctx.Err() != nil { // it was cut short: another is to be asked
			err = ErrElsewhere
		}
	}
	was.reply = a.bus.replyOf(body, err)
	was.until = time.Now().Add(answerKept)
	a.mu.Lock()
	defer a.mu.Unlock()
	if errors.Is(err, ErrElsewhere) { // it may come back to this process
		delete(a.kept, id)
	}
	close(was.done)
}

// replyOf is an answer as it is sent.
func (b *Bus) replyOf(body []byte, err error) *nats.Msg {
	m := &nats.Msg{Header: nats.Header{}, Data: body}
	if most := b.nc.MaxPayload(); err == nil && int64(len(body)) > most-1024 {
		err = fmt.Errorf("the answer has %d bytes, the server takes %d", len(body), most)
	}
	if err != nil {
		m.Data = nil
		m.Header.Set(headerCode, strconv.Itoa(codeOf(err)))
		m.Header.Set(headerError, headerText(err.Error()))
	}
	return m
}

// headerText makes a text fit to be a header's value.
func headerText(s string) string {
	const most = 8 << 10
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
