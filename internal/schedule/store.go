package schedule

import (
	"context"
	"time"
)

// Store keeps documents by name, for all processes of a cluster, and tells its time. It
// is safe for concurrent use.
type Store interface {
	// Load reads a document as it was stored last, with its revision, which is not 0.
	// engine.ErrNotFound.
	Load(ctx context.Context, name string) (data []byte, revision uint64, err error)
	// Each tells f of all documents; it may miss what changed just now.
	Each(ctx context.Context, f func(name string, data []byte, revision uint64)) error
	// Put stores a document in place of that of a revision, 0 for none, and returns its
	// own, which is greater. engine.ErrConflict: another was first.
	Put(ctx context.Context, name string, data []byte, revision uint64) (uint64, error)
	// Remove removes a document. engine.ErrConflict: it is of a later revision.
	// engine.ErrNotFound.
	Remove(ctx context.Context, name string, revision uint64) error
	// Watch has changed receive when documents have changed, until stop is called. It
	// may miss some, and removals.
	Watch() (changed <-chan struct{}, stop func(), err error)
	// Now is the time that counts, which is one for all processes.
	Now(ctx context.Context) (time.Time, error)
}
