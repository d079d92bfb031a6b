package statedir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
)

// blobs are the runs' large values, a file each, named by its content.
type blobs struct{ dir *Dir }

var _ engine.Blobs = (*blobs)(nil)

const digestPrefix = "sha256:"

// Put implements engine.Blobs. It returns once the blob is stored.
func (b *blobs) Put(ctx context.Context, run string, r io.Reader) (digest string, size int64, err error) {
	digest, size, err = b.put(ctx, run, r)
	if err != nil {
		return "", 0, fmt.Errorf("store blob of run %q: %w", run, err)
	}
	return digest, size, nil
}

func (b *blobs) put(ctx context.Context, run string, r io.Reader) (digest string, size int64, err error) {
	dir, err := b.folder(run)
	if err != nil {
		return "", 0, err
	}
	tmp := b.dir.tmpName()
	sum := sha256.New()
	size, err = b.write(ctx, tmp, sum, r)
	if err != nil {
		_ = os.Remove(tmp)
		return "", 0, err
	}
	if err := b.dir.makeDir(dir); err != nil {
		_ = os.Remove(tmp)
		return "", 0, err
	}
	name := hex.EncodeToString(sum.Sum(nil))
	return digestPrefix + name, size, b.dir.install(tmp, filepath.Join(dir, name), b.dir.cfg.Sync)
}

// write copies r to a file and to a hash.
func (b *blobs) write(ctx context.Context, name string, sum hash.Hash, r io.Reader) (size int64, err error) {
	f, err := b.dir.files.openAppend(name)
	if err != nil {
		return 0, err
	}
	size, err = io.Copy(io.MultiWriter(f, sum), untilDone{ctx.Err, r})
	if err == nil && b.dir.cfg.Sync != SyncNever {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return size, err
}

// untilDone reads until its context is done.
type untilDone struct {
	done func() error
	io.Reader
}

func (r untilDone) Read(p []byte) (int, error) {
	if err := r.done(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// Open implements engine.Blobs. The reader returns a [*CorruptError] in place of
// io.EOF when what it has read is not what was put.
func (b *blobs) Open(_ context.Context, run, digest string) (io.ReadCloser, error) {
	missing := fmt.Errorf("blob %s of run %q: %w", digest, run, engine.ErrNotFound)
	name, ok := strings.CutPrefix(digest, digestPrefix)
	if _, err := hex.DecodeString(name); err != nil || !ok || len(name) != 2*sha256.Size || strings.ToLower(name) != name {
		return nil, missing
	}
	dir, err := b.folder(run)
	if err != nil {
		return nil, fmt.Errorf("open blob of run %q: %w", run, err)
	}
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, fmt.Errorf("open blob of run %q: %w", run, err)
	}
	return &blobReader{file: f, sum: sha256.New(), want: name}, nil
}

// blobReader checks what it reads.
type blobReader struct {
	file *os.File // not embedded: its WriteTo would pass Read by
	sum  hash.Hash
	read int
	want string
}

// Read implements io.Reader.
func (r *blobReader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	r.sum.Write(p[:n])
	r.read += n
	if errors.Is(err, io.EOF) && hex.EncodeToString(r.sum.Sum(nil)) != r.want {
		return n, corrupt(r.file.Name(), r.read, "its content has another digest than its name")
	}
	return n, err
}

// Close implements io.Closer.
func (r *blobReader) Close() error { return r.file.Close() }

// Forget implements engine.Blobs.
func (b *blobs) Forget(_ context.Context, run string) error {
	dir, err := b.folder(run)
	if err == nil {
		err = b.dir.discard(dir)
	}
	if err != nil {
		return fmt.Errorf("forget blobs of run %q: %w", run, err)
	}
	return nil
}

// folder is where a run's blobs are.
func (b *blobs) folder(run string) (string, error) {
	name := escape(run)
	if len(name) > maxName {
		return "", fmt.Errorf("run %.40q…: its id is too long for a file's name", run)
	}
	if b.dir.runs.isClosed() {
		return "", engine.ErrClosed
	}
	return filepath.Join(b.dir.path, "blobs", name), nil
}
