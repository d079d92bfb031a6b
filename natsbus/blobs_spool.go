package natsbus

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// A spool holds a blob while its digest is computed, before any of it is sent: what
// cannot be read to its end leaves nothing. Up to wholeBytes are in memory.
type spool struct {
	io.ReaderAt
	digest string // hex
	size   int64
	memory []byte   // all of it, or
	file   *os.File // all of it
}

func newSpool(ctx context.Context, r io.Reader) (*spool, error) {
	sum := sha256.New()
	in := io.TeeReader(untilDone{ctx.Err, r}, sum)
	var head bytes.Buffer
	size, err := head.ReadFrom(io.LimitReader(in, wholeBytes+1))
	if err != nil {
		return nil, err
	}
	s := &spool{ReaderAt: bytes.NewReader(head.Bytes()), size: size, memory: head.Bytes()}
	if size > wholeBytes {
		if s, err = spoolFile(io.MultiReader(&head, in)); err != nil {
			return nil, err
		}
	}
	s.digest = hex.EncodeToString(sum.Sum(nil))
	return s, nil
}

// spoolFile copies r to a temporary file.
func spoolFile(r io.Reader) (*spool, error) {
	f, err := os.CreateTemp("", "graflow-blob-")
	if err != nil {
		return nil, err
	}
	s := &spool{ReaderAt: f, file: f}
	if s.size, err = io.Copy(f, r); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close drops the file. It is temporary: that it stays is no reason to fail.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}

// chunk reads a chunk.
func (s *spool) chunk(i int) ([]byte, error) {
	data := make([]byte, chunkLen(s.size, i))
	n, err := s.ReadAt(data, int64(i)*chunkBytes)
	if n == len(data) || errors.Is(err, io.EOF) && n == len(data) {
		return data, nil
	}
	return nil, err
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
