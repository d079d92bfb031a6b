package natsbus

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// staleWaits is how long to wait for a replica that may be behind, which answers
// for the others, to have what the first that was asked had not.
var staleWaits = []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, 250 * time.Millisecond}

// blobReader reads a blob chunk by chunk, and checks it.
type blobReader struct {
	fetch func(chunk int) ([]byte, error)
	size  int64
	name  string // the digest that it must have
	sum   hash.Hash
	next  int // chunk
	data  []byte
}

// newReader reads the first chunk, which tells how many there are.
func (b *Blobs) newReader(ctx context.Context, run, name string) (*blobReader, error) {
	first, err := b.chunk(ctx, run, name, 0)
	if err != nil {
		return nil, err
	}
	size, err := strconv.ParseInt(first.Header.Get(headerSize), 10, 64)
	if err != nil || size < 0 || first.Header.Get(headerChunks) != strconv.Itoa(chunks(size)) {
		return nil, fmt.Errorf("its headers: %w", ErrTampered)
	}
	r := &blobReader{size: size, name: name, sum: sha256.New()}
	r.fetch = func(chunk int) ([]byte, error) {
		m, err := b.chunk(ctx, run, name, chunk)
		if errors.Is(err, engine.ErrNotFound) {
			return nil, fmt.Errorf("chunk %d of %d is not there: %w", chunk, chunks(size), ErrTampered)
		}
		if err != nil {
			return nil, fmt.Errorf("chunk %d of %d: %w", chunk, chunks(size), err)
		}
		return m.Data, nil
	}
	return r, r.take(first.Data)
}

// take is the next chunk.
func (r *blobReader) take(data []byte) error {
	if len(data) != chunkLen(r.size, r.next) {
		return fmt.Errorf("chunk %d of %d bytes: %w", r.next, len(data), ErrTampered)
	}
	r.data = data
	r.next++
	r.sum.Write(data)
	return nil
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 && r.next == chunks(r.size) {
		if hex.EncodeToString(r.sum.Sum(nil)) != r.name {
			return 0, fmt.Errorf("its digest: %w", ErrTampered)
		}
		return 0, io.EOF
	}
	if len(r.data) == 0 {
		data, err := r.fetch(r.next)
		if err == nil {
			err = r.take(data)
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// Close implements io.Closer.
func (r *blobReader) Close() error { return nil }

// chunk reads a chunk from any replica.
func (b *Blobs) chunk(ctx context.Context, run, name string, chunk int) (m *nats.Msg, err error) {
	err = b.retry(ctx, func(ctx context.Context) error {
		m, err = b.last(ctx, b.subject(run, name, chunk))
		return err
	})
	return m, err
}

// last is the message of a subject. One that no replica seems to have is
// engine.ErrNotFound.
func (b *Blobs) last(ctx context.Context, subject string) (*nats.Msg, error) {
	for _, wait := range staleWaits {
		m, err := b.direct(ctx, subject)
		if !errors.Is(err, engine.ErrNotFound) {
			return m, err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return b.direct(ctx, subject)
}

// direct asks one replica. The subject is part of what is asked on, so that a user
// may be allowed some alone.
func (b *Blobs) direct(ctx context.Context, subject string) (*nats.Msg, error) {
	m, err := b.bus.request(ctx, &nats.Msg{Subject: apiPrefix + "DIRECT.GET." + streamBlobs + "." + subject})
	if err != nil {
		return nil, err
	}
	switch status := m.Header.Get("Status"); status {
	case "":
		return m, nil
	case "404":
		return nil, engine.ErrNotFound
	default:
		return nil, fmt.Errorf("read %s: status %s %s", subject, status, m.Header.Get("Description"))
	}
}
