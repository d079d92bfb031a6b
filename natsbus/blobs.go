package natsbus

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// ErrTampered is a blob that is not what was put; it is [engine.ErrUnreadable], too.
var ErrTampered = fmt.Errorf("not what was put: %w", engine.ErrUnreadable)

const (
	digestPrefix = "sha256:"
	// chunkBytes is what one message holds of a blob. Half of what servers take
	// leaves others their turn.
	chunkBytes = 512 << 10
	// blobCacheBytes is what a process keeps of the blobs that it read or put.
	blobCacheBytes = 32 << 20
	// wholeBytes is the most that is kept, and checked, whole: what is larger goes
	// through a file when it is put, and is checked while it is read.
	wholeBytes = 8 << 20
)

// Blobs keep large values in chunks, a message each, under the digest of the whole.
// The first chunk is written last: with it a blob is there. Chunks are never written
// twice, so what a Put that failed left is what the next one goes on with, and ends
// with the run. It is safe for concurrent use.
type Blobs struct {
	bus   *Bus
	cache *blobCache
}

var _ engine.Blobs = (*Blobs)(nil)

func newBlobs(b *Bus) *Blobs { return &Blobs{bus: b, cache: newBlobCache(blobCacheBytes)} }

// blobStream keeps the first that is written to a subject, and refuses the rest.
func blobStream(cfg Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 streamBlobs,
		Description:          "values by content",
		Subjects:             []string{"gf.blob.>"},
		Storage:              jetstream.FileStorage,
		Replicas:             cfg.Replicas,
		Discard:              jetstream.DiscardNew,
		MaxMsgsPerSubject:    1,
		DiscardNewPerSubject: true,
		AllowDirect:          true,
	}
}

// Put implements [engine.Blobs]. It holds at most a few MiB of what r holds; more
// goes through a temporary file.
func (b *Blobs) Put(ctx context.Context, run string, r io.Reader) (digest string, size int64, err error) {
	s, err := newSpool(ctx, r)
	if err != nil {
		return "", 0, fmt.Errorf("store blob of run %q: %w", run, err)
	}
	defer s.close()
	if err := b.upload(ctx, run, s); err != nil {
		return "", 0, fmt.Errorf("store blob %s of run %q: %w", s.digest, run, err)
	}
	if s.file == nil {
		b.cache.add(run, s.digest, s.memory)
	}
	return digestPrefix + s.digest, s.size, nil
}

// Open implements [engine.Blobs]. What is not what was put is ErrTampered: of a
// blob of at most 8 MiB here, of a larger one from the reader in place of io.EOF.
// The reader needs ctx.
func (b *Blobs) Open(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	name, ok := digestName(digest)
	if !ok {
		return nil, fmt.Errorf("blob %q of run %q: no digest: %w", digest, run, engine.ErrNotFound)
	}
	if data, ok := b.cache.find(run, name); ok {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	r, err := b.open(ctx, run, name)
	if err != nil {
		return nil, fmt.Errorf("blob %s of run %q: %w", digest, run, err)
	}
	return r, nil
}

func (b *Blobs) open(ctx context.Context, run, name string) (io.ReadCloser, error) {
	r, err := b.newReader(ctx, run, name)
	if err != nil || r.size > wholeBytes {
		return r, err
	}
	data := make([]byte, 0, r.size+bytes.MinRead) // ReadFrom wants some room to see the end
	whole := bytes.NewBuffer(data)
	if _, err := whole.ReadFrom(r); err != nil {
		return nil, err
	}
	b.cache.add(run, name, whole.Bytes())
	return io.NopCloser(whole), nil
}

// Forget implements [engine.Blobs]. Another process may have some in memory for a
// while.
func (b *Blobs) Forget(ctx context.Context, run string) error {
	b.cache.forget(run)
	err := b.retry(ctx, func(ctx context.Context) error {
		stream, err := b.bus.openStream(ctx, streamBlobs)
		if err != nil {
			return err
		}
		return stream.Purge(ctx, jetstream.WithPurgeSubject(b.prefix(run)+">"))
	})
	if err != nil {
		return fmt.Errorf("forget blobs of run %q: %w", run, err)
	}
	return nil
}

// prefix is what the subjects of a run's blobs begin with.
func (b *Blobs) prefix(run string) string {
	return "gf.blob." + token(b.bus.cfg.Namespace) + "." + token(run) + "."
}

func (b *Blobs) subject(run, name string, chunk int) string {
	return b.prefix(run) + name + "." + strconv.Itoa(chunk)
}

// chunks is how many a blob has: an empty one has one.
func chunks(size int64) int { return max(1, int((size+chunkBytes-1)/chunkBytes)) }

// chunkLen is the length of a chunk of a blob.
func chunkLen(size int64, chunk int) int {
	return int(min(chunkBytes, size-int64(chunk)*chunkBytes))
}

// digestName is the hex part of a digest.
func digestName(digest string) (string, bool) {
	name, ok := strings.CutPrefix(digest, digestPrefix)
	raw, err := hex.DecodeString(name)
	return name, ok && err == nil && len(raw) == 32 && strings.ToLower(name) == name
}
