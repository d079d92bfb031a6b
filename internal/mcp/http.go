package mcp

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// HTTP configures serving by streamable HTTP.
type HTTP struct {
	// Token is what clients send as `Authorization: Bearer …`. Empty: none is asked
	// for, which is for loopback addresses alone.
	Token string
	// Idle is how long a client may be silent before what is kept for it goes. 0: 30
	// minutes.
	Idle time.Duration
}

// readFor is how long a request may take to arrive.
const readFor = 30 * time.Second

// Handler serves clients by streamable HTTP, on any path. A request from a page of
// another origin is refused, and so is one by a name that is not of this machine if it
// comes on a loopback address: what a browser is made to send by DNS rebinding.
func (s *Server) Handler(config HTTP) http.Handler {
	if config.Idle == 0 {
		config.Idle = 30 * time.Minute
	}
	streamable := protocol.NewStreamableHTTPHandler(
		func(*http.Request) *protocol.Server { return s.protocol },
		&protocol.StreamableHTTPOptions{SessionTimeout: config.Idle, MaxRequestBodyBytes: maxMessage})
	handler := sameOrigin(authorized(config.Token, s.admitted(bounded(streamable))))
	return http.NewCrossOriginProtection().Handler(handler)
}

// sameOrigin refuses what a page of another origin sends, reading included.
func sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, origin := range r.Header.Values("Origin") {
			if u, err := url.Parse(origin); err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
				http.Error(w, "requests from pages of other origins are refused", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// authorized asks for a token. Comparing takes the same time whatever was sent.
func authorized(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="graflow-wasm"`)
			http.Error(w, "give the token of this server: Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sessionHeader names the client of a request.
const sessionHeader = "Mcp-Session-Id"

// admitted bounds how many clients there are, and stops the calls of one who leaves.
func (s *Server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(sessionHeader)
		if id == "" && r.Method == http.MethodPost && s.full() {
			w.Header().Set("Retry-After", "30")
			http.Error(w, "too many clients are connected", http.StatusServiceUnavailable)
			return
		}
		if id != "" && r.Method == http.MethodDelete {
			s.hangUp(id)
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) full() bool {
	n := 0
	for range s.protocol.Sessions() {
		n++
	}
	return n >= s.config.Clients
}

// bounded reads a request's body whole, of bounded length and in bounded time: what
// streams answers can't have a deadline for the whole request.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return
		}
		connection := http.NewResponseController(w)
		_ = connection.SetReadDeadline(time.Now().Add(readFor)) // not all writers have one
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMessage))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			http.Error(w, "the message is too long", http.StatusRequestEntityTooLarge)
			return
		}
		if err != nil {
			http.Error(w, "the request did not arrive whole", http.StatusBadRequest)
			return
		}
		_ = connection.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}
