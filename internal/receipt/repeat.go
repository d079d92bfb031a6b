package receipt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Repetition says how to run what a receipt is of again.
type Repetition struct {
	Receipt *Predicate
	Graph   *engine.Graph // pinned: its digest is that of the receipt
	Input   json.RawMessage
	// Handlers run what can be repeated: "wasm", "script" and "builtin".
	Handlers map[string]engine.Handler
	// Answers are those of pauses that the receipt does not carry, by pause.
	Answers     map[string]json.RawMessage
	CheckSchema func(schema, value json.RawMessage) error
	// Concurrency is how many attempts run at once; 0 is the number of processors.
	Concurrency int
	// Patience is how long nothing may go on while attempts wait for the order that
	// they had; then the order is given up. 0 is 5 s.
	Patience time.Duration
}

// Repeated is what came of a repetition.
type Repeated struct {
	Statement *Statement
	// Missing are the activations of attempts that can't be repeated, and of which the
	// receipt does not carry what they have left, and of pauses without their answer,
	// with what is missing. What follows from them was not repeated.
	Missing map[string]string
	// Unordered tells that attempts could not be committed in the order which they had.
	Unordered bool
}

// concurrency is how many attempts may wait for their turn at most.
const concurrency = 4096

// Repeat runs a graph again, in memory, under the id that the run had. Attempts that
// can't be repeated answer what they have answered then, if the receipt carries that;
// all are committed in the order in which they were. It returns what is wrong with the
// graph, or a fault of the engine; how the run ended is in the record.
func Repeat(ctx context.Context, c Repetition) (*Repeated, error) {
	if c.Concurrency <= 0 {
		c.Concurrency = runtime.GOMAXPROCS(0)
	}
	if c.Patience <= 0 {
		c.Patience = 5 * time.Second
	}
	g, err := hurried(c.Graph)
	if err != nil {
		return nil, err
	}
	o := newOrder(c)
	backend := engine.InMemory()
	backend.Journal = &watched{backend.Journal, o}
	e, err := engine.New(engine.Config{
		Handlers: o.handlers(), Backend: backend, Retain: true, CheckSchema: c.CheckSchema, Observe: o.observe,
		Concurrency: min(concurrency, max(64, len(c.Receipt.Steps))), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	defer e.Close() //nolint:errcheck,contextcheck // nothing is left to be told; closing has no context to end by
	running, err := e.Start(ctx, g, engine.Start{ID: c.Receipt.Run, Input: c.Input})
	if err != nil {
		return nil, err
	}
	if err := o.drive(ctx, e, running); err != nil {
		return nil, err
	}
	s, err := o.record(context.WithoutCancel(ctx), e)
	if err != nil {
		return nil, err
	}
	return &Repeated{Statement: s, Missing: o.missing, Unordered: o.unordered}, nil
}

// hurried is g without waiting and without bounds in time: those bear on no result that
// can be repeated, and attempts wait for their turn.
func hurried(g *engine.Graph) (*engine.Graph, error) {
	return unbounded(g.Spec()).Build()
}

func unbounded(spec engine.Spec) engine.Spec {
	spec.Limits.Timeout = 0
	spec.Groups = slices.Clone(spec.Groups)
	for i := range spec.Groups {
		spec.Groups[i].Timeout = 0
	}
	spec.Tasks = slices.Clone(spec.Tasks)
	for i := range spec.Tasks {
		t := &spec.Tasks[i]
		t.Timeout, t.Deadline, t.QueueTimeout = 0, 0, 0
		if t.Retry != nil {
			retry := *t.Retry
			retry.Delay, retry.Jitter = 0, false
			t.Retry = &retry
		}
		var inner engine.Spec
		if t.Handler != engine.FlowHandler || engine.DecodeKnown(t.Spec, &inner) != nil {
			continue
		}
		if raw, err := json.Marshal(unbounded(inner)); err == nil {
			t.Spec = raw
		}
	}
	return spec
}

// drive sees the run to its end: it gives the answers that it had, and lets it go on
// where it was let go on.
func (o *order) drive(ctx context.Context, e *engine.Engine, running *engine.Running) error {
	retries := o.Receipt.Retries
	for {
		out, err := o.wait(ctx, running)
		if err != nil {
			return err
		}
		if out.Status == engine.StatusPaused || len(retries) == 0 {
			return o.finish(ctx, running, out)
		}
		next := retries[0]
		retries = retries[1:]
		from := engine.RetryFrom{Task: next.Task}
		if next.Input != nil {
			if from.Input = next.Input.Value; from.Input == nil {
				o.miss("run", "the input with which task "+next.Task+" was run again")
				return nil
			}
		}
		if running, err = e.Retry(ctx, o.Receipt.Run, from); err != nil {
			o.miss("run", "what it did after it was let go on: "+err.Error())
			return nil //nolint:nilerr // it is a difference, which is told
		}
	}
}

// finish ends a run that waits for what nobody answers.
func (o *order) finish(ctx context.Context, running *engine.Running, out engine.Outcome) error {
	if out.Status != engine.StatusPaused {
		return nil
	}
	for _, p := range out.Pauses {
		o.miss(p.Activation, "the answer to "+p.Name)
	}
	if err := running.Cancel("it waits for an answer"); err != nil && !errors.Is(err, engine.ErrFinished) { //nolint:contextcheck // what follows belongs to the engine
		return err
	}
	_, err := running.Wait(ctx)
	return err
}

// wait waits for the end of the run, or until it is paused and no answer is left.
func (o *order) wait(ctx context.Context, running *engine.Running) (engine.Outcome, error) {
	for {
		given := o.answersGiven()
		ended := make(chan struct{})
		answering := make(chan struct{})
		go func() {
			defer close(answering)
			o.answer(ctx, running, ended)
		}()
		out, err := running.Wait(ctx)
		close(ended)
		<-answering
		if err != nil || out.Status != engine.StatusPaused {
			return out, err
		}
		if !o.answerAll(running, out.Pauses) && o.answersGiven() == given { //nolint:contextcheck // likewise; one may have come just then
			return out, nil
		}
	}
}

// record is that of the repetition.
func (o *order) record(ctx context.Context, e *engine.Engine) (*Statement, error) {
	h, err := e.History(ctx, o.Receipt.Run)
	if err != nil {
		return nil, err
	}
	if len(h.Events) == 0 {
		return nil, errors.New("nothing was repeated")
	}
	doc, err := e.Export(ctx, o.Receipt.Run, fmt.Sprintf("#%d", h.Events[len(h.Events)-1].Seq))
	if err != nil {
		return nil, err
	}
	return Record(doc, Options{Made: o.Receipt.Made})
}
