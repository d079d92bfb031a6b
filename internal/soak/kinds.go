package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// kind is a flow, and what its runs must come to.
type kind struct {
	name  string
	share int // of runs, compared with those of the others
	nodes func() []engine.Node
	// builtins are the activations that no function is called for.
	builtins map[string]bool
	// want tells what is wrong with how a run of number n has ended; "" is nothing.
	want func(n float64, out *engine.Outcome) string
	// steers is what the driver does to a run; nil is nothing.
	steers func(ctx context.Context, d *driver, s *submitted)
}

// graph builds the kind's flow.
func (k *kind) graph() (*engine.Graph, error) {
	s := engine.Spec{Name: k.name}
	s.Connect(k.nodes()...)
	return s.Build()
}

// task is one that calls a function.
func task(id, function string) engine.Task {
	return engine.Task{ID: id, Spec: raw(map[string]string{"func": function})}
}

// given is a task with an input of its own.
func given(t engine.Task, with map[string]string) engine.Task {
	t.With = map[string]json.RawMessage{}
	for name, value := range with {
		t.With[name] = json.RawMessage(value)
	}
	return t
}

func raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // of what is written in this file
	}
	return data
}

// chain is tasks that each add 1.
func chain(n int, function string) engine.Node {
	var nodes []engine.Node
	for i := range n {
		nodes = append(nodes, task(fmt.Sprint("t", i), function))
	}
	return engine.Seq(nodes...)
}

// gives wants a run to succeed with a number.
func gives(f func(n float64) float64) func(float64, *engine.Outcome) string {
	return func(n float64, out *engine.Outcome) string {
		var got float64
		err := json.Unmarshal(out.Output, &got)
		if out.Status != engine.StatusSucceeded || err != nil || got != f(n) {
			return fmt.Sprintf("%s, want succeeded with %v", told(out), f(n))
		}
		return ""
	}
}

// fails wants a run to fail with an error of a kind.
func fails(kind string) func(float64, *engine.Outcome) string {
	return func(_ float64, out *engine.Outcome) string {
		if out.Status != engine.StatusFailed || out.Error == nil || out.Error.Kind != kind {
			return fmt.Sprintf("%s, want failed with %s", told(out), kind)
		}
		return ""
	}
}

// either wants one of two.
func either(a, b func(float64, *engine.Outcome) string) func(float64, *engine.Outcome) string {
	return func(n float64, out *engine.Outcome) string {
		first := a(n, out)
		if first == "" || b(n, out) == "" {
			return ""
		}
		return first + "; or " + b(n, out)
	}
}

// canceled wants a run to be canceled.
func canceled(_ float64, out *engine.Outcome) string {
	if out.Status != engine.StatusCanceled {
		return told(out) + ", want canceled"
	}
	return ""
}

// told is an outcome in words.
func told(out *engine.Outcome) string {
	s := fmt.Sprintf("%s with %.100s", out.Status, out.Output)
	if out.Error != nil {
		s += fmt.Sprintf(", %s: %s", out.Error.Kind, out.Error.Message)
	}
	return s
}

func plus(m float64) func(float64) float64 { return func(n float64) float64 { return n + m } }

// seconds is a number of them.
func seconds(n float64) engine.Duration { return engine.Duration(n * float64(time.Second)) }
