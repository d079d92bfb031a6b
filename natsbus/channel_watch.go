package natsbus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// watchPause is how long a watch that was cut off waits before it begins anew.
const watchPause = 200 * time.Millisecond

var errForgotten = fmt.Errorf("it was forgotten: %w", engine.ErrNotFound)

// Watch implements engine.Channel. A connection that is lost does not end it: what
// was missed is told afterwards, as what there is then. It ends also with
// engine.ErrClosed, when the bus is closed, and with [ErrUnreachable] if the cluster
// does not answer at first. One that is cut off for minutes may be told that keys
// were deleted which were forgotten.
//
// What has expired is told when the clock of the stream's leader says so, nobody
// need write it.
func (c *Channel) Watch(ctx context.Context, run, prefix string) iter.Seq2[engine.Change, error] {
	return func(yield func(engine.Change, error) bool) {
		w := &channelWatch{
			channel: c, subjects: c.prefix(run), prefix: prefix,
			begun: make(chan struct{}), sooner: make(chan struct{}, 1), held: map[string]*watchedCell{},
		}
		reading, stop := context.WithCancel(ctx)
		read := make(chan struct{})
		go func() {
			defer close(read)
			w.read(reading)
		}()
		defer func() { stop(); <-read }()
		if err := w.tell(ctx, yield); err != nil {
			yield(engine.Change{}, fmt.Errorf("watch the channel of run %q: %w", run, err))
		}
	}
}

// read follows the stream until the watch is to end.
func (w *channelWatch) read(ctx context.Context) {
	for {
		err := w.session(ctx)
		var api *jetstream.APIError
		switch {
		case ctx.Err() != nil:
			w.end(ctx.Err())
			return
		case errors.Is(err, errForgotten), errors.Is(err, engine.ErrClosed):
			w.end(err)
			return
		case !errors.Is(err, errGap) && (w.to == nil || errors.As(err, &api)):
			w.end(err) // a stream that is not there, a right that misses
			return
		}
		select {
		case <-time.After(watchPause):
		case <-ctx.Done():
		}
	}
}

// session tells what there is, and then what changes, until the replay has a gap.
func (w *channelWatch) session(ctx context.Context) error {
	c, keys, end := w.channel, w.subjects+leafKey+"*", w.subjects+leafLock+allLocks
	last, err := c.lastSeq(ctx, end)
	switch {
	case err != nil:
		return err
	case w.to == nil:
		w.forgotten = last
	case last > w.forgotten:
		return errForgotten
	}
	r, err := c.replay(ctx, false, keys, end)
	if err != nil {
		return err
	}
	defer r.close(ctx)
	there := map[string]cell{}
	err = r.catchUp(ctx, keys, func(m *replayed) error {
		return w.see(m, func(key string) { there[key] = m.cell })
	})
	if err != nil {
		return err
	}
	now, err := c.now(ctx)
	if err != nil {
		return err
	}
	w.begin(now, there)
	for {
		m, err := r.wait(ctx)
		if err != nil {
			return err
		}
		if err := w.see(m, func(key string) { w.change(key, m.cell) }); err != nil {
			return err
		}
	}
}

// see calls f with the key of a message, if it is watched.
func (w *channelWatch) see(m *replayed, f func(key string)) error {
	if strings.HasSuffix(m.subject, "."+allLocks) {
		if m.seq > w.forgotten {
			return errForgotten
		}
		return nil
	}
	key, err := nameOf(m.subject)
	if err == nil && strings.HasPrefix(key, w.prefix) {
		f(key)
	}
	return err
}

// tell yields the changes until the loop is left, or returns why there are no more.
func (w *channelWatch) tell(ctx context.Context, yield func(engine.Change, error) bool) error {
	select {
	case <-w.begun:
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(w.expire(ctx))
		change, ok, err := w.next()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return err
		case ok && !yield(change, nil):
			return nil
		case ok:
			continue
		}
		select {
		case <-w.to.Wake():
		case <-w.sooner:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
