package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/graflow/graflow-wasm/engine"
)

// outcome is how an attempt ended, in one of few words.
type outcome uint8

const (
	succeeded outcome = iota
	failed
	timedOut
	canceled
	stopped
	returned
	paused
	called
	outcomes
)

var outcomeNames = [outcomes]string{"succeeded", "failed", "timed_out", "canceled", "stopped", "returned", "paused", "called"}

// outcomeOf tells how an attempt ended by its event.
func outcomeOf(e *engine.Event) outcome {
	switch e.Type {
	case engine.EventCompleted:
		return succeeded
	case engine.EventStopped:
		return stopped
	case engine.EventReturned:
		return returned
	case engine.EventPaused:
		return paused
	case engine.EventCalled:
		return called
	}
	if e.Error == nil {
		return failed
	}
	switch e.Error.Kind {
	case engine.KindTimeout, engine.KindDeadline:
		return timedOut
	case engine.KindCanceled:
		return canceled
	}
	return failed
}

// handlerMeters count the attempts of one handler.
type handlerMeters struct {
	outcomes [outcomes]atomic.Uint64 // failed ones are in failures too
	failures [len(kinds)]atomic.Uint64
	retries  atomic.Uint64
	wait     *latency
	took     *latency
}

// attempts count the ends of attempts.
type attempts struct {
	commit *latency

	known atomic.Pointer[map[string]*handlerMeters] // by handler; never changed, but replaced
	mu    sync.Mutex                                // taken to replace it
}

// maxHandlers bounds how many handlers are told apart.
const maxHandlers = 32

// other stands for all that is not told apart.
const other = "other"

func newAttempts() *attempts {
	a := &attempts{commit: newLatency(hostBounds)}
	a.known.Store(&map[string]*handlerMeters{})
	return a
}

// ended counts an attempt whose end is in the journal.
func (a *attempts) ended(d *engine.Delivery, e *engine.Event) {
	m := a.of(d.Task)
	o := outcomeOf(e)
	n := m.outcomes[o].Add(1)
	if o == failed && e.Error != nil {
		m.failures[kindIndex(e.Error.Kind)].Add(1)
	}
	if d.Attempt-d.Earlier > 1 && len(d.Called) == 0 && len(d.Answers) == 0 {
		m.retries.Add(1)
	}
	if e.Started.IsZero() {
		return
	}
	took := e.Time.Sub(e.Started)
	m.wait.observe(e.Started.Sub(d.Ready()))
	m.took.observe(took)
	if took >= shortAttempt || n%everyShort == 1 {
		a.commit.observe(time.Since(e.Time))
	}
}

// The commits of short attempts are measured now and then: to look at the clock would
// cost more than all the rest.
const (
	shortAttempt = 100 * µs
	everyShort   = 8
)

// of finds the meters of a task's handler.
func (a *attempts) of(t *engine.Task) *handlerMeters {
	name := t.Handler
	if name == "" {
		name = "direct"
	}
	if m := (*a.known.Load())[name]; m != nil {
		return m
	}
	return a.add(name)
}

func (a *attempts) add(name string) *handlerMeters {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := maps.Clone(*a.known.Load())
	if len(known) >= maxHandlers {
		name = other
	}
	if m := known[name]; m != nil {
		return m
	}
	m := &handlerMeters{wait: newLatency(taskBounds), took: newLatency(taskBounds)}
	known[name] = m
	a.known.Store(&known)
	return m
}

var (
	attemptsTotal = desc("attempts_total",
		"Attempts of tasks whose end is in the journal, by handler, outcome and, of those that failed, the kind of their error.", "handler", "outcome", "kind")
	retriesTotal   = desc("retries_total", "Attempts after the first one of a task, by its retry policy.", "handler")
	waitSeconds    = desc("task_wait_seconds", "Time from when a task was ready for a worker until its attempt began.", "handler")
	attemptSeconds = desc("attempt_seconds", "Time that attempts took, from their beginning to their end.", "handler")
	commitSeconds  = desc("commit_seconds", "Time from the end of an attempt until its event was in the journal; of attempts shorter than 0.1 ms every eighth.")
)

// Describe implements prometheus.Collector.
func (a *attempts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{attemptsTotal, retriesTotal, waitSeconds, attemptSeconds, commitSeconds} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (a *attempts) Collect(ch chan<- prometheus.Metric) {
	for handler, m := range *a.known.Load() {
		m.collect(ch, handler)
	}
	ch <- a.commit.metric(commitSeconds)
}

func (m *handlerMeters) collect(ch chan<- prometheus.Metric, handler string) {
	var known uint64
	for i, kind := range kinds {
		if n := m.failures[i].Load(); n > 0 {
			known += n
			ch <- constant(attemptsTotal, prometheus.CounterValue, float64(n), handler, outcomeNames[failed], kind)
		}
	}
	for o := range outcomes {
		if o == failed {
			continue // told by kind
		}
		n := m.outcomes[o].Load()
		ch <- constant(attemptsTotal, prometheus.CounterValue, float64(n), handler, outcomeNames[o], "")
	}
	if known == 0 {
		ch <- constant(attemptsTotal, prometheus.CounterValue, 0, handler, outcomeNames[failed], engine.KindError)
	}
	ch <- constant(retriesTotal, prometheus.CounterValue, float64(m.retries.Load()), handler)
	ch <- m.wait.metric(waitSeconds, handler)
	ch <- m.took.metric(attemptSeconds, handler)
}
