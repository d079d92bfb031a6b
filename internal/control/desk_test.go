package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/control"
)

// store is a backend that several engines use, one after another, as processes do.
type store struct {
	backend *engine.Backend
	journal *listing
}

// listing is a journal that knows its runs.
type listing struct {
	engine.Journal

	mu   sync.Mutex // guards runs
	runs map[string]bool
}

func (l *listing) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	l.mu.Lock()
	l.runs[run] = true
	l.mu.Unlock()
	return l.Journal.Append(ctx, run, chain, expect, e)
}

func (l *listing) Forget(ctx context.Context, run string) error {
	l.mu.Lock()
	delete(l.runs, run)
	l.mu.Unlock()
	return l.Journal.Forget(ctx, run)
}

func (l *listing) list(context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.runs)), nil
}

func newStore() *store {
	s := &store{backend: engine.InMemory()}
	s.journal = &listing{Journal: s.backend.Journal, runs: map[string]bool{}}
	s.backend.Journal = s.journal
	return s
}

// process is an engine over a store with a desk, and what its tasks do.
type process struct {
	*control.Desk

	engine *engine.Engine
	graph  *engine.Graph
	begun  chan string // tasks that have begun to wait
	free   chan struct{}

	release func() // closes free
	ended   bool   // in the midst of its runs
}

// start starts a process. Its graph is first >> gate >> wait: gate asks for an
// answer, wait blocks until release is called, also when it is
// stopped.
func (s *store) start(t *testing.T) *process {
	t.Helper()
	p := &process{begun: make(chan string, 8), free: make(chan struct{})}
	h := direct.New()
	first := direct.Func(h, "first", func(*direct.Context, any) (int, error) { return 1, nil })
	gate := direct.Func(h, "gate", func(c *direct.Context, _ any) (any, error) {
		var answer any
		err := c.Pause(engine.Pause{Name: "ok", Message: "well?", Schema: json.RawMessage(`{}`)}, &answer)
		return answer, err
	})
	wait := direct.Func(h, "wait", func(c *direct.Context, in any) (any, error) {
		p.begun <- c.Call.Activation
		<-p.free
		return in, nil
	})
	p.release = sync.OnceFunc(func() { close(p.free) })
	var err error
	if p.graph, err = engine.NewGraph("three", engine.Seq(first, gate, wait)); err != nil {
		t.Fatal(err)
	}
	hub := &control.Hub{}
	p.engine, err = engine.New(engine.Config{
		Handlers: map[string]engine.Handler{"direct": h}, Backend: s.backend, Retain: true, Observe: hub.Observe,
		CheckSchema: func(_, answer json.RawMessage) error {
			if string(answer) == "false" {
				return errors.New("want no false")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Desk = control.NewDesk(control.Config{
		Engine: p.engine, Hub: hub, Journal: s.journal, Runs: s.journal.list,
		Remove: func(ctx context.Context, run string) error { return s.journal.Forget(ctx, run) },
	})
	t.Cleanup(func() {
		p.release()
		if !p.ended {
			_, _ = p.Settle(context.Background()) // they were canceled
		}
		p.engine.Close()
	})
	return p
}

func (p *process) begin(t *testing.T, run string) {
	t.Helper()
	o, err := p.engine.Start(t.Context(), p.graph, engine.Start{ID: run, Input: json.RawMessage(`7`)})
	if err != nil {
		t.Fatal(err)
	}
	p.Keep(o)
}

func (p *process) status(t *testing.T, run string) engine.Status {
	t.Helper()
	s, err := p.Show(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	return s.Status
}

func check(t *testing.T, deed string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", deed, err)
	}
}

// want wants an error of a kind, and of the status that the kind has.
func want(t *testing.T, deed string, err, kind error, status int) {
	t.Helper()
	if !errors.Is(err, kind) || control.Status(err) != status {
		t.Errorf("%s: got %v, status %d; want %v, status %d", deed, err, control.Status(err), kind, status)
	}
}

func TestLifeOfARun(t *testing.T) {
	t.Parallel()
	s := newStore()
	p := s.start(t)
	ctx := t.Context()
	p.begin(t, "r")
	p.settle(t)
	story, err := p.Show(ctx, "r")
	check(t, "show", err)
	if story.Status != engine.StatusPaused || !story.Driven || len(story.Pauses) != 1 || story.Pauses[0].Message != "well?" || story.Pauses[0].Since.IsZero() {
		t.Errorf("got %+v, want it paused at ok, and driven", story)
	}
	_, err = p.Answer(ctx, "r", "ok", json.RawMessage(`false`))
	want(t, "a wrong answer", err, engine.ErrInvalidAnswer, http.StatusUnprocessableEntity)
	_, err = p.Answer(ctx, "r", "other", nil)
	want(t, "an answer to nothing", err, engine.ErrNoPause, http.StatusNotFound)
	_, err = p.Resume(ctx, "r")
	want(t, "resume what goes on", err, control.ErrDriven, http.StatusConflict)
	_, err = p.Retry(ctx, "r", engine.RetryFrom{})
	want(t, "retry what goes on", err, engine.ErrNotRetryable, http.StatusConflict)
	want(t, "remove what goes on", p.Delete(ctx, "r", false), control.ErrUnfinished, http.StatusConflict)
	_, err = p.Answer(ctx, "r", "ok", json.RawMessage(`true`))
	check(t, "answer", err)
	<-p.begun
	_, err = p.Answer(ctx, "r", "ok", json.RawMessage(`true`))
	want(t, "a second answer", err, engine.ErrAnswered, http.StatusConflict)
	p.release()
	p.settle(t)
	story, err = p.Show(ctx, "r")
	check(t, "show", err)
	if story.Status != engine.StatusSucceeded || story.Driven || string(story.Output) != "true" || len(story.Tasks) != 3 || story.Tasks[1].Attempts != 1 || story.Tasks[1].Started.IsZero() {
		t.Errorf("got %+v, want it succeeded with true, and three tasks that have begun", story)
	}
	want(t, "cancel what has ended", p.Cancel(ctx, "r", ""), engine.ErrFinished, http.StatusConflict)
	want(t, "hold what has ended", p.Hold(ctx, "r", ""), engine.ErrFinished, http.StatusConflict)
	_, err = p.Resume(ctx, "r")
	want(t, "resume what has ended", err, engine.ErrFinished, http.StatusConflict)
	check(t, "remove", p.Delete(ctx, "r", false))
	_, err = p.Show(ctx, "r")
	want(t, "show what is gone", err, engine.ErrNotFound, http.StatusNotFound)
	want(t, "remove what is gone", p.Delete(ctx, "r", true), engine.ErrNotFound, http.StatusNotFound)
}

// TestUndriven steers a run whose process has gone, without anything of it being
// begun that need not be.
func TestUndriven(t *testing.T) {
	t.Parallel()
	s := newStore()
	ctx := t.Context()
	p := s.start(t)
	for _, run := range []string{"answered", "canceled", "held"} {
		p.begin(t, run)
	}
	p.settle(t)
	for _, run := range []string{"canceled", "held"} {
		_, err := p.Answer(ctx, run, "ok", nil)
		check(t, "answer", err)
		<-p.begun // and there it is interrupted
	}
	check(t, "close", p.engine.Close())
	p.ended = true

	p = s.start(t)
	all, err := p.List(ctx)
	check(t, "list", err)
	var told []string
	for _, r := range all {
		told = append(told, strings.TrimSpace(r.Run+" "+string(r.Status)+" "+strings.Join(r.Waits, ",")))
	}
	if want := []string{"answered paused ok", "canceled interrupted", "held interrupted"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
	_, err = p.Answer(ctx, "canceled", "ok", nil)
	want(t, "a second answer", err, engine.ErrAnswered, http.StatusConflict)
	_, err = p.Answer(ctx, "canceled", "other", nil)
	want(t, "an answer to nothing", err, engine.ErrNotPaused, http.StatusConflict)

	check(t, "cancel", p.Cancel(ctx, "canceled", "enough"))
	check(t, "hold", p.Hold(ctx, "held", "lunch"))
	check(t, "hold again", p.Hold(ctx, "held", "lunch"))
	p.settle(t)
	if got := p.status(t, "canceled"); got != engine.StatusCanceled {
		t.Errorf("got %s, want canceled", got)
	}
	if got := p.status(t, "held"); got != engine.StatusPaused {
		t.Errorf("got %s, want paused", got)
	}
	if len(p.begun) != 0 {
		t.Errorf("task %s was begun again", <-p.begun)
	}
	_, err = p.Resume(ctx, "held")
	check(t, "resume", err)
	if got := <-p.begun; got != "wait" {
		t.Errorf("got %s begun, want wait", got)
	}
	_, err = p.Answer(ctx, "answered", "", json.RawMessage(`"yes"`))
	check(t, "answer", err)
	<-p.begun
	p.release()
	p.settle(t)
	for _, run := range []string{"answered", "held"} {
		if got := p.status(t, run); got != engine.StatusSucceeded {
			t.Errorf("%s: got %s, want succeeded", run, got)
		}
	}
}

// TestFollow wants all notices once, in order, whatever was there before.
func TestFollow(t *testing.T) {
	t.Parallel()
	s := newStore()
	p := s.start(t)
	p.begin(t, "r")
	follow := func() []string {
		var told []string
		outcome, err := p.Follow(t.Context(), "r", func(n engine.Notice) {
			told = append(told, strings.TrimSpace(string(n.Type)+" "+n.Activation))
		})
		check(t, "follow", err)
		return append(told, string(outcome.Status))
	}
	paused := []string{
		"run_started", "task_ready first", "task_started first", "task_succeeded first", "task_ready gate", "task_started gate", "task_paused gate", "paused",
	}
	p.settle(t)
	if got := follow(); !slices.Equal(got, paused) {
		t.Errorf("got %q, want %q", got, paused)
	}
	_, err := p.Answer(t.Context(), "r", "ok", nil)
	check(t, "answer", err)
	<-p.begun
	ended := make(chan []string)
	go func() { ended <- follow() }()
	p.release()
	got := <-ended
	tail := []string{"task_succeeded wait", "run_finished", "succeeded"}
	if len(got) < 3 || !slices.Equal(got[len(got)-3:], tail) {
		t.Errorf("got %q, want it to end with %q", got, tail)
	}
	for _, once := range []string{"task_paused gate", "task_resumed gate", "task_succeeded gate", "run_finished"} {
		if n := strings.Count(strings.Join(got, "\n"), once); n != 1 {
			t.Errorf("%s was told %d times, want once", once, n)
		}
	}
}

// settle waits until its runs have ended or are paused.
func (p *process) settle(t *testing.T) {
	t.Helper()
	left, err := p.Settle(t.Context())
	check(t, "settle", err)
	if left != nil {
		t.Errorf("%v go on after all have settled", left)
	}
}

// notes is a Memory that counts what it gave.
type notes struct {
	mu    sync.Mutex // guards what follows
	kept  map[string][]byte
	given int
}

func (n *notes) Load(run string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept[run] != nil {
		n.given++
	}
	return n.kept[run]
}

func (n *notes) Store(run string, summary []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.kept[run] = summary
}

// TestListRemembers wants a listing to keep what it told of ended runs, and to
// believe it only as long as the journal ends where it did.
func TestListRemembers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newStore()
	p := s.start(t)
	n := &notes{kept: map[string][]byte{}}
	p.Memory = n
	text := func(s control.Summary) string {
		raw, err := json.Marshal(s)
		check(t, "encode", err)
		return string(raw)
	}
	list := func() control.Summary {
		t.Helper()
		all, err := p.List(ctx)
		check(t, "list", err)
		if len(all) != 1 {
			t.Fatalf("got %v, want one run", all)
		}
		return all[0]
	}
	p.begin(t, "r")
	p.settle(t)
	if got := list(); got.Status != engine.StatusPaused || n.kept["r"] != nil {
		t.Errorf("got %v, remembered %s; want a run that waits, and nothing remembered", got, n.kept["r"])
	}
	o := p.Running("r")
	check(t, "cancel", p.Cancel(ctx, "r", "enough"))
	<-o.Done()
	first := list()
	if again := list(); first.Status != engine.StatusCanceled || text(again) != text(first) || n.given != 1 {
		t.Errorf("got %v, then %v, %d of them remembered", first, again, n.given)
	}
	n.kept["r"] = bytes.Replace(n.kept["r"], []byte("enough"), []byte("believed"), 1)
	if got := list(); got.Message != "believed" {
		t.Errorf("got %v, want what is remembered", got)
	}
	_, err := p.Retry(ctx, "r", engine.RetryFrom{Task: "first"})
	check(t, "retry", err)
	p.settle(t)
	if got := list(); got.Status != engine.StatusPaused {
		t.Errorf("got %v after a retry, want that it waits", got)
	}
}
