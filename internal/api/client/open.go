package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

// ErrTampered is the error of bytes that have not the digest that they are to have.
var ErrTampered = errors.New("what was read has another digest")

// open reads what a path of these parts has, whose digest is known. The caller closes
// it.
func (c *Client) open(ctx context.Context, digest string, parts ...string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, ask{method: http.MethodGet, path: at(parts...), accept: "*/*"})
	if err != nil {
		return nil, err
	}
	return &checked{ctx: ctx, c: c, body: resp.Body, sum: sha256.New(), digest: digest}, nil
}

// checked compares what is read with its digest.
type checked struct {
	ctx    context.Context //nolint:containedctx // of the request whose answer it reads
	c      *Client
	body   io.ReadCloser
	sum    hash.Hash
	digest string
}

// Read implements io.Reader.
func (r *checked) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.sum.Write(p[:n])
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, r.c.unreachable(r.ctx, err)
	}
	if got := "sha256:" + hex.EncodeToString(r.sum.Sum(nil)); got != r.digest {
		return n, fmt.Errorf("%w: %s, want %s; try again", ErrTampered, got, r.digest)
	}
	return n, io.EOF
}

// Close implements io.Closer.
func (r *checked) Close() error { return r.body.Close() }
