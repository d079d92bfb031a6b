package oci

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxAnswer bounds all that a registry answers but for blobs: manifests, tokens,
// errors. In bytes; what the OCI distribution specification asks registries to take.
const maxAnswer = 4 << 20

// guard is the way to a registry: it refuses what goes to another machine without TLS,
// wherever a registry sends its client, and bounds what comes back.
type guard struct {
	inner http.RoundTripper
	plain bool // TLS is not wanted
}

// RoundTrip implements http.RoundTripper.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.plain && !isLoopback(r.URL.Host) {
		return nil, fmt.Errorf("%s: %w", r.URL.Host, ErrPlain)
	}
	answer, err := g.inner.RoundTrip(r)
	if err != nil || r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") && answer.StatusCode == http.StatusOK {
		return answer, err // who reads a blob knows its size
	}
	if answer.ContentLength > maxAnswer {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("an answer of %d bytes: %w: at most %d", answer.ContentLength, ErrTooLarge, maxAnswer)
	}
	answer.Body = &bounded{answer.Body, maxAnswer}
	return answer, nil
}

// bounded fails once more was read than may be.
type bounded struct {
	io.ReadCloser

	left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("an answer: %w: at most %d bytes", ErrTooLarge, maxAnswer)
	}
	return n, err
}
