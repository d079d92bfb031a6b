package api

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// NewHTTPServer makes a server with bounds that keep a slow or silent client from
// holding on to it. Answers have none here: streams go on for as long as somebody
// reads, and operations bound theirs.
func NewHTTPServer(handler http.Handler, logger *slog.Logger) *http.Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &http.Server{
		Handler:           timely(handler, bodyTime),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}

// bodyTime is how long a body may take to come to a handler that sets no deadline for
// it.
const bodyTime = time.Minute

// timely bounds how long a body may take. Also one that the handler does not read:
// net/http waits for it before it answers. A deadline for all of the request would end
// streams.
func timely(next http.Handler, within time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			connection := http.NewResponseController(w)
			_ = connection.SetReadDeadline(time.Now().Add(within)) // not all writers have one
			r.Body = &timed{r.Body, connection}
		}
		next.ServeHTTP(w, r)
	})
}

// timed is a body with a deadline, which is over once it was read.
type timed struct {
	io.ReadCloser

	connection *http.ResponseController
}

func (t *timed) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = t.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
