package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// exchange is what is known of a request and its answer, for the log. One goroutine
// has it.
type exchange struct {
	id        string // of the request
	role      ops.Role
	name      string // of the token
	digest    [sha256.Size]byte
	operation string // its id
	fault     error  // that only the log is told
}

type exchangeKey struct{}

// exchangeOf is that of the request that ctx is of.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// requestID names requests, in both directions.
const requestID = "X-Request-Id"

// header is that of every answer: nothing is kept, and no page does anything with it.
var header = map[string]string{
	"Cache-Control":                "no-store",
	"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'; sandbox",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "no-referrer",
	"X-Content-Type-Options":       "nosniff",
}

// framed wraps everything: it names and logs each request, and answers for those
// whose handlers panic.
func (s *Server) framed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		x := &exchange{id: idOf(r)}
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		seen := &answer{ResponseWriter: w}
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.Header().Set(requestID, x.id)
		if r.ContentLength != 0 { // before an answer net/http reads what is left of a body
			_ = http.NewResponseController(w).SetReadDeadline(started.Add(s.cfg.BodyTime)) // not all writers have one
		}
		defer func() {
			abort := s.caught(recover(), seen, r, x)
			s.log(r, seen, x, time.Since(started))
			if abort {
				panic(http.ErrAbortHandler) // the client sees that the answer is not whole
			}
		}()
		next(seen, r)
	}
}

// caught answers for a handler that panicked. It tells whether the connection is to
// be broken off.
func (s *Server) caught(thrown any, w *answer, r *http.Request, x *exchange) (abort bool) {
	switch thrown {
	case nil:
		return false
	case http.ErrAbortHandler: // which net/http throws as it is
		return true
	}
	s.cfg.Logger.ErrorContext(r.Context(), "panic in a request", "request", x.id, "operation", x.operation,
		"err", fmt.Sprint(thrown), "stack", string(debug.Stack()))
	if w.status != 0 {
		return true
	}
	problem(http.StatusInternalServerError, hidden).write(w, r)
	return false
}

// log tells of an exchange. Nothing of it is secret: a token by its name, no query, no
// bodies.
func (s *Server) log(r *http.Request, w *answer, x *exchange, took time.Duration) {
	s.cfg.Observe(Answered{Operation: x.operation, Status: w.status, Took: took})
	level := slog.LevelInfo
	about := []any{
		"request", x.id, "method", r.Method, "path", r.URL.EscapedPath(), "operation", x.operation, "status", w.status,
		"bytes", w.bytes, "took", took, "token", x.name, "remote", r.RemoteAddr,
	}
	if x.fault != nil {
		level = slog.LevelError
		about = append(about, "err", x.fault)
	}
	s.cfg.Logger.Log(r.Context(), level, "request", about...)
}

// idOf is the id that a client or a proxy gave the request, if it is one, else a new
// one.
func idOf(r *http.Request) string {
	id := r.Header.Get(requestID)
	fits := 0 < len(id) && len(id) <= 64
	for i := 0; i < len(id) && fits; i++ {
		c := id[i]
		fits = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
	}
	if fits {
		return id
	}
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}

// answer notes what is answered.
type answer struct {
	http.ResponseWriter

	status int // 0: nothing yet
	bytes  int64
}

// Unwrap has http.ResponseController find the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(p)
	a.bytes += int64(n)
	return n, err
}
