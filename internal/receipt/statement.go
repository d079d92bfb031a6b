package receipt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Types of what is signed.
const (
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/graflow/graflow-wasm/receipt/v1"
)

// Version is that of the predicate. A reader refuses others.
const Version = 1

// Statement is an in-toto Statement v1. Its subject is the output of the run.
type Statement struct {
	Type          string    `json:"_type"`
	Subject       []Subject `json:"subject"`
	PredicateType string    `json:"predicateType"`
	Predicate     Predicate `json:"predicate"`
}

// Subject is an artifact that a statement is about.
type Subject struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // algorithm to hex
}

// Predicate is what a receipt says of a run.
type Predicate struct {
	Version int      `json:"version"`
	Made    Software `json:"made"` // what wrote the receipt
	Run     string   `json:"run"`  // guests can read it
	Flow    Flow     `json:"flow"`
	// Seed is what the randomness of the tasks follows from which ask for none of
	// their own; nil: the run was begun without.
	Seed *uint64 `json:"seed,string,omitempty"`
	// Clock is where the virtual clock of such tasks starts.
	Clock  time.Time     `json:"clock"`
	Input  Value         `json:"input"`
	Output Value         `json:"output"`
	Status engine.Status `json:"status"`
	Reason string        `json:"reason,omitempty"`
	// Disturbed tells what came from outside and makes the end of the run, or which
	// tasks ran, something that can't be repeated: "" is nothing.
	Disturbed string    `json:"disturbed,omitempty"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended"`
	Origin    string    `json:"origin,omitempty"` // the run whose checkpoint it went on from
	Tasks     []Task    `json:"tasks"`
	Steps     []Step    `json:"steps"` // in the order in which they were committed
	Answers   []Answer  `json:"answers,omitempty"`
	Retries   []Retry   `json:"retries,omitempty"`
}

// Software is the program that wrote a receipt.
type Software struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Wazero   string `json:"wazero,omitempty"` // version of the WebAssembly compiler
	Meter    string `json:"meter,omitempty"`  // version of the tariff of fuel
}

// Flow is the graph that was run, with each module by its digest.
type Flow struct {
	Name   string          `json:"name"`
	Digest string          `json:"digest"`
	Graph  json.RawMessage `json:"graph,omitempty"` // if the receipt carries it
}

// Value is a JSON value by the digest of its canonical form.
type Value struct {
	Digest string          `json:"digest"`
	Bytes  int             `json:"bytes"`           // of the canonical form
	Value  json.RawMessage `json:"value,omitempty"` // if the receipt carries it
}

// Task is code that ran, and what it was given.
type Task struct {
	ID      string `json:"id"`
	Handler string `json:"handler"`
	Module  string `json:"module,omitempty"` // digest; of a script that of its interpreter
	Export  string `json:"export,omitempty"`
	Name    string `json:"name,omitempty"` // of the module, as its guest sees it
	Spec    string `json:"spec"`           // digest of all that its handler was told
	Clock   string `json:"clock,omitempty"`
	Random  string `json:"random,omitempty"`
	Seed    string `json:"seed,omitempty"`
	// Limits are as the task has them, Grants the digest of its grants and Granted their
	// names. Values of environment variables and the like are not told.
	Limits  json.RawMessage `json:"limits,omitempty"`
	Grants  string          `json:"grants,omitempty"`
	Granted []string        `json:"granted,omitempty"`
	// Reproducible tells that the same input gives the same output and fuel; else Why
	// tells what else it depends on.
	Reproducible bool   `json:"reproducible"`
	Why          string `json:"why,omitempty"`
}

// Ends of steps.
const (
	EndCompleted = "completed"
	EndFailed    = "failed"
	EndPaused    = "paused" // it asked for an answer; it is executed again with that
	EndCalled    = "called" // it called tasks; it is executed again once they have ended
)

// Step is one execution of an attempt, up to what was committed of it.
type Step struct {
	Activation string `json:"activation"`
	Task       int    `json:"task"` // of Predicate.Tasks
	Attempt    int    `json:"attempt"`
	Input      Value  `json:"input"`
	End        string `json:"end"`
	Kind       string `json:"kind,omitempty"`    // of the error of a failed one
	Output     Value  `json:"output,omitzero"`   // of a completed one
	Effects    string `json:"effects,omitempty"` // digest of what it asked for besides; "" is nothing
	Fuel       int64  `json:"fuel,string,omitempty"`
	// Since and Called are the times that a task with tools was told: when it became
	// ready, and when each of its calls had ended.
	Since  time.Time   `json:"since,omitzero"`
	Called []time.Time `json:"called,omitempty"`
	// Reproducible is that of the task, unless this attempt ended as it did for a reason
	// outside of it, which Why tells.
	Reproducible bool   `json:"reproducible"`
	Why          string `json:"why,omitempty"`
	// Result is what the attempt has left, if the receipt carries that: of those which
	// can't be repeated.
	Result *Result `json:"result,omitempty"`
}

// Result is all that an attempt which can't be repeated has left.
type Result struct {
	Value   json.RawMessage `json:"value,omitempty"`
	Effects engine.Effects  `json:"effects,omitzero"`
	Message string          `json:"message,omitempty"` // of its error
	Final   bool            `json:"final,omitempty"`   // the error is not retried
}

// Answer is one that a pause had.
type Answer struct {
	Activation string `json:"activation"`
	Pause      string `json:"pause,omitempty"`
	Answer     Value  `json:"answer"`
	Timer      bool   `json:"timer,omitempty"` // nobody gave it: its time was over
}

// Retry is that a run which had ended was let go on.
type Retry struct {
	Task  string `json:"task,omitempty"`
	Input *Value `json:"input,omitempty"` // nil: the task's own
}

// readStatement reads what is signed, strictly.
func readStatement(payload []byte) (*Statement, error) {
	var head struct {
		Type          string `json:"_type"`
		PredicateType string `json:"predicateType"`
		Predicate     struct {
			Version int `json:"version"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	switch {
	case head.Type != StatementType || head.PredicateType != PredicateType:
		return nil, fmt.Errorf("%w: it is a signed statement of type %.120q, want %q", ErrMalformed, head.PredicateType, PredicateType)
	case head.Predicate.Version != Version:
		return nil, fmt.Errorf("%w: it is a receipt of version %d, this program reads version %d", ErrMalformed, head.Predicate.Version, Version)
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.DisallowUnknownFields()
	s := &Statement{}
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return s, s.check()
}

// check finds what no receipt says, so that who reads it need not.
func (s *Statement) check() error {
	p := &s.Predicate
	for i, step := range p.Steps {
		if step.Task < 0 || step.Task >= len(p.Tasks) {
			return fmt.Errorf("%w: steps[%d] is of task %d, of %d", ErrMalformed, i, step.Task, len(p.Tasks))
		}
	}
	hex := strings.TrimPrefix(p.Output.Digest, digestPrefix)
	if len(s.Subject) != 1 || s.Subject[0].Digest["sha256"] != hex {
		return fmt.Errorf("%w: its subject is not the output of the run", ErrMalformed)
	}
	return p.checkCarried()
}

// checkCarried compares what the receipt carries with the digests that it tells.
func (p *Predicate) checkCarried() error {
	carried := map[string]Value{"input": p.Input, "output": p.Output}
	for i, a := range p.Answers {
		carried[fmt.Sprintf("answers[%d]", i)] = a.Answer
	}
	for i, r := range p.Retries {
		if r.Input != nil {
			carried[fmt.Sprintf("retries[%d]", i)] = *r.Input
		}
	}
	for i, step := range p.Steps {
		if step.Result != nil && step.End == EndCompleted {
			v := step.Output
			v.Value = orNull(step.Result.Value)
			carried[fmt.Sprintf("steps[%d]", i)] = v
		}
	}
	for name, v := range carried {
		if v.Value == nil {
			continue
		}
		if got, err := valueOf(v.Value); err != nil || got.Digest != v.Digest {
			return fmt.Errorf("%w: the %s that it carries has not the digest that it tells", ErrMalformed, name)
		}
	}
	return nil
}
