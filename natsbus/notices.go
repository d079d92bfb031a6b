package natsbus

import (
	"context"
	"encoding/json"
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
	sending bool // a goroutine is; it ends when nothing waits
}

// tell hands a notice to the connection, before whatever its attempt commits next: who
// follows a run reads the log to its end once the run has ended. If there is none, or
// others wait, it keeps it, if need be in place of the oldest that waits.
func (t *teller) tell(n engine.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.sending && t.bus.nc.IsConnected() {
		t.publish(n)
		return
	}
	if len(t.waiting) == noticeRoom {
		t.waiting = t.waiting[1:]
		t.dropped++
	}
	t.waiting = append(t.waiting, n)
	if !t.sending {
		t.sending = true
		go t.send()
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
		t.waiting, t.sending = nil, false
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
	return func(yield func(engine.Notice, error) bool) {
		hint := make(chan struct{}, 1)
		if follow {
			sub, err := b.nc.Subscribe(b.noticeSubject(run), func(*nats.Msg) {
				select {
				case hint <- struct{}{}:
				default: // one waits
				}
			})
			if err != nil {
				yield(engine.Notice{}, translate(err))
				return
			}
			defer func() { _ = sub.Unsubscribe() }() // of a connection that may be closed
		}
		for {
			more, err := b.noticesAfter(ctx, run, &after, yield)
			if err != nil {
				yield(engine.Notice{}, err)
			}
			if !more || err != nil || !follow {
				return
			}
			if err := soon(ctx, hint); err != nil {
				yield(engine.Notice{}, err)
				return
			}
		}
	}
}

// soon waits for a hint, and until what it hints at is stored; or for long.
func soon(ctx context.Context, hint <-chan struct{}) error {
	wait := noticeNet
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-hint:
			wait, hint = noticeStored, nil
		case <-time.After(wait):
			return nil
		}
	}
}

// noticesAfter tells all that there is now; more is false when the loop was left.
func (b *Bus) noticesAfter(ctx context.Context, run string, after *uint64, yield func(engine.Notice, error) bool) (more bool, err error) {
	for {
		found, err := b.gather(ctx, streamNotices, wanted{Seq: *after + 1, Next: b.noticeSubject(run), Batch: directBatch})
		if err != nil {
			return true, err
		}
		for _, e := range found {
			var n engine.Notice
			*after = e.seq
			if err := json.Unmarshal(e.data, &n); err != nil {
				b.log.Warn("a notice could not be read", "run", run, "err", err)
				continue
			}
			n.Seq = e.seq
			if !yield(n, nil) {
				return false, nil
			}
		}
		if len(found) < directBatch {
			return true, nil
		}
	}
}
