package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Media types.
const (
	mediaJSON  = "application/json"
	mediaYAML  = "application/yaml"
	mediaWasm  = "application/wasm"
	mediaBytes = "application/octet-stream"
)

// taken are the media types that are taken for another.
var taken = map[string][]string{
	mediaJSON:  {mediaJSON},
	mediaYAML:  {mediaYAML, "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain", mediaJSON, mediaBytes},
	mediaWasm:  {mediaWasm, mediaBytes},
	mediaBytes: {mediaBytes, "text/plain"},
}

// body says what an operation reads.
type body struct {
	media    string
	limit    int64 // in bytes
	what     string
	optional bool
	example  any // of JSON, or a string
}

// payload is a body that the operation reads as it is.
type payload struct{ bytes []byte }

// Resolve implements huma.Resolver: it takes what was read.
func (p *payload) Resolve(ctx huma.Context) []error {
	if whole, ok := ctx.BodyReader().(*whole); ok {
		p.bytes = whole.bytes
	}
	return nil
}

// whole is a body that was read.
type whole struct {
	*bytes.Reader

	bytes []byte
}

func (*whole) Close() error { return nil }

// slowest is how many bytes of a body are to come a second, at least.
const slowest = 64 << 10

// read reads the body of an operation that has one, whole and within bounds, before
// anything looks at it; huma reads from memory then.
func (s *Server) read(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	b, ok := s.bodies[ctx.Operation().OperationID]
	if !ok {
		r.Body = http.NoBody // net/http throws away what nobody wants
		next(ctx)
		return
	}
	if b.limit > large {
		release, err := s.uploads.take(r.Context())
		if err != nil {
			asProblem(r.Context(), err).write(w, r)
			return
		}
		defer release()
	}
	if p := b.take(w, r, s.cfg.BodyTime); p != nil {
		p.write(w, r)
		return
	}
	next(ctx)
}

// take reads the body, and puts what was read in its place.
func (b *body) take(w http.ResponseWriter, r *http.Request, within time.Duration) *Problem {
	if p := b.fits(r); p != nil {
		return p
	}
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(within + time.Duration(b.limit/slowest)*time.Second)) // not all writers have one
	var read bytes.Buffer
	if r.ContentLength > 0 {
		read.Grow(int(min(r.ContentLength, 1<<20)))
	}
	_, err := io.Copy(&read, http.MaxBytesReader(w, r.Body, b.limit))
	if err == nil { // or else the rest is not waited for, either
		_ = connection.SetReadDeadline(time.Time{})
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return b.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(http.StatusRequestTimeout, "the body came too slowly")
	case err != nil:
		return problem(http.StatusBadRequest, "the body did not come whole")
	case read.Len() == 0 && !b.optional:
		return problem(http.StatusBadRequest, "there is no body: send "+b.what+" as "+b.media)
	}
	r.Body = &whole{bytes.NewReader(read.Bytes()), read.Bytes()}
	return nil
}

// fits looks at what the headers tell of the body.
func (b *body) fits(r *http.Request) *Problem {
	if given := r.Header.Get("Content-Type"); given != "" {
		media, _, err := mime.ParseMediaType(given)
		if json := strings.HasSuffix(media, "+json") && slices.Contains(taken[b.media], mediaJSON); err != nil || !json && !slices.Contains(taken[b.media], media) {
			return problem(http.StatusUnsupportedMediaType, "send "+b.what+" with the header Content-Type: "+b.media)
		}
	}
	r.Header.Set("Content-Type", b.media) // what huma looks for
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return problem(http.StatusUnsupportedMediaType, "send the body without a Content-Encoding")
	}
	if r.ContentLength > b.limit {
		return b.tooLarge()
	}
	return nil
}

func (b *body) tooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is too large: %s may have %s; the operator of the server can raise that", b.what, size(b.limit)))
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}

// places are so many that can be taken at once.
type places chan struct{}

// take waits for a place.
func (p places) take(ctx context.Context) (release func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
