package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// Backend bundles what runs need from storage. [InMemory] returns one for a
// single process; its parts may be replaced one by one.
type Backend struct {
	Journal Journal
	Queue   Queue
	Timers  Timers
	Channel Channel
	Blobs   Blobs
}

// Errors of backends.
var (
	// ErrConflict refuses an append whose chain has moved on.
	ErrConflict = errors.New("conflict: the chain has another last event")
	// ErrNotFound is a run, key or blob that is not there.
	ErrNotFound = errors.New("not found")
	// ErrLeaseLost refuses what is done with a delivery that another holds.
	ErrLeaseLost = errors.New("the lease was lost")
	// ErrClosed is returned by a backend that was closed.
	ErrClosed = errors.New("closed")
	// ErrLocked is a lock that was not had in time.
	ErrLocked = errors.New("locked by another")
)

// Journal keeps the log of every run. Each activation is a compare-and-set
// chain in it; the chain "" is that of the decisions.
type Journal interface {
	// Append adds e to the run's log if the last event of its chain has the
	// sequence expect (0: the chain is empty), sets e.Seq and returns it, or
	// ErrConflict. e must not be changed afterwards.
	Append(ctx context.Context, run, chain string, expect uint64, e *Event) (uint64, error)
	// Read returns the events after a sequence, in order; none is no error.
	Read(ctx context.Context, run string, after uint64) ([]*Event, error)
	// Last returns the sequence of the chain's last event; 0 is none.
	Last(ctx context.Context, run, chain string) (uint64, error)
	// Trim tells that nobody will read the events up to a sequence again. A
	// journal may drop them, and the chains that completed or were stopped
	// among them; the others keep their last sequences.
	Trim(ctx context.Context, run string, through uint64) error
	// Forget drops a run's log.
	Forget(ctx context.Context, run string) error
}

// Queue carries ready activations to workers, at least once, in the order in
// which they were enqueued. A delivery that is not acked within its lease is
// delivered again, before newer ones.
type Queue interface {
	// Enqueue adds deliveries. A caller that will call Receive at once says
	// so, and takes one of them itself: nobody else is woken for that one.
	Enqueue(ctx context.Context, receiving bool, ds ...*Delivery) error
	// Receive blocks until a delivery is ready, or ctx is done.
	Receive(ctx context.Context) (Lease, error)
}

// Lease is a delivery that a worker holds. Its methods return ErrLeaseLost
// once the lease has run out and another may hold it.
type Lease interface {
	Delivery() *Delivery
	Ack(ctx context.Context) error    // it is done
	Nak(ctx context.Context) error    // deliver it again at once
	Extend(ctx context.Context) error // begin the lease anew
}

// Timers fire later. What is pending when the process ends is recomputed from
// the journal.
type Timers interface {
	// After calls f in d from now, once. The returned function stops it.
	After(d time.Duration, f func()) (stop func())
}

// Channel is a run's shared state, live: each operation is atomic at once. It is
// for drivers and tools; tasks read a View and write Effects.
type Channel interface {
	// Do applies one write and returns what the key then holds.
	Do(ctx context.Context, run string, op ChannelOp) (json.RawMessage, error)
	// Get returns a value, or ErrNotFound.
	Get(ctx context.Context, run, key string) (json.RawMessage, error)
	// Keys returns the keys with a prefix, sorted.
	Keys(ctx context.Context, run, prefix string) ([]string, error)
	// Expire drops a key after d; 0 keeps it for good.
	Expire(ctx context.Context, run, key string, d time.Duration) error
	// Lock takes a named lock for owner, waiting at most wait, then
	// ErrLocked. It ends with Unlock, or after ttl. The same owner may take
	// it again; it is held until it has been given back as often.
	Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error
	Unlock(ctx context.Context, run, name, owner string) error
}

// Blobs keep large values by content.
type Blobs interface {
	// Put stores what r holds and returns "sha256:…" and its size.
	Put(ctx context.Context, run string, r io.Reader) (digest string, size int64, err error)
	// Open reads a blob, or ErrNotFound.
	Open(ctx context.Context, run, digest string) (io.ReadCloser, error)
	// Forget drops a run's blobs.
	Forget(ctx context.Context, run string) error
}
