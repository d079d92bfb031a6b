package natsbus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// Headers of every chunk.
const (
	headerChunks = "Gf-Chunks" // of the blob
	headerSize   = "Gf-Size"   // of the blob, in bytes
)

const (
	// blobPatience is how long a write of which nobody knows whether it was made is
	// made again: a cluster that lost its leader has a new one by then.
	blobPatience = 20 * time.Second
	blobAttempt  = 5 * time.Second        // the longest wait for one answer
	blobPause    = 100 * time.Millisecond // between attempts
	uploads      = 4                      // chunks on their way at a time
)

// upload writes the chunks, the first one when all the others are there.
func (b *Blobs) upload(ctx context.Context, run string, s *spool) error {
	n := chunks(s.size)
	put := func(ctx context.Context, i int) error {
		data, err := s.chunk(i)
		if err != nil {
			return fmt.Errorf("chunk %d: %w", i, err)
		}
		m := nats.NewMsg(b.subject(run, s.digest, i))
		m.Data = data
		m.Header.Set(headerChunks, strconv.Itoa(n))
		m.Header.Set(headerSize, strconv.FormatInt(s.size, 10))
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
		return b.retry(ctx, func(ctx context.Context) error { return b.putChunk(ctx, m) })
	}
	if err := afterFirst(ctx, n, put); err != nil {
		return err
	}
	return put(ctx, 0)
}

// afterFirst calls f for 1 to n-1, for a few at a time, until one fails.
func afterFirst(ctx context.Context, n int, f func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var last atomic.Int64
	var all sync.WaitGroup
	for range min(uploads, n-1) {
		all.Go(func() {
			for i := int(last.Add(1)); i < n && ctx.Err() == nil; i = int(last.Add(1)) {
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// errInDoubt is a chunk that is there for the server that refused it, and not for
// those that were asked for it.
var errInDoubt = errors.New("refused, and not there")

// putChunk publishes a chunk. If there is one it looks whether it is the same.
func (b *Blobs) putChunk(ctx context.Context, m *nats.Msg) error {
	_, err := b.bus.publishOnce(ctx, m)
	if !isWrongLast(err) {
		return err
	}
	there, err := b.last(ctx, m.Subject)
	if errors.Is(err, engine.ErrNotFound) {
		return errInDoubt
	}
	if err == nil && !bytes.Equal(there.Data, m.Data) {
		return fmt.Errorf("%s: %w", m.Subject, ErrTampered)
	}
	return err
}

// retry calls f until its outcome is known, or too much time has passed.
func (b *Blobs) retry(ctx context.Context, f func(context.Context) error) error {
	end := time.NewTimer(blobPatience)
	defer end.Stop()
	for {
		attempt, cancel := context.WithTimeout(ctx, blobAttempt)
		err := f(attempt)
		cancel()
		if ctx.Err() != nil && err != nil {
			return ctx.Err()
		}
		if !unanswered(err) && !errors.Is(err, errInDoubt) {
			return translate(err)
		}
		select {
		case <-end.C:
			return fmt.Errorf("%w for %s: %w", ErrUnreachable, blobPatience, err)
		case <-time.After(blobPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
