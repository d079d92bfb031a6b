package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

const (
	// silentFor is how long a stream may say nothing: the server says each 15 s that
	// it is there.
	silentFor = 50 * time.Second
	// reconnects is how often in a row a stream is opened again that brings nothing,
	// the first time after firstPause, then twice as long each time up to longestPause:
	// a minute or so in all, in which a server has been started anew.
	reconnects   = 16
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

var (
	errSilent = errors.New("the stream has gone silent")
	errCut    = errors.New("the stream was cut off")
)

// Follow implements ops.Runs. A stream that is cut off is opened again where it was; if
// that fails for a minute, the error is ops.ErrUnavailable.
func (r runs) Follow(ctx context.Context, run, after string, f func(engine.Notice, string)) (engine.Outcome, error) {
	s := &follower{c: r.c, run: run, after: after, f: f}
	wait := firstPause
	for failed := 0; ; {
		before := s.last
		outcome, err := s.stream(ctx)
		if err == nil {
			return *outcome, nil
		}
		if s.last != before {
			failed, wait = 0, firstPause
		}
		lost := errors.Is(err, ops.ErrUnavailable) && s.opened
		if failed++; !lost || failed > reconnects || ctx.Err() != nil {
			return engine.Outcome{}, err
		}
		if err := r.c.pause(ctx, wait); err != nil {
			return engine.Outcome{}, err
		}
		wait = min(2*wait, longestPause)
	}
}

// Place implements ops.Runs: a stream of what comes begins with it.
func (r runs) Place(ctx context.Context, run string) (string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.c.cfg.Timeout, errSlow)
	defer cancel()
	resp, err := r.c.send(ctx, ask{
		method: http.MethodGet, path: at("runs", run, "stream"), query: url.Values{"after": {ops.FollowNew}}, accept: "text/event-stream",
	})
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() // it was only read
	e, err := newEvents(resp.Body).next()
	switch {
	case err != nil:
		return "", r.c.unreachable(ctx, err)
	case e.name == "error":
		return "", problemIn(e.data)
	case e.name != "place":
		return "", fmt.Errorf("follow run %q: the server does not tell places: it is of an older version", run)
	}
	return e.id, nil
}

// follower is the state of a Follow.
type follower struct {
	c          *Client
	run, after string
	f          func(engine.Notice, string)

	opened bool   // the server has begun to tell
	last   string // the id of the last event; "" is none yet
}

// stream tells what one stream does. The outcome is nil beside an error.
func (s *follower) stream(ctx context.Context) (*engine.Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a := ask{method: http.MethodGet, path: at("runs", s.run, "stream"), accept: "text/event-stream", last: s.last}
	if s.last == "" && s.after != ops.FollowAll {
		a.query = url.Values{"after": {s.after}}
	}
	resp, err := s.c.send(ctx, a)
	if err != nil {
		return nil, err
	}
	s.opened = true
	body := &watched{body: resp.Body, timer: time.AfterFunc(silentFor, func() { cancel(errSilent) })}
	defer body.Close()
	for in := newEvents(body); ; {
		e, err := in.next()
		if err != nil {
			return nil, s.cut(ctx, err)
		}
		outcome, err := s.take(e)
		if outcome != nil || err != nil {
			return outcome, err
		}
	}
}

// cut is the error of a stream that ended without an outcome.
func (s *follower) cut(ctx context.Context, err error) error {
	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return &unanswered{s.c.base, errSilent}
	case errors.Is(err, io.EOF):
		return &unanswered{s.c.base, errCut}
	}
	return s.c.unreachable(ctx, err)
}

// take tells what an event does.
func (s *follower) take(e event) (*engine.Outcome, error) {
	if e.hasID {
		s.last = e.id
	}
	switch e.name {
	case "notice":
		var n engine.Notice
		if err := json.Unmarshal(e.data, &n); err != nil {
			return nil, fmt.Errorf("follow run %q: decode what the server tells: %w", s.run, err)
		}
		s.f(n, s.last)
	case "outcome":
		var o engine.Outcome
		if err := json.Unmarshal(e.data, &o); err != nil {
			return nil, fmt.Errorf("follow run %q: decode how it ended: %w", s.run, err)
		}
		return &o, nil
	case "lagged": // it was read too slowly
		return nil, &unanswered{s.c.base, errCut}
	case "error":
		return nil, problemIn(e.data)
	}
	return nil, nil // of a later version
}

// problemIn is an error in the midst of a stream.
func problemIn(data []byte) error {
	var p struct {
		problem

		Status int `json:"status"`
	}
	if err := json.Unmarshal(data, &p); err != nil || p.Status == 0 {
		return &fault{&control.Error{Status: http.StatusInternalServerError, Message: "the server can't go on to tell: " + string(data)}}
	}
	return p.error(p.Status)
}

// watched reads a stream that may not be silent for long.
type watched struct {
	body  io.ReadCloser
	timer *time.Timer
}

// Read implements io.Reader.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.body.Read(p)
	w.timer.Reset(silentFor)
	return n, err
}

// Close ends it.
func (w *watched) Close() {
	w.timer.Stop()
	_ = w.body.Close() // it was only read
}
