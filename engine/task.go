package engine

import (
	"encoding/json"
	"fmt"
	"time"
)

// Task is a node of a graph: which handler runs it, with what, under which
// options. It is data, never code. The zero value of every option is its
// default.
type Task struct {
	// ID names the task in its graph: letters, digits, "_" and "-".
	ID string `json:"id"`
	// Handler is the name of a registered handler; "" is "direct".
	Handler string `json:"handler,omitempty"`
	// Spec is the handler's own description of the work, JSON.
	Spec json.RawMessage `json:"spec,omitempty"`
	// Limits and Grants are passed to the handler as they are, JSON.
	Limits json.RawMessage `json:"limits,omitempty"`
	Grants json.RawMessage `json:"grants,omitempty"`

	// Doc and Schema tell whoever may call the task what it does, and which input it
	// takes: a JSON Schema.
	Doc    string          `json:"doc,omitempty"`
	Schema json.RawMessage `json:"schema,omitempty"`

	// With names the values of the task's input. Strings in it may hold
	// ${expr}; a string that is one ${expr} and nothing else keeps the type
	// of the expression's value.
	With map[string]json.RawMessage `json:"with,omitempty"`
	// Params are inputs resolved by name: a bound value, else the result of
	// the task with that id, else the channel key, else the default.
	Params []Param `json:"params,omitempty"`

	// Secrets are the names of those that the task may read: an allow-list.
	Secrets []string `json:"secrets,omitempty"`
	// Output says where the task's value is kept.
	Output Output `json:"output,omitempty"`

	// Queue, Priority and Requires say which workers take the task's attempts and
	// when. In a process that is alone they mean nothing.
	//
	// Queue is the name of a queue; "" is "default". Letters, digits, "_" and "-".
	Queue string `json:"queue,omitempty"`
	// Priority is that of its attempts among those of its queue.
	Priority Priority `json:"priority,omitempty"`
	// Requires are labels that a worker must have.
	Requires map[string]string `json:"requires,omitempty"`

	// Timeout bounds one attempt; 0 is no bound.
	Timeout Duration `json:"timeout,omitempty"`
	// Deadline bounds an activation from when it is ready, with its waiting
	// and its retries; 0 is no bound. A fallback and a rollback come after it.
	Deadline Duration `json:"deadline,omitempty"`
	// QueueTimeout bounds the time that an attempt waits for a worker; 0 is
	// no bound. The delay before a retry does not count.
	QueueTimeout Duration `json:"queue_timeout,omitempty"`
	// Retry says what happens after a failed attempt; nil is no retry.
	Retry *Retry `json:"retry,omitempty"`
	// Fallback is the id of a task that runs once when the last attempt has
	// failed. Its value becomes this task's result, its effects this task's.
	Fallback string `json:"fallback,omitempty"`
	// Rollback is the id of a task that runs once before this one ends as
	// failed or, if it had begun, as canceled. Of its effects only the channel
	// writes count.
	//
	// Both get this task's own input and the key error {kind, message,
	// attempts}, and this task's Timeout. Their own retries and bounds do not
	// count. A task that is named only so, and is on no edge, is neither a
	// start nor an end.
	Rollback string `json:"rollback,omitempty"`
	// Tools are the ids of tasks that this one may call while it runs, each with an
	// input of the caller's making; With and Params of a task that is called do not
	// count. Calls are journaled, with all that becomes of them. A task that is
	// named only so, and is on no edge, is neither a start nor an end.
	Tools []string `json:"tools,omitempty"`
	// MaxCycles is the number of activations of this task that iteration,
	// goto and back edges may cause; nil is the run's, 0 is no limit.
	MaxCycles *int `json:"max_cycles,omitempty"`
	// Join says when several incoming edges start the task.
	Join Join `json:"join,omitempty"`

	// Map is an expression for a list; the task runs once an item.
	Map string `json:"map,omitempty"`
	// MaxConcurrency caps the items of a map in flight; nil is no cap.
	MaxConcurrency *int `json:"max_concurrency,omitempty"`
	// OnError is what a failed item does to a map.
	OnError OnError `json:"on_error,omitempty"`
}

// Param is an input that a task declares by name.
type Param struct {
	Name    string          `json:"name"`
	Default json.RawMessage `json:"default,omitempty"` // absent: the parameter is required
}

// Join says when several incoming edges start a task.
type Join string

// Joins. The zero value is JoinAll.
const (
	JoinAll Join = "all" // when every incoming edge is resolved and one of them is alive
	JoinAny Join = "any" // on the first edge that is satisfied
)

// OnError is what a failed item does to a map.
type OnError string

// What a failed item does. The zero value is OnErrorFail.
const (
	OnErrorFail    OnError = "fail"    // the map fails with the first failed item
	OnErrorCollect OnError = "collect" // each result is {"ok": …} or {"error": …}
)

// Output says where the value of a task is kept: in the run's journal, or as a
// blob of the run. Of a blob the value is a reference {"$blob": digest, "size":
// bytes}; the input of a task that it leads to is whole again, expressions see
// the reference.
type Output string

// Outputs. The zero value is OutputInline.
const (
	OutputInline Output = "inline"
	OutputBlob   Output = "blob"
	OutputAuto   Output = "auto" // a blob from 64 KiB on
)

// Priority says which attempts of a queue come first.
type Priority string

// Priorities. The zero value is PriorityNormal. A lower one has its turn now and
// then however much there is of a higher one.
const (
	PriorityHigh   Priority = "high"
	PriorityNormal Priority = "normal"
	PriorityLow    Priority = "low"
)

// Retry is the policy after a failed attempt. Attempts = Max + 1.
type Retry struct {
	Max      int      `json:"max"`                 // retries after the first attempt
	Delay    Duration `json:"delay,omitempty"`     // before the first retry; 0 is at once
	Backoff  float64  `json:"backoff,omitempty"`   // factor from one delay to the next; 0 is 1
	MaxDelay Duration `json:"max_delay,omitempty"` // cap of a delay; 0 is 60 s
	Jitter   bool     `json:"jitter,omitempty"`    // full jitter in [0.5d, 1.5d], capped again
	On       []string `json:"on,omitempty"`        // only errors of these kinds; empty is all
	Except   []string `json:"except,omitempty"`    // never errors of these kinds
}

// Duration is a time.Duration written as text: 300ms, 10s, 1h30m.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("duration %q: want a number with a unit, as 300ms, 10s or 1h", b)
	}
	*d = Duration(v)
	return nil
}
