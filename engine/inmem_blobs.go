package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
)

// memBlobs are Blobs in memory. It is safe for concurrent use.
type memBlobs struct {
	mu   sync.Mutex // guards runs
	runs map[string]map[string][]byte
}

var _ Blobs = (*memBlobs)(nil)

func newMemBlobs() *memBlobs { return &memBlobs{runs: map[string]map[string][]byte{}} }

func (b *memBlobs) Put(_ context.Context, run string, r io.Reader) (string, int64, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return "", 0, fmt.Errorf("store blob of run %q: %w", run, err)
	}
	sum := sha256.Sum256(data)
	digest := "sha256:" + hex.EncodeToString(sum[:])
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.runs[run] == nil {
		b.runs[run] = map[string][]byte{}
	}
	b.runs[run][digest] = data
	return digest, int64(len(data)), nil
}

func (b *memBlobs) Open(_ context.Context, run, digest string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.runs[run][digest]
	if !ok {
		return nil, fmt.Errorf("blob %s of run %q: %w", digest, run, ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (b *memBlobs) Forget(_ context.Context, run string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.runs, run)
	return nil
}
