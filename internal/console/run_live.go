package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// Times of a stream.
const (
	liveEvery = 250 * time.Millisecond // at most that often something is told
	liveBeat  = 15 * time.Second       // so often at least, for proxies
	liveWrite = 30 * time.Second       // that a browser may take nothing
	liveRetry = 3 * time.Second        // the browser asks again, if the stream ended before the run
)

// runLive is a stream of server-sent events for a page of a run: "change" when it is
// to be fetched anew, "log" with new lines as HTML, "end" when nothing follows. Who
// reads slowly is told less often; nothing piles up.
func (c *Console) runLive(w http.ResponseWriter, r *http.Request, _ who) error {
	after, log := positions(r)
	s := &stream{console: c, w: w, control: http.NewResponseController(w), run: r.PathValue("run"), after: after, log: log, task: r.URL.Query().Get("task")}
	s.wantsLog = r.URL.Query().Has("log")
	s.allowed = func() bool {
		by, ok := c.caller(r)
		return ok && by.Role.May(ops.RoleViewer)
	}
	place, err := c.Service.Runs.Place(r.Context(), s.run)
	if err != nil {
		return err
	}
	story, err := c.Service.Runs.Show(r.Context(), s.run) // what happens from here on is told behind the place
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	s.send("retry: %d\n\n", liveRetry.Milliseconds())
	if last := lastOf(story); last != after { // since the page
		s.after = last
		s.event("change", "")
	}
	s.follow(r.Context(), place)
	return nil
}

// lastOf is the sequence of the last event of a run.
func lastOf(s control.Story) (last uint64) {
	for _, n := range s.Timeline {
		last = max(last, n.Seq)
	}
	return last
}

// positions are the sequences in journal and log after which a stream goes on: those
// of the last event that the browser had, else of its page.
func positions(r *http.Request) (after, log uint64) {
	id := r.Header.Get("Last-Event-ID")
	journal, lines, both := strings.Cut(id, ".")
	if !both {
		journal, lines = r.URL.Query().Get("after"), r.URL.Query().Get("log")
	}
	after, _ = strconv.ParseUint(journal, 10, 64) // else from the beginning
	log, _ = strconv.ParseUint(lines, 10, 64)
	return after, log
}

// stream is one that a browser reads.
type stream struct {
	console  *Console
	w        http.ResponseWriter
	control  *http.ResponseController
	run      string
	task     string // whose lines alone; "" are all
	wantsLog bool
	allowed  func() bool // who reads it still has a token
	log      uint64
	err      error // of writing

	mu    sync.Mutex // guards what follows
	after uint64
	moved bool // the run has
	wrote bool // tasks have logged
}

// note takes what has happened; it does not block.
func (s *stream) note(n engine.Notice, wake chan<- struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch n.Type {
	case engine.NoticeTaskLog, engine.NoticeTaskProgress:
		s.wrote = true
	default:
		s.moved = true
		s.after = max(s.after, n.Seq)
	}
	select {
	case wake <- struct{}{}:
	default:
	}
}

// follow tells what happens after a place until the run has ended or is paused, or ctx is
// done.
func (s *stream) follow(ctx context.Context, place string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wake := make(chan struct{}, 1)
	type ending struct {
		outcome engine.Outcome
		err     error
	}
	ended := make(chan ending, 1)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	wait.Go(func() {
		o, err := s.console.Service.Runs.Follow(ctx, s.run, place, func(n engine.Notice, _ string) { s.note(n, wake) })
		ended <- ending{o, err}
	})
	s.lines(ctx) // those since the page
	look := time.NewTicker(s.console.Beat)
	defer look.Stop()
	for s.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.console.Beat):
			s.send(": still here\n\n")
		case <-look.C:
			if !s.allowed() {
				return // the browser asks again, and is told to log in
			}
		case <-wake:
			s.tell(ctx)
			select {
			case <-time.After(liveEvery):
			case <-ctx.Done():
				return
			}
		case e := <-ended:
			s.finish(ctx, e.outcome, e.err)
			return
		}
	}
}

// tell tells what is new.
func (s *stream) tell(ctx context.Context) {
	s.mu.Lock()
	moved, wrote := s.moved, s.wrote
	s.moved, s.wrote = false, false
	s.mu.Unlock()
	if wrote {
		s.lines(ctx)
	}
	if moved {
		s.event("change", "")
	}
}

// finish tells the last of it: a run that has ended needs no stream any more, one that
// is paused goes on when somebody has it go on, and then the browser has asked again.
func (s *stream) finish(ctx context.Context, o engine.Outcome, err error) {
	s.mu.Lock()
	moved := s.moved || err != nil
	s.mu.Unlock()
	s.lines(ctx)
	switch {
	case err == nil && o.Status != engine.StatusPaused && o.Status != engine.StatusRunning && o.Status != engine.StatusPending:
		if s.wantsLog { // the last lines come behind the end
			select {
			case <-time.After(liveEvery):
			case <-ctx.Done():
			}
			s.lines(ctx)
		}
		s.event("end", "")
	case moved:
		s.event("change", "")
	}
}

// lines tells the lines that were logged since the last that were told.
func (s *stream) lines(ctx context.Context) {
	if !s.wantsLog {
		return
	}
	lines, last, _, err := s.console.logsAfter(ctx, s.run, s.log, s.task)
	if err != nil || len(lines) == 0 {
		return // the next look may find them
	}
	var html bytes.Buffer
	for _, l := range lines {
		if err := templates()["run_logs"].ExecuteTemplate(&html, "line", l); err != nil {
			s.console.Log.ErrorContext(ctx, "render a line", "err", err)
			return
		}
	}
	s.log = last
	s.event("log", html.String())
}

// event sends one, under the place up to which the browser has now been told.
func (s *stream) event(name, data string) {
	s.mu.Lock()
	after := s.after
	s.mu.Unlock()
	s.send("id: %d.%d\nevent: %s\ndata: %s\n\n", after, s.log, name, breaks.Replace(data))
}

// breaks has each line of an event's data say that it is one.
var breaks = strings.NewReplacer("\r\n", "\ndata: ", "\n", "\ndata: ", "\r", "\ndata: ")

// send writes. Who takes nothing for a while is given up.
func (s *stream) send(format string, args ...any) {
	_ = s.control.SetWriteDeadline(time.Now().Add(liveWrite)) // where there is none, none is in the way
	if _, err := fmt.Fprintf(s.w, format, args...); err != nil {
		s.err = err
		return
	}
	s.err = s.control.Flush()
}
