package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/graflow/graflow-wasm/internal/ops"
)

const aboutStream = `Server-sent events:

- ` + "`place`" + `: where it begins, which its id is. With ` + "`after=now`" + ` it comes first.
- ` + "`notice`" + `: what has happened, a Notice. Its id is the place after it.
- ` + "`outcome`" + `: how the run ended, or that it is paused, an Outcome. The stream ends.
- ` + "`lagged`" + `: the client has read too slowly. The stream ends; go on from the last id.
- ` + "`error`" + `: a Problem. The stream ends.

Without ` + "`after`" + ` and Last-Event-ID it begins with the run. A client whose connection broke sends
the last id that it has as Last-Event-ID, as browsers do by themselves: nothing is lost,
and nothing told twice but the starts of attempts. A comment comes when nothing else did
for a while.`

type streamInput struct {
	RunRef

	After string `query:"after" maxLength:"200" doc:"The id of an event: only what comes after it. now: only what happens from now on." example:"now"`
	Last  string `header:"Last-Event-ID" maxLength:"200" doc:"As after, instead of which it counts."`
}

func (s *Server) addStream() {
	add(s, operation{
		id: "follow-run", method: http.MethodGet, path: "/v1/runs/{run}/stream", tag: "runs", missing: s.service.Runs == nil, media: "text/event-stream", long: true,
		summary: "Follow a run", about: aboutStream, faults: []int{404},
	}, s.followRun)
}

func (s *Server) followRun(ctx context.Context, in *streamInput) (*streamed, error) {
	after, place, err := s.beginning(ctx, in) // while there can be another status
	if err != nil {
		return nil, err
	}
	release := s.streams.take(exchangeOf(ctx).name)
	if release == nil {
		return nil, again(http.StatusTooManyRequests, "5", "too many streams are open; close some")
	}
	ctx, cancel := context.WithCancel(ctx)
	f := newFeed(place, s.cfg.Patience, cancel)
	go f.follow(ctx, s.service.Runs, in.Run, after)
	end := func() {
		cancel()
		<-f.done
		release()
	}
	if err := f.begins(); err != nil {
		end()
		return nil, err
	}
	return &streamed{Body: func(ctx huma.Context) {
		defer end()
		r, w := humago.Unwrap(ctx)
		s.stream(w, r, f)
	}}, nil
}

// beginning is where a stream begins; place is that too where the client does not know
// it, else "".
func (s *Server) beginning(ctx context.Context, in *streamInput) (after, place string, err error) {
	after = in.After
	if in.Last != "" {
		after = in.Last
	}
	if after == ops.FollowNew {
		place, err = s.service.Runs.Place(ctx, in.Run)
		return place, place, err
	}
	_, err = s.service.Runs.Events(ctx, in.Run, 0, 1)
	return after, "", err
}

// stream writes events until the run has ended or is paused, the client is gone or
// does not read, or the server closes.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, f *feed) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // proxies pass each event on
	out := &events{w: w, connection: http.NewResponseController(w), patience: s.cfg.Patience}
	out.flush()
	if r.Method == http.MethodHead {
		return
	}
	if f.place != "" {
		out.event("place", f.place, struct{}{})
		out.flush()
	}
	for _, n := range f.first {
		out.notice(n)
	}
	s.pass(out, f, r)
}

// pass passes on what a feed has.
func (s *Server) pass(out *events, f *feed, r *http.Request) {
	heartbeat := time.NewTicker(s.cfg.Heartbeat)
	defer heartbeat.Stop()
	look := time.NewTicker(s.cfg.Heartbeat) // whether it may go on
	defer look.Stop()
	for out.err == nil {
		select {
		case n := <-f.notices:
			out.notice(n)
			for range len(f.notices) {
				out.notice(<-f.notices)
			}
			heartbeat.Reset(s.cfg.Heartbeat)
		case <-heartbeat.C:
			out.write(": still here\n\n")
		case <-look.C:
			if p := s.revoked(exchangeOf(r.Context())); p != nil {
				out.event("error", "", p)
				out.flush()
				return
			}
		case <-f.done:
			for range len(f.notices) {
				out.notice(<-f.notices)
			}
			out.end(f, r)
			return
		case <-s.closing:
			return // the client comes again, where it is up
		}
		out.flush()
	}
}

// revoked is a problem if the token that a stream was opened with is one no more, or
// may no longer follow runs.
func (s *Server) revoked(x *exchange) *Problem {
	role, _, ok := s.cfg.Tokens.holder(x.digest)
	if ok && role.May(roles["follow-run"]) {
		return nil
	}
	return problem(http.StatusUnauthorized, "the token "+x.name+" was taken back")
}

// events writes server-sent events.
type events struct {
	w          http.ResponseWriter
	connection *http.ResponseController
	patience   time.Duration
	err        error // of the connection: nothing more is written
}

func (o *events) write(text string) {
	if o.err == nil {
		_ = o.connection.SetWriteDeadline(time.Now().Add(o.patience)) // not all writers have one
		_, o.err = o.w.Write([]byte(text))
	}
}

func (o *events) flush() {
	if o.err == nil {
		_ = o.connection.SetWriteDeadline(time.Now().Add(o.patience))
		o.err = o.connection.Flush()
	}
}

func (o *events) notice(n placed) { o.event("notice", n.at, n.notice) }

func (o *events) event(name, id string, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		o.err = fmt.Errorf("encode the event %s: %w", name, err)
		return
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	o.write("event: " + name + "\n" + id + "data: " + string(data) + "\n\n")
}

// end tells how a feed has ended.
func (o *events) end(f *feed, r *http.Request) {
	switch {
	case f.lagged:
		o.event("lagged", "", struct{}{})
	case f.err == nil:
		o.event("outcome", "", f.outcome)
	case r.Context().Err() == nil:
		o.event("error", "", asProblem(r.Context(), f.err))
	}
	o.flush()
}
