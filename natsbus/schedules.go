package natsbus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// scheduleKind is the kind of the documents of schedules.
const scheduleKind = "schedule"

// Schedules are the documents of a namespace's schedules, with the time that counts
// for them. It is safe for concurrent use.
type Schedules struct{ bus *Bus }

// Schedules returns them.
func (b *Bus) Schedules() *Schedules { return &Schedules{b} }

// Load reads a document through the stream's leader. engine.ErrNotFound.
func (s *Schedules) Load(ctx context.Context, name string) (data []byte, revision uint64, err error) {
	d, err := s.bus.Document(ctx, scheduleKind, name)
	return d.Data, d.Rev, err
}

// Each tells f of all documents. A replica that lags may miss what was stored just
// now.
func (s *Schedules) Each(ctx context.Context, f func(name string, data []byte, revision uint64)) error {
	all, err := s.bus.Documents(ctx, scheduleKind)
	for _, d := range all {
		f(d.Name, d.Data, d.Rev)
	}
	return err
}

// Put stores a document in place of that of a revision, 0 for none, and returns its
// own. engine.ErrConflict: another was first.
func (s *Schedules) Put(ctx context.Context, name string, data []byte, revision uint64) (uint64, error) {
	put, err := s.bus.PutDocument(ctx, scheduleKind, name, data, revision)
	return put, conflicting(err)
}

// Remove removes a document. engine.ErrConflict: it is of a later revision.
// engine.ErrNotFound.
func (s *Schedules) Remove(ctx context.Context, name string, revision uint64) error {
	return conflicting(s.bus.RemoveDocument(ctx, scheduleKind, name, revision))
}

// conflicting is an error of documents as who compares revisions knows it.
func conflicting(err error) error {
	if errors.Is(err, ErrStale) {
		return fmt.Errorf("%w: %w", engine.ErrConflict, err)
	}
	return err
}

// Watch has changed receive when documents change, until stop is called: as they are
// stored, which may be before they can be read. Removals it misses.
func (s *Schedules) Watch() (changed <-chan struct{}, stop func(), err error) {
	return s.bus.WatchDocuments(scheduleKind)
}

// Now is the time of the server that leads the stream of documents.
func (s *Schedules) Now(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := tries(ctx, func(ctx context.Context) error {
		stream, err := s.bus.openStream(ctx, streamDocuments)
		if err == nil {
			now = stream.CachedInfo().TimeStamp
		}
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the cluster's time: %w", err)
	}
	return now, nil
}
