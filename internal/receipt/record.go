package receipt

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// ErrNotEnded refuses a receipt of a run that goes on.
var ErrNotEnded = errors.New("the run has not ended")

// Options say what a record has beside what the journal tells.
type Options struct {
	Made Software
	// Graph has the receipt carry the graph.
	Graph bool
	// Embed bounds what the receipt carries besides, in bytes: the input, the answers to
	// pauses and what tasks have left that can't be repeated. 0 is nothing of it.
	Embed int64
}

// ErrTooLarge is what a receipt was to carry and is over Options.Embed.
var ErrTooLarge = errors.New("what the receipt is to carry is too large")

// journal is a checkpoint document of a run, as engine.Engine.Export writes it.
type journal struct {
	Run     string            `json:"run"`
	Graph   json.RawMessage   `json:"graph"`
	Modules map[string]string `json:"modules"`
	State   []*engine.Event   `json:"state"`
	Blobs   map[string][]byte `json:"blobs"`
}

// Record makes the statement of a run that has ended: doc is the document that
// engine.Engine.Export writes of the point after its last event. It returns ErrNotEnded,
// ErrTooLarge, or what is wrong with the document.
func Record(doc []byte, o Options) (*Statement, error) {
	var j journal
	if err := json.Unmarshal(doc, &j); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	g, err := ParseGraph(j.Graph)
	if err != nil {
		return nil, err
	}
	r := &recorder{journal: &j, options: o, graph: g, run: engine.NewRun(j.Run, g, nil), ready: map[string]*engine.Delivery{}, known: map[string]int{}, left: o.Embed}
	r.p = Predicate{Version: Version, Made: o.Made, Run: j.Run, Clock: ClockStart, Tasks: []Task{}, Steps: []Step{}}
	if seed, ok := SeedIn(g); ok {
		r.p.Seed = &seed
	}
	for i, e := range j.State {
		if err := r.event(i, e); err != nil {
			return nil, fmt.Errorf("event %d of run %q: %w", e.Seq, j.Run, err)
		}
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return &Statement{
		Type: StatementType, PredicateType: PredicateType, Predicate: r.p,
		Subject: []Subject{{Name: "output", Digest: map[string]string{"sha256": strings.TrimPrefix(r.p.Output.Digest, digestPrefix)}}},
	}, nil
}

// recorder folds a journal again, and writes down what it sees.
type recorder struct {
	journal *journal
	options Options
	graph   *engine.Graph
	run     *engine.Run
	ready   map[string]*engine.Delivery // by activation: the last one
	known   map[string]int              // tasks by their facts
	blobs   []string                    // digests of values that are kept as blobs
	own     int                         // the first event that is not of the run from which it went on
	left    int64                       // that may still be carried
	p       Predicate
}

func (r *recorder) event(at int, e *engine.Event) error {
	counted := r.run.Apply(e)
	decided := r.run.Decide()
	if counted {
		if err := r.fact(at, e); err != nil {
			return err
		}
	}
	for _, c := range decided {
		if c.Kind == engine.CommandEnqueue {
			r.ready[c.Delivery.Activation] = c.Delivery
		}
	}
	return nil
}

// fact writes down an event that counted.
func (r *recorder) fact(at int, e *engine.Event) (err error) {
	r.p.Ended = e.Time
	switch e.Type {
	case engine.EventStarted:
		return r.started(at, e)
	case engine.EventCanceled:
		r.disturb("it was ended from outside: " + e.Message)
	case engine.EventRetried:
		return r.retried(e)
	case engine.EventAnswered:
		return r.answered(e)
	case engine.EventCompleted, engine.EventFailed, engine.EventPaused, engine.EventCalled, engine.EventStopped:
		return r.step(e)
	}
	return nil
}

func (r *recorder) disturb(why string) {
	if r.p.Disturbed == "" {
		r.p.Disturbed = why
	}
}

func (r *recorder) started(at int, e *engine.Event) (err error) {
	if e.Basis != nil && e.Basis.Origin != nil {
		r.own, r.p.Origin = at, e.Basis.Origin.Run
		for i := range r.p.Steps { // their guests could read another run's id
			s := &r.p.Steps[i]
			if s.Reproducible {
				s.Reproducible, s.Why = false, "it was executed in run "+r.p.Origin
				err = errors.Join(err, r.carryResult(s, r.journal.State[:at]))
			}
		}
	}
	if r.p.Started.IsZero() || r.own > 0 {
		r.p.Started = e.Time
	}
	if r.p.Input.Digest == "" {
		var carryErr error
		r.p.Input, carryErr = r.carried(e.Input)
		err = errors.Join(err, carryErr)
	}
	return err
}

func (r *recorder) retried(e *engine.Event) error {
	retry := Retry{Task: e.Task}
	if e.Input != nil {
		v, err := r.carried(e.Input)
		if err != nil {
			return err
		}
		retry.Input = &v
	}
	r.p.Retries = append(r.p.Retries, retry)
	return nil
}

func (r *recorder) answered(e *engine.Event) error {
	v, err := r.carried(e.Value)
	r.p.Answers = append(r.p.Answers, Answer{Activation: e.Activation, Pause: e.Pause, Answer: v, Timer: e.Reason != ""})
	return err
}

// end writes down how the run ended.
func (r *recorder) end() error {
	o := r.run.Outcome()
	switch r.run.Status() {
	case engine.StatusPending, engine.StatusRunning, engine.StatusPaused:
		return fmt.Errorf("%w: run %q is %s", ErrNotEnded, r.p.Run, o.Status)
	}
	output, err := r.whole(o.Output)
	if err != nil {
		return err
	}
	if r.p.Output, err = valueOf(output); err != nil {
		return err
	}
	r.p.Status, r.p.Reason = o.Status, o.Reason
	if o.Error != nil && slices.Contains(outside, o.Error.Kind) {
		r.disturb("it ended with " + o.Error.Kind)
	}
	pinned, err := Pinned(r.graph, r.digest)
	if err != nil {
		return err
	}
	r.p.Flow = Flow{Name: pinned.Name(), Digest: pinned.Digest()}
	if r.options.Graph {
		r.p.Flow.Graph, err = pinned.MarshalJSON()
	}
	return err
}

// digest is that of a module, as the run was pinned to it.
func (r *recorder) digest(module string) (string, error) {
	if sum, ok := r.journal.Modules[module]; ok {
		return sum, nil
	}
	if wasm.FormOf(module) == wasm.FormDigest {
		return module, nil
	}
	return "", errors.New("the journal has no digest of it")
}

// carried is a value that the receipt carries if it carries any.
func (r *recorder) carried(value json.RawMessage) (Value, error) {
	value, err := r.whole(value)
	if err != nil {
		return Value{}, err
	}
	v, err := valueOf(value)
	if err == nil && r.options.Embed > 0 {
		v.Value = orNull(value)
		err = r.spend(len(value))
	}
	return v, err
}

// spend takes from what may still be carried.
func (r *recorder) spend(n int) error {
	if r.left -= int64(n); r.left < 0 {
		return fmt.Errorf("%w: over %d bytes", ErrTooLarge, r.options.Embed)
	}
	return nil
}
