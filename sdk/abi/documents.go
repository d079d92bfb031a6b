package abi

import (
	"encoding/json"
	"errors"
	"time"
)

// Meta tells an attempt what it is part of.
type Meta struct {
	Run         string `json:"run"`
	Task        string `json:"task"`
	Activation  string `json:"activation"`
	Attempt     int    `json:"attempt"`      // 1-based
	MaxAttempts int    `json:"max_attempts"` // 1 + retries
	Cycle       int    `json:"cycle"`        // 1-based visit of the task
	MaxCycles   int    `json:"max_cycles"`   // 0: no limit
	CanIterate  bool   `json:"can_iterate"`
}

// NextTask asks for a task to run next. With Handler it names a new task; with
// ID alone an existing one, which implies Goto.
type NextTask struct {
	ID      string          `json:"id"`
	Handler string          `json:"handler,omitempty"`
	Spec    json.RawMessage `json:"spec,omitempty"`  // the handler's spec; for wasm "ref#export", or "#export" of the caller's own module
	Input   json.RawMessage `json:"input,omitempty"` // absent: the caller's result
	Goto    bool            `json:"goto,omitempty"`
}

// Pause asks a person for input. Only Name is required. A wait without Timeout,
// Until and After has no end of its own.
type Pause struct {
	Name    string          `json:"name"`              // what the answer is given to
	Message string          `json:"message,omitempty"` // tells whoever is asked what it is about
	Schema  json.RawMessage `json:"schema,omitempty"`  // JSON Schema of the answer; absent takes any
	// Timeout bounds the wait. Then the answer is Default, or without one the
	// task fails with kind pause_timeout. Default needs a Timeout.
	Timeout Duration        `json:"timeout,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
	// Until or After, not both, end the wait by themselves, with the answer null.
	Until time.Time `json:"until,omitzero"`
	After Duration  `json:"after,omitempty"`
}

// Check reports what makes a pause that no host takes.
func (p Pause) Check() error {
	switch {
	case p.Name == "":
		return errors.New("it has no name")
	case p.Timeout < 0 || p.After < 0:
		return errors.New("a time to wait is negative")
	case p.Timeout == 0 && len(p.Default) > 0 && string(p.Default) != "null":
		return errors.New("a default needs a timeout, after which it is the answer")
	case !p.Until.IsZero() && p.After != 0:
		return errors.New("until and after exclude each other")
	}
	return nil
}

// Duration is a time.Duration written as text: "300ms", "10s", "1h30m".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// Description is what graflow_describe writes.
type Description struct {
	Tasks []TaskDescription `json:"tasks"`
}

// TaskDescription documents one task export.
type TaskDescription struct {
	Name   string          `json:"name"`
	Doc    string          `json:"doc,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`  // JSON Schema
	Output json.RawMessage `json:"output,omitempty"` // JSON Schema
}

// HTTPRequest is a request under the egress rules of the attempt.
type HTTPRequest struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// HTTPResponse answers it.
type HTTPResponse struct {
	Status int                 `json:"status"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"body,omitempty"`
}
