package engine

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
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
	// Lease is how long the leases of Queue last; 0 is 10 s.
	Lease time.Duration
	// Cluster is set of a backend that several processes share; nil: this one is
	// alone with it.
	Cluster Cluster
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
	// ErrUnreachable is a storage that does not answer. Whether a write took place
	// is not known then.
	ErrUnreachable = errors.New("the cluster does not answer")
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
	// Read returns the events after a sequence, in order, possibly only the
	// first of them: none means that there are no more. What it returns is
	// stored, and must not be changed.
	Read(ctx context.Context, run string, after uint64) ([]*Event, error)
	// Last returns the sequence of the chain's last event; 0 is none.
	Last(ctx context.Context, run, chain string) (uint64, error)
	// Trim tells that nobody will read the events up to a sequence again. A
	// journal may drop them, and the chains that completed or were stopped
	// among them; the others keep their last sequences.
	Trim(ctx context.Context, run string, through uint64) error
	// Forget drops a run's log. The run's channel may go with it.
	Forget(ctx context.Context, run string) error
}

// Queue carries ready activations to workers, at least once, in the order in
// which they were enqueued. A delivery that is not acked within its lease is
// delivered again, before newer ones.
//
// A queue that processes share may carry of a delivery no more than its ticket:
// Run, Activation, Attempt, Rev and Seq. It reads Task when it is enqueued, to know
// the queue, the priority and the labels that it is for; order is kept within those.
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
	// Delivered is how often it was delivered, this time included.
	Delivered() int
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

// Channel is a run's shared state, live: each operation is atomic, and all that
// there are on a run take effect in one order. It is for drivers and tools; tasks
// read a View and write Effects. What it returns must not be changed.
//
// A key may expire: from then on it is not there, and takes no room. A backend
// may be up to a second late with it, never early.
type Channel interface {
	// Do applies one write and returns what the key then holds; after a delete
	// nothing. A write that [ApplyOp] refuses changes nothing. A set keeps the
	// key for good, other writes leave it the time that it has.
	Do(ctx context.Context, run string, op ChannelOp) (json.RawMessage, error)
	// Set is a set and an Expire after ttl with nothing in between.
	Set(ctx context.Context, run, key string, value json.RawMessage, ttl time.Duration) error
	// Get returns a value, or ErrNotFound.
	Get(ctx context.Context, run, key string) (json.RawMessage, error)
	// Keys returns the keys with a prefix, sorted.
	Keys(ctx context.Context, run, prefix string) ([]string, error)
	// Expire drops a key after d; 0 keeps it for good, less is refused. A key
	// that is not there is ErrNotFound.
	Expire(ctx context.Context, run, key string, d time.Duration) error
	// TTL returns the time that a key has left; 0 is for good. A key that is
	// not there is ErrNotFound.
	TTL(ctx context.Context, run, key string) (time.Duration, error)
	// Watch tells the keys with a prefix that there are, in any order, then
	// ChangeReady, then each change in the order in which they were made.
	// It goes on until the loop is left, ctx is done or the channel is
	// forgotten; the last two come as an error, ctx's or ErrNotFound, after
	// which there is nothing.
	//
	// Writers never wait for a reader. To one that is slower than they are a
	// key that changed several times is told once, as it was left and when it
	// was last changed; one that came and went not at all. So a watch takes
	// memory for the keys that there are, not for their changes.
	Watch(ctx context.Context, run, prefix string) iter.Seq2[Change, error]
	// Lock takes a named lock for owner, waiting at most wait, then
	// ErrLocked; or ctx's error. It ends with Unlock, or after ttl, which is
	// more than 0. The same owner may take it again, which begins ttl anew; it
	// is held until it has been given back as often. A lock's name is no key.
	Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error
	// Unlock gives a lock back, or returns ErrLeaseLost to who does not hold it.
	Unlock(ctx context.Context, run, name, owner string) error
	// Forget drops a run's values and locks, and ends its watches. Who waits
	// for a lock has it then. A later write begins anew.
	Forget(ctx context.Context, run string) error
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
