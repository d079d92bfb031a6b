package natsbus

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// heardAtMost bounds how many notices are remembered that were heard and not read, and
// that were read and not heard.
const heardAtMost = 4096

// hearing knows what of a run's notices was sent and not read yet: servers pass a
// notice on before they have stored it, and it is stored beside the events of the run,
// so that the end of a run may be read before the last words of its tasks can be. It is
// safe for concurrent use.
type hearing struct {
	sub  *nats.Subscription
	hint chan struct{} // has one when something was heard
	seed maphash.Seed

	mu    sync.Mutex      // guards what follows
	heard map[uint64]bool // and not read; by their hashes
	read  map[uint64]bool // and not heard
}

// hear begins to listen to a run's notices. The caller closes it.
func (b *Bus) hear(run string) (*hearing, error) {
	h := &hearing{hint: make(chan struct{}, 1), seed: maphash.MakeSeed(), heard: map[uint64]bool{}, read: map[uint64]bool{}}
	var err error
	h.sub, err = b.nc.Subscribe(b.noticeSubject(run), func(m *nats.Msg) {
		h.note(m.Data, h.read, h.heard)
		select {
		case h.hint <- struct{}{}:
		default: // one waits
		}
	})
	return h, err
}

func (h *hearing) close() { _ = h.sub.Unsubscribe() } // of a connection that may be closed

// found notes a notice that was read.
func (h *hearing) found(data []byte) { h.note(data, h.heard, h.read) }

// note takes a notice out of those known the one way, or adds it to those known the
// other way.
func (h *hearing) note(data []byte, from, to map[uint64]bool) {
	hash := maphash.Bytes(h.seed, data)
	h.mu.Lock()
	defer h.mu.Unlock()
	if from[hash] {
		delete(from, hash)
		return
	}
	if len(to) == heardAtMost {
		clear(to)
	}
	to[hash] = true
}

// all tells whether all that was heard was read.
func (h *hearing) all() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.heard) == 0
}

// wait waits until something is heard, and is likely to be stored, or for long. It
// tells whether over was closed: then all has been heard that was sent before.
func (h *hearing) wait(ctx context.Context, over <-chan struct{}) (ended bool, err error) {
	for hint, wait := h.hint, noticeNet; ; {
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-over:
			h.drain(ctx)
			return true, ctx.Err()
		case <-hint:
			wait, hint = noticeStored, nil
		case <-time.After(wait):
			return false, nil
		}
	}
}

// drain hears what the server has sent, and nothing more.
func (h *hearing) drain(ctx context.Context) {
	closed := make(chan struct{})
	h.sub.SetClosedHandler(func(string) { close(closed) })
	if h.sub.Drain() != nil { // the connection is closed
		return
	}
	select {
	case <-closed:
	case <-ctx.Done():
	}
}
