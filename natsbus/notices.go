package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	noticeAge   = 3 * 24 * time.Hour
	noticeBytes = 256 << 20
	// noticeRoom is how many notices wait while they can't be sent.
	noticeRoom = 4096
	// noticeNet is how often one who follows looks, whatever was heard.
	noticeNet = time.Second
	// noticeStored is how long a notice takes from being heard to being stored.
	noticeStored = 20 * time.Millisecond
)

// noticesStream keeps what attempts told, for a while and so much of it.
func noticesStream(Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: streamNotices, Subjects: []string{"gf.log.>"}, Storage: jetstream.FileStorage,
		MaxAge: noticeAge, MaxBytes: noticeBytes, Discard: jetstream.DiscardOld, AllowDirect: true,
	}
}

func (b *Bus) noticeSubject(run string) string {
	return "gf.log." + token(b.cfg.Namespace) + "." + token(run)
}

// teller sends notices, and keeps them while there is no connection. It is safe for concurrent
// use.
type teller struct {
	bus *Bus

	mu      sync.Mutex // guards what follows
	waiting []engine.Notice
	dropped int
	sent    chan struct{} // closed when nothing waits any more; nil: nothing does
}

// tell hands a notice to the connection. If there is none, or others wait, it keeps it, if
// need be in place of the oldest that waits. Whatever its attempt commits next waits for
// that: who follows a run reads the log to its end once the run has ended.
func (t *teller) tell(n engine.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent == nil && t.bus.nc.IsConnected() {
		t.publish(n)
		return
	}
	if len(t.waiting) == noticeRoom {
		t.waiting = t.waiting[1:]
		t.dropped++
	}
	t.waiting = append(t.waiting, n)
	if t.sent == nil {
		t.sent = make(chan struct{})
		go t.send()
	}
}

// wait waits until what was told is handed to the connection. It returns ctx's error, or
// ErrUnreachable after a while.
func (t *teller) wait(ctx context.Context) error {
	t.mu.Lock()
	sent := t.sent
	t.mu.Unlock()
	if sent == nil {
		return nil
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-sent:
		return nil
	case <-timer.C:
		return fmt.Errorf("%w for %s", ErrUnreachable, patience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send hands what waits to the connection while there is one.
func (t *teller) send() {
	status := t.bus.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer t.bus.nc.RemoveStatusListener(status)
	for {
		for !t.bus.nc.IsConnected() && !t.bus.nc.IsClosed() {
			<-status
		}
		n, ok := t.next()
		if !ok {
			return
		}
		t.publish(n)
	}
}

func (t *teller) publish(n engine.Notice) {
	data, err := json.Marshal(n)
	if err == nil {
		err = t.bus.nc.Publish(t.bus.noticeSubject(n.Run), data)
	}
	if err != nil && !t.bus.nc.IsClosed() {
		t.bus.log.Warn("a notice was not kept", "run", n.Run, "task", n.Task, "err", err)
	}
}

// next takes the oldest that waits; none ends the sending.
func (t *teller) next() (engine.Notice, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dropped > 0 {
		t.bus.log.Warn("notices were dropped, the cluster could not be reached for long", "dropped", t.dropped)
		t.dropped = 0
	}
	if len(t.waiting) == 0 || t.bus.nc.IsClosed() {
		close(t.sent)
		t.waiting, t.sent = nil, nil
		return engine.Notice{}, false
	}
	n := t.waiting[0]
	t.waiting = t.waiting[1:]
	return n, true
}

// Notices reads what attempts of a run have told after a point, oldest first: log
// lines and progress, of the last three days at most. The Seq of what it tells is
// such a point; 0 is the beginning. With follow it goes on with what is told, until
// the loop is left or ctx is done, whose error it then tells.
func (b *Bus) Notices(ctx context.Context, run string, after uint64, follow bool) iter.Seq2[engine.Notice, error] {
	if follow {
		return b.NoticesUntil(ctx, run, after, nil)
	}
	return func(yield func(engine.Notice, error) bool) {
		if _, err := b.noticesAfter(ctx, run, &after, func([]byte) {}, yield); err != nil {
			yield(engine.Notice{}, err)
		}
	}
}

// LastNotice is the point after what attempts of a run have told so far; 0 is that they
// have told nothing that is kept. A replica that is behind may answer.
func (b *Bus) LastNotice(ctx context.Context, run string) (uint64, error) {
	found, err := b.pick(ctx, streamNotices, []wanted{{Last: b.noticeSubject(run)}})
	if err != nil || found[0] == nil {
		return 0, err
	}
	return found[0].seq, nil
}

// NoticesUntil is Notices with follow until over is closed. Then it tells what is left,
// and ends. What was sent by then and is not stored yet it waits for, until ctx is done,
// whose error it then tells.
func (b *Bus) NoticesUntil(ctx context.Context, run string, after uint64, over <-chan struct{}) iter.Seq2[engine.Notice, error] {
	return func(yield func(engine.Notice, error) bool) {
		h, err := b.hear(run)
		if err != nil {
			yield(engine.Notice{}, translate(err))
			return
		}
		defer h.close()
		for ended := false; err == nil; {
			var more bool
			more, err = b.noticesAfter(ctx, run, &after, h.found, yield)
			switch {
			case !more, err == nil && ended && h.all():
				return
			case err == nil && ended:
				err = pause(ctx, noticeStored)
			case err == nil:
				ended, err = h.wait(ctx, over)
			}
		}
		yield(engine.Notice{}, err)
	}
}

// noticesAfter tells all that there is now; more is false when the loop was left. found
// has each as it is stored.
func (b *Bus) noticesAfter(ctx context.Context, run string, after *uint64, found func([]byte), yield func(engine.Notice, error) bool) (more bool, err error) {
	for {
		page, err := b.gather(ctx, streamNotices, wanted{Seq: *after + 1, Next: b.noticeSubject(run), Batch: directBatch})
		if err != nil {
			return true, err
		}
		for _, e := range page {
			var n engine.Notice
			*after = e.seq
			found(e.data)
			if err := json.Unmarshal(e.data, &n); err != nil {
				b.log.Warn("a notice could not be read", "run", run, "err", err)
				continue
			}
			n.Seq = e.seq
			if !yield(n, nil) {
				return false, nil
			}
		}
		if len(page) < directBatch {
			return true, nil
		}
	}
}
