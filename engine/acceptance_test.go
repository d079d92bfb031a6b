package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/engine/enginetest"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

func TestAcceptance(t *testing.T) { //nolint:paralleltest // C48 measures memory, alone
	acceptance(t, ground{}, inMemory)
}

func inMemory(*testing.T) *engine.Backend { return engine.InMemory() }

// TestAcceptanceShared are the cases on a backend that processes could share.
func TestAcceptanceShared(t *testing.T) { //nolint:paralleltest // likewise
	acceptance(t, ground{shared: true}, func(*testing.T) *engine.Backend { return enginetest.NewShared().Backend() })
}

// ground says how cases are run on a backend.
type ground struct {
	shared bool          // processes could share it
	slack  time.Duration // of times, for what talks over a connection
	before func()        // is called before each case on a virtual clock, which then are alone
}

// acceptance runs the acceptance cases on a backend; each names its number.
func acceptance(t *testing.T, k ground, backend func(*testing.T) *engine.Backend) {
	t.Helper()
	if k.before != nil {
		defer k.before() // also before those that are not on one
	}
	for _, part := range [][]acceptanceCase{orderCases, dynamicCases, iterationCases, endingCases, failureCases, recoveryCases, boundCases, durableCases, callCases, callCornerCases} {
		for _, c := range part {
			if k.shared && c.local {
				continue
			}
			t.Run(c.name, func(t *testing.T) {
				if !c.alone && (k.before == nil || !c.virtual) {
					t.Parallel()
				}
				if !c.virtual {
					c.run(k.world(t, backend))
					return
				}
				if k.before != nil {
					k.before()
				}
				synctest.Test(t, func(t *testing.T) { c.run(k.world(t, backend)) })
			})
		}
	}
}

// acceptanceCase is one case, in a world of its own.
type acceptanceCase struct {
	name    string
	run     func(*world)
	virtual bool // on a virtual clock
	alone   bool // not beside others
	local   bool // not where processes share a backend
}

// world is an engine with Go functions that log that they ran.
type world struct {
	*testing.T
	handler  *direct.Handler
	backend  *engine.Backend
	fresh    func(*testing.T) *engine.Backend // another one
	engine   *engine.Engine
	recorder *engine.Recorder
	config   engine.Config // of the engine; to be changed before the first run
	started  time.Time
	slack    time.Duration

	mu  sync.Mutex // guards what follows
	ran []string
	at  []time.Duration // when, since the world began
	do  map[string]do   // by function
}

func (k ground) world(t *testing.T, backend func(*testing.T) *engine.Backend) *world {
	t.Helper()
	w := newWorld(t, backend)
	w.slack = k.slack
	return w
}

// lasted tells whether a time is what it should be.
func (w *world) lasted(got, want time.Duration) bool { return got >= want && got <= want+w.slack }

func newWorld(t *testing.T, backend func(*testing.T) *engine.Backend) *world {
	t.Helper()
	w := &world{T: t, handler: direct.New(), backend: backend(t), fresh: backend, recorder: engine.NewRecorder(), do: map[string]do{}, started: time.Now()}
	w.config = engine.Config{
		Handlers: map[string]engine.Handler{"direct": w.handler},
		Backend:  w.backend, Concurrency: 1, Observe: w.recorder.Observe,
	}
	return w
}

// do is what a task does; it gets the input as JSON.
type do func(c *direct.Context, in json.RawMessage) (any, error)

// on registers what a task does, from now on, and returns the task.
func (w *world) on(id string, f do) engine.Task {
	w.mu.Lock()
	_, known := w.do[id]
	w.do[id] = f
	w.mu.Unlock()
	if known {
		return engine.Task{ID: id}
	}
	return direct.Func(w.handler, id, func(c *direct.Context, in json.RawMessage) (any, error) {
		w.mu.Lock()
		w.ran = append(w.ran, c.Call.Task.ID)
		w.at = append(w.at, time.Since(w.started))
		f := w.do[id]
		w.mu.Unlock()
		return f(c, in)
	})
}

// effect is on for a task that asks for something and returns its id.
func (w *world) effect(id string, f func(c *direct.Context)) engine.Task {
	return w.on(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		f(c)
		return id, nil
	})
}

// plain is a task that returns its id.
func (w *world) plain(id string) engine.Task {
	w.mu.Lock()
	_, known := w.do[id]
	w.mu.Unlock()
	if known {
		return engine.Task{ID: id}
	}
	return w.effect(id, func(*direct.Context) {})
}

// added is a new task, as next_task takes it.
func (w *world) added(id string) engine.Task {
	t := w.plain(id)
	t.Handler = "direct"
	return t
}

// flow writes a graph as "A>B>C, A>D": tasks are declared as they are first
// named, and are plain unless on was called.
func (w *world) flow(text string) *engine.Spec {
	s := &engine.Spec{Name: "flow"}
	for chain := range strings.SplitSeq(text, ",") {
		before := ""
		for id := range strings.SplitSeq(chain, ">") {
			id = strings.TrimSpace(id)
			if !slices.ContainsFunc(s.Tasks, func(t engine.Task) bool { return t.ID == id }) {
				s.Tasks = append(s.Tasks, w.plain(id))
			}
			if before != "" {
				s.Edges = append(s.Edges, engine.Edge{From: before, To: id})
			}
			before = id
		}
	}
	return s
}

// task is one of a spec's, to be changed.
func task(s *engine.Spec, id string) *engine.Task {
	return &s.Tasks[slices.IndexFunc(s.Tasks, func(t engine.Task) bool { return t.ID == id })]
}

func (w *world) build(s *engine.Spec) *engine.Graph {
	w.Helper()
	g, err := s.Build()
	if err != nil {
		w.Fatal(err)
	}
	return g
}

func (w *world) nodes(nodes ...engine.Node) *engine.Spec {
	s := &engine.Spec{Name: "nodes"}
	s.Connect(nodes...)
	return s
}

// open makes the engine.
func (w *world) open() *engine.Engine {
	w.Helper()
	if w.engine != nil {
		return w.engine
	}
	e, err := engine.New(w.config)
	if err != nil {
		w.Fatal(err)
	}
	if err := e.Join(); err != nil {
		w.Fatal(err)
	}
	w.engine = e
	w.Cleanup(func() {
		if err := e.Close(); err != nil {
			w.Error(err)
		}
	})
	return e
}

func (w *world) run(s *engine.Spec) engine.Outcome {
	w.Helper()
	return w.runGraph(w.build(s), nil)
}

func (w *world) runGraph(g *engine.Graph, input json.RawMessage) engine.Outcome {
	w.Helper()
	out, err := w.open().Run(w.Context(), g, input)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) start(s *engine.Spec) *engine.Running {
	w.Helper()
	r, err := w.open().Start(w.Context(), w.build(s), engine.Start{})
	if err != nil {
		w.Fatal(err)
	}
	return r
}

func (w *world) wait(r *engine.Running) engine.Outcome {
	w.Helper()
	out, err := r.Wait(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return out
}

// log is what ran, in order.
func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.ran, " ")
}

func (w *world) wantLog(want string) {
	w.Helper()
	if got := w.log(); got != want {
		w.Errorf("log %q, want %q", got, want)
	}
}

// count is how often a task ran.
func (w *world) count(id string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, r := range w.ran {
		if r == id {
			n++
		}
	}
	return n
}

func (w *world) wantCount(id string, want int) {
	w.Helper()
	if got := w.count(id); got != want {
		w.Errorf("%s ran %d times, want %d (log %q)", id, got, want, w.log())
	}
}

// wantWaits compares the times between the executions of a world's only task.
func (w *world) wantWaits(want ...time.Duration) {
	w.Helper()
	if got := w.waits(); !slices.Equal(got, want) {
		w.Errorf("waits %v, want %v", got, want)
	}
}

func (w *world) waits() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var waits []time.Duration
	for i := 1; i < len(w.at); i++ {
		waits = append(waits, w.at[i]-w.at[i-1])
	}
	return waits
}

func (w *world) wantStatus(o engine.Outcome, status engine.Status, reason string) {
	w.Helper()
	if o.Status != status || o.Reason != reason {
		w.Errorf("status %s, reason %q, want %s, %q (error: %v)", o.Status, o.Reason, status, reason, o.Error)
	}
}

func (w *world) wantSucceeded(o engine.Outcome, output string) {
	w.Helper()
	if o.Status != engine.StatusSucceeded || o.Error != nil || string(o.Output) != output {
		w.Errorf("status %s, error %v, output %s, want succeeded, %s", o.Status, o.Error, o.Output, output)
	}
}

func (w *world) wantPending(o engine.Outcome, want ...string) {
	w.Helper()
	if !slices.Equal(o.Pending, want) {
		w.Errorf("pending %q, want %q", o.Pending, want)
	}
}

func (w *world) wantError(o engine.Outcome, kind string, parts ...string) {
	w.Helper()
	if o.Error == nil {
		w.Fatalf("no error, want one of kind %s", kind)
	}
	if o.Error.Kind != kind {
		w.Errorf("error of kind %s, want %s: %v", o.Error.Kind, kind, o.Error)
	}
	w.wantText(o.Error.Error(), parts...)
}

func (w *world) wantText(text string, parts ...string) {
	w.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			w.Errorf("%q does not contain %q", text, p)
		}
	}
}

// wantBuildError builds, and wants every fault to be told, and nothing to run.
func (w *world) wantBuildError(s *engine.Spec, parts ...string) {
	w.Helper()
	_, err := s.Build()
	if err == nil {
		w.Fatal("built, want an error")
	}
	w.wantText(err.Error(), parts...)
	w.wantLog("")
}

// ended is how the activations ended, in order, as "a:succeeded b:skipped".
func (w *world) ended() string {
	var all []string
	for _, r := range w.recorder.Tasks() {
		all = append(all, r.Activation+":"+string(r.Status))
	}
	return strings.Join(all, " ")
}

func (w *world) wantEnded(want string) {
	w.Helper()
	if got := w.ended(); got != want {
		w.Errorf("ended %q, want %q", got, want)
	}
}

// wantResults wants each task to have succeeded with its id as its result.
func (w *world) wantResults(ids ...string) {
	w.Helper()
	got := map[string]string{}
	for _, r := range w.recorder.Tasks() {
		got[r.Activation] = string(r.Output)
	}
	for _, id := range ids {
		if want := fmt.Sprintf("%q", id); got[id] != want {
			w.Errorf("result of %s %s, want %s", id, got[id], want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func decodeInt(in json.RawMessage) int {
	n := 0
	_ = json.Unmarshal(in, &n) // null is 0
	return n
}
