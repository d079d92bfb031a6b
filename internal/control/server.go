package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// line is one of a stream: a notice, or how it ended.
type line struct {
	Notice  *engine.Notice  `json:"notice,omitempty"`
	Outcome *engine.Outcome `json:"outcome,omitempty"`
	Error   *Error          `json:"error,omitempty"`
}

// Server answers the Clients of other processes from a Desk.
type Server struct {
	desk   *Desk
	http   *http.Server
	served chan struct{}
}

// Serve answers on l until Close.
func Serve(l net.Listener, d *Desk) *Server {
	s := &Server{desk: d, served: make(chan struct{})}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l) // ends by Close; whoever can't reach it says so
	}()
	return s
}

// Close ends the server. Who follows a run is told how it stands first, within a
// second.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // what is left is cut
	}
	<-s.served
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for name, f := range s.desk.methods() {
		mux.HandleFunc("POST /"+name, answer(f))
	}
	mux.HandleFunc("POST /follow", s.follow)
	mux.HandleFunc("POST /file", s.file)
	return mux
}

// answer decodes a request, and encodes what a call returns.
func answer(f call) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var asked request
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			refuse(w, &Error{http.StatusBadRequest, "decode the request: " + err.Error()})
			return
		}
		got, err := f(context.WithoutCancel(r.Context()), asked) // what was begun is done, also if who asked has gone
		if err != nil {
			refuse(w, err)
			return
		}
		_ = json.NewEncoder(w).Encode(got) // who asked may have gone
	}
}

func refuse(w http.ResponseWriter, err error) {
	e := asError(err)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(e) // likewise
}

func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Status(err), err.Error()}
}

// follow streams what [Desk.Follow] tells, a JSON value a line.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	var asked request
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		refuse(w, &Error{http.StatusBadRequest, "decode the request: " + err.Error()})
		return
	}
	out := json.NewEncoder(w)
	rc := http.NewResponseController(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	outcome, err := s.desk.Follow(ctx, asked.Run, func(n engine.Notice) {
		if out.Encode(line{Notice: &n}) != nil || rc.Flush() != nil {
			cancel() // nobody reads it any more
		}
	})
	last := line{Outcome: &outcome}
	if err != nil {
		last = line{Error: asError(err)}
	}
	_ = out.Encode(last) // who asked may have gone
}
