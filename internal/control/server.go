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

// request is what is asked of a Desk; each method reads its own fields.
type request struct {
	Run        string          `json:"run,omitempty"`
	Message    string          `json:"message,omitempty"`
	Name       string          `json:"name,omitempty"` // of a pause
	Value      json.RawMessage `json:"value,omitempty"`
	Task       string          `json:"task,omitempty"`
	Checkpoint string          `json:"checkpoint,omitempty"`
	ID         string          `json:"id,omitempty"`
	Document   []byte          `json:"document,omitempty"`
	Force      bool            `json:"force,omitempty"`
}

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

// call is a method of a Desk.
type call func(ctx context.Context, r request) (answer any, err error)

func (s *Server) routes() http.Handler {
	d := s.desk
	mux := http.NewServeMux()
	for name, f := range map[string]call{
		"ping":    func(context.Context, request) (any, error) { return true, nil },
		"list":    func(ctx context.Context, _ request) (any, error) { return d.List(ctx) },
		"show":    func(ctx context.Context, r request) (any, error) { return d.Show(ctx, r.Run) },
		"events":  func(ctx context.Context, r request) (any, error) { return d.Events(ctx, r.Run) },
		"export":  func(ctx context.Context, r request) (any, error) { return d.Export(ctx, r.Run, r.Checkpoint) },
		"cancel":  func(ctx context.Context, r request) (any, error) { return nil, d.Cancel(ctx, r.Run, r.Message) },
		"hold":    func(ctx context.Context, r request) (any, error) { return nil, d.Hold(ctx, r.Run, r.Message) },
		"resume":  func(ctx context.Context, r request) (any, error) { return id(d.Resume(ctx, r.Run)) },
		"answer":  func(ctx context.Context, r request) (any, error) { return id(d.Answer(ctx, r.Run, r.Name, r.Value)) },
		"fork":    func(ctx context.Context, r request) (any, error) { return id(d.Fork(ctx, r.Run, r.Checkpoint, r.ID)) },
		"restore": func(ctx context.Context, r request) (any, error) { return id(d.Restore(ctx, r.Document, r.ID)) },
		"delete":  func(ctx context.Context, r request) (any, error) { return nil, d.Delete(ctx, r.Run, r.Force) },
		"retry": func(ctx context.Context, r request) (any, error) {
			return id(d.Retry(ctx, r.Run, engine.RetryFrom{Task: r.Task, Input: r.Value}))
		},
	} {
		mux.HandleFunc("POST /"+name, answer(f))
	}
	mux.HandleFunc("POST /follow", s.follow)
	return mux
}

func id(o *engine.Running, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return o.ID(), nil
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
