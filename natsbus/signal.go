package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	// signalRoom is how many signals may wait to be looked at.
	signalRoom = 8192
)

// moveWaits is when a run that is watched is looked at after something was heard:
// most is stored by then with one replica, idle or busy, with three, and with a
// replica that is behind; the last goes on, whatever was heard.
var moveWaits = [...]time.Duration{500 * time.Microsecond, 2 * time.Millisecond, 8 * time.Millisecond, 60 * time.Millisecond, 2 * time.Second}

func (b *Bus) signalPrefix() string { return "gf.sig." + token(b.cfg.Namespace) + "." }

// signal tells all that listen now.
func (b *Bus) signal(s engine.Signal) error {
	data, err := json.Marshal(s)
	if err == nil {
		err = b.nc.Publish(b.signalPrefix()+token(s.Run), data)
	}
	if err != nil {
		return fmt.Errorf("signal %s of run %q: %w", s.Kind, s.Run, translate(err))
	}
	return nil
}

// signals calls f for each signal, until ctx is done, and lost when some may have
// been missed, never both at once.
func (b *Bus) signals(ctx context.Context, f func(engine.Signal), lost func()) error {
	status := b.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer b.nc.RemoveStatusListener(status)
	in := make(chan *nats.Msg, signalRoom)
	sub, err := b.nc.ChanSubscribe(b.signalPrefix()+"*", in)
	if err != nil {
		return fmt.Errorf("listen for signals: %w", translate(err))
	}
	defer func() { _ = sub.Unsubscribe() }() // of a connection that may be closed
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for dropped := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s := <-status:
			if s == nats.CLOSED {
				return fmt.Errorf("listen for signals: %w", engine.ErrClosed)
			}
			lost() // connected again
		case m := <-in:
			var s engine.Signal
			if err := json.Unmarshal(m.Data, &s); err != nil {
				b.log.Warn("a signal could not be read", "subject", m.Subject, "err", err)
				continue
			}
			f(s)
		case <-look.C:
		}
		if n, err := sub.Dropped(); err == nil && n > dropped {
			dropped = n
			lost()
		}
	}
}

// watch calls moved soon after a run's log has grown, until ctx is done. It listens
// to what is published to the log, since to have the stream tell what it stored costs
// as much again as to store it; so what is heard may not be stored yet, and is looked
// for once more a little later, and every 2 s in case it was not heard.
func (b *Bus) watch(ctx context.Context, run string, moved func()) error {
	hint := make(chan struct{}, 1)
	sub, err := b.nc.Subscribe(b.runPrefix(run)+".>", func(*nats.Msg) {
		select {
		case hint <- struct{}{}:
		default: // one waits
		}
	})
	if err != nil {
		return fmt.Errorf("watch run %q: %w", run, translate(err))
	}
	defer func() { _ = sub.Unsubscribe() }() // of a connection that may be closed
	waits := moveWaits[:]
	again := time.NewTimer(waits[len(waits)-1])
	defer again.Stop()
	for at := 0; ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-hint:
			at = 0
		case <-again.C:
			at = min(at+1, len(waits)-1)
		}
		again.Reset(waits[at])
		if b.nc.IsClosed() {
			return fmt.Errorf("watch run %q: %w", run, engine.ErrClosed)
		}
		moved()
	}
}
