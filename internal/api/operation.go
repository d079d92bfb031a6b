package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// operation is what can be asked.
type operation struct {
	id, method, path string
	tag              string
	summary          string // a few words
	about            string // all that there is to know, Markdown
	status           int    // of success; 0 is 200, or 204 without a body
	also             int    // another one of success
	media            string // of the answer, if it is not JSON
	body             *body
	example          any   // of the answer
	faults           []int // statuses beside those that all have
	missing          bool  // the service has not the part that it asks
	long             bool  // it has no timeout: it streams, or bounds itself
}

// add adds an operation. Those of input that are not in the path are optional.
func add[I, O any](s *Server, o operation, f func(context.Context, *I) (*O, error)) {
	if !roles[o.id].Valid() {
		panic("api: no role in roles for " + o.id)
	}
	h := huma.Operation{
		OperationID: o.id, Method: o.method, Path: o.path, Tags: []string{o.tag}, Summary: o.summary, Description: o.about,
		DefaultStatus: o.status, MaxBodyBytes: -1, BodyReadTimeout: time.Hour, // read has seen to both
		Extensions: map[string]any{"x-role": string(roles[o.id])},
		Responses:  map[string]*huma.Response{},
	}
	if o.media != "" {
		h.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{o.media: {Schema: schemaOf(o.media)}}}
	}
	if o.body != nil {
		s.bodies[o.id] = o.body
	}
	huma.Register(s.api, h, func(ctx context.Context, in *I) (*O, error) {
		if o.missing {
			return nil, asProblem(ctx, problem(http.StatusNotImplemented, "this server has none of that: "+o.tag))
		}
		if !o.long {
			bounded, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
			defer cancel()
			ctx = bounded
		}
		out, err := f(ctx, in)
		if err != nil {
			return nil, asProblem(ctx, err)
		}
		return out, nil
	})
	s.document(&o)
}

// commonFaults are the statuses that every operation may answer with.
var commonFaults = []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusNotImplemented, http.StatusServiceUnavailable}

// faultsOf are the statuses with which an operation may answer otherwise.
func (o *operation) faultsOf() []int {
	all := slices.Concat(commonFaults, o.faults)
	if o.body != nil {
		all = append(all, http.StatusBadRequest, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if !o.long {
		all = append(all, http.StatusGatewayTimeout)
	}
	return all
}

// noContent is the output of operations that tell nothing.
type noContent struct{}

// streamed is the output of operations that write as they read.
type streamed struct{ Body func(huma.Context) }

// chunk is how much of a file is written at once, and must be read by the client
// within a minute.
const chunk = 256 << 10

// download is an output that copies from a reader, which it closes.
func download(media string, from io.ReadCloser) *streamed {
	return &streamed{Body: func(ctx huma.Context) {
		defer func() { _ = from.Close() }() // it was read only
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Content-Type", media)
		w.Header().Set("Content-Disposition", "attachment")
		connection := http.NewResponseController(w)
		for {
			_ = connection.SetWriteDeadline(time.Now().Add(time.Minute)) // not all writers have one
			_, err := io.CopyN(w, from, chunk)
			if err == io.EOF { //nolint:errorlint // CopyN returns it as it is
				return
			}
			if err != nil {
				exchangeOf(r.Context()).fault = fmt.Errorf("copy to the client: %w", err)
				panic(http.ErrAbortHandler) // the client sees that it is not whole
			}
		}
	}}
}
