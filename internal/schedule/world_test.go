package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
)

// memory is a Store of this process.
type memory struct {
	mu       sync.Mutex // guards what follows
	ahead    time.Duration
	revision uint64
	all      map[string]stored
	watching map[chan struct{}]bool
}

type stored struct {
	data     []byte
	revision uint64
}

var _ schedule.Store = (*memory)(nil)

func newMemory() *memory {
	return &memory{all: map[string]stored{}, watching: map[chan struct{}]bool{}}
}

func (m *memory) Load(_ context.Context, name string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.all[name]
	if !ok {
		return nil, 0, engine.ErrNotFound
	}
	return slices.Clone(s.data), s.revision, nil
}

func (m *memory) Each(_ context.Context, f func(string, []byte, uint64)) error {
	m.mu.Lock()
	all := maps.Clone(m.all)
	m.mu.Unlock()
	for name, s := range all {
		f(name, slices.Clone(s.data), s.revision)
	}
	return nil
}

func (m *memory) Put(_ context.Context, name string, data []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all[name].revision != revision {
		return 0, engine.ErrConflict
	}
	m.revision++
	m.all[name] = stored{slices.Clone(data), m.revision}
	for w := range m.watching {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return m.revision, nil
}

func (m *memory) Remove(_ context.Context, name string, revision uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch s, ok := m.all[name]; {
	case !ok:
		return engine.ErrNotFound
	case s.revision > revision:
		return engine.ErrConflict
	}
	delete(m.all, name)
	return nil
}

func (m *memory) Watch() (<-chan struct{}, func(), error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := make(chan struct{}, 1)
	m.watching[w] = true
	return w, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watching, w)
	}, nil
}

func (m *memory) Now(context.Context) (time.Time, error) { return m.now(), nil }

func (m *memory) now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Now().Round(0).Add(m.ahead)
}

// jump has the time jump.
func (m *memory) jump(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ahead += d
}

// ledger is what of ops.Runs begins runs, each of which lasts for a time.
type ledger struct {
	ops.Runs

	store *memory // whose time it is
	lasts time.Duration

	mu    sync.Mutex // guards what follows
	fails error      // what beginning ends in
	all   []*entry
}

type entry struct {
	run        string
	submission ops.Submission
	at, end    time.Time
	canceled   bool
}

func (l *ledger) find(run string) *entry {
	i := slices.IndexFunc(l.all, func(e *entry) bool { return e.run == run })
	if i < 0 {
		return nil
	}
	return l.all[i]
}

func (l *ledger) Submit(_ context.Context, s ops.Submission) (ops.Submitted, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fails != nil {
		return ops.Submitted{}, l.fails
	}
	if l.find(s.ID) != nil {
		return ops.Submitted{}, fmt.Errorf("run %q: %w", s.ID, engine.ErrRunExists)
	}
	now := l.store.now()
	l.all = append(l.all, &entry{run: s.ID, submission: s, at: now, end: now.Add(l.lasts)})
	return ops.Submitted{Run: s.ID, Status: engine.StatusRunning}, nil
}

func (l *ledger) Show(_ context.Context, run string) (control.Story, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(run)
	if e == nil {
		return control.Story{}, engine.ErrNotFound
	}
	status := engine.StatusRunning
	if !l.store.now().Before(e.end) {
		status = engine.StatusSucceeded
	}
	return control.Story{Summary: control.Summary{Run: run, Status: status}}, nil
}

func (l *ledger) Cancel(_ context.Context, run, _ string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.find(run)
	switch {
	case e == nil:
		return engine.ErrNotFound
	case !l.store.now().Before(e.end):
		return engine.ErrFinished
	}
	e.end, e.canceled = l.store.now(), true
	return nil
}

func (l *ledger) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = err
}

// begun tells in which second runs have begun, since a time, and were canceled.
func (l *ledger) begun(since time.Time) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, e := range l.all {
		text := e.at.Sub(since).Truncate(time.Second).String()
		if e.canceled {
			text += "-" + e.end.Sub(since).Truncate(time.Second).String()
		}
		all = append(all, text)
	}
	return all
}

// world is a store, runs, and who keeps them.
type world struct {
	store     *memory
	runs      *ledger
	schedules *schedule.Schedules
	began     time.Time
}

func newWorld() *world {
	store := newMemory()
	w := &world{store: store, runs: &ledger{store: store, lasts: time.Second}}
	w.schedules = schedule.New(w.config())
	w.began = w.store.now()
	return w
}

func (w *world) config() schedule.Config {
	return schedule.Config{Store: w.store, Runs: w.runs, Logger: slog.New(slog.DiscardHandler)}
}

// keep runs a keeper until stop is called, or the test has ended.
func keep(t *testing.T, c schedule.Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := schedule.NewKeeper(c).Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("the keeper has ended: %v", err)
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// every is a schedule at an interval.
func every(d time.Duration) ops.Schedule {
	return ops.Schedule{Name: "x", Target: ops.Target{Flow: "f"}, Every: engine.Duration(d)}
}

func (w *world) put(t *testing.T, s ops.Schedule) ops.Schedule {
	t.Helper()
	stored, err := w.schedules.Put(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func (w *world) show(t *testing.T) ops.Schedule {
	t.Helper()
	s, err := w.schedules.Show(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// want holds what has begun against what should, and the counters against both.
func (w *world) want(t *testing.T, skipped int, begun ...string) {
	t.Helper()
	if got := w.runs.begun(w.began); fmt.Sprint(got) != fmt.Sprint(begun) {
		t.Errorf("began at %q\nwant     %q", got, begun)
	}
	s := w.show(t)
	if s.Begun != len(begun) || s.Skipped != skipped || s.Fault != "" {
		t.Errorf("%d begun, %d skipped, fault %q; want %d, %d and none", s.Begun, s.Skipped, s.Fault, len(begun), skipped)
	}
}
