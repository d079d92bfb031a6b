//go:build !wasip1

package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// LocalConfig is what a [Local] starts with. The zero value is the first
// attempt of a first cycle, free to iterate, with nothing to be found.
type LocalConfig struct {
	Meta    abi.Meta          // zero: run "local", task "task", attempt 1 of 1, cycle 1, CanIterate
	Results map[string]any    // results of other tasks, by id, as JSON
	Channel map[string]any    // the channel's first content, as JSON
	Secrets map[string]string // secrets granted

	Pauses map[string]any                                                 // answers to pauses, by name, as JSON; without one, a pause ends the call
	HTTP   func(abi.HTTPRequest) (abi.HTTPResponse, error)                // nil denies requests
	Tools  map[string]func(args json.RawMessage) (json.RawMessage, error) // a missing tool is not found
}

// Effects are what a task asked of a [Local] besides its result, in order.
type Effects struct {
	Next        []abi.NextTask
	Iteration   json.RawMessage // the last NextIteration's data, nil without data
	Iterates    bool            // NextIteration was called
	Terminated  *string         // the message of Terminate
	Canceled    *string         // the message of Cancel
	Checkpoints []Checkpoint
	Paused      *abi.Pause // the pause without an answer that ended the call
	Logs        []LogLine
	Progress    []Progress
	Failure     *Failure // how the task failed; nil when it did not
}

// Checkpoint is one that a task asked for. Name is "" if it gave none, Meta nil
// likewise.
type Checkpoint struct {
	Name string
	Meta json.RawMessage
}

// LogLine is one line of an attempt's log.
type LogLine struct {
	Level slog.Level
	Text  string
}

// Progress is one word on progress.
type Progress struct {
	Done, Total float64
	Note        string
}

// Local is an in-memory host on which tasks run natively. Its channel outlives
// a call, so that tasks can be called in turn; its effects are those of the
// last call. Calls run one at a time; the rest is safe for concurrent use.
type Local struct {
	calling sync.Mutex // held for the length of a call

	mu      sync.Mutex // guards the fields below
	config  LocalConfig
	results map[string]json.RawMessage
	channel map[string]json.RawMessage
	in, out []byte
	effects Effects
}

// NewLocal makes a Local. A value in the config that is no JSON panics.
func NewLocal(config LocalConfig) *Local {
	if config.Meta == (abi.Meta{}) {
		config.Meta = abi.Meta{
			Run: "local", Task: "task", Activation: "task@1",
			Attempt: 1, MaxAttempts: 1, Cycle: 1, CanIterate: true,
		}
	}
	return &Local{config: config, results: encodeAll(config.Results), channel: encodeAll(config.Channel)}
}

// errPaused unwinds a task that pauses on a Local.
var errPaused = errors.New("paused: the call has no answer, see LocalConfig.Pauses")

// Call runs the task on l, or on a fresh Local if l is nil, as a host would:
// in and the result go through JSON. The error is the one that the task
// returned; how it looks to the engine is in l's effects. A pause without an
// answer ends the call with an error, too, but is no Failure: Effects.Paused has
// it. Other than on a real host, deferred calls run.
func (t *TaskOf[In, Out]) Call(l *Local, in In) (Out, error) {
	var out Out
	data, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("encode the input of task %q: %w", t.name, err)
	}
	result, err := t.CallJSON(l, data)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(result, &out); err != nil {
		return out, fmt.Errorf("decode the result of task %q: %w", t.name, err)
	}
	return out, nil
}

// CallJSON is [TaskOf.Call] with the input and the result as they travel.
func (t *TaskOf[In, Out]) CallJSON(l *Local, in json.RawMessage) (json.RawMessage, error) {
	if l == nil {
		l = NewLocal(LocalConfig{})
	}
	l.calling.Lock()
	defer l.calling.Unlock()
	l.begin(in)
	err := t.attempt(&Context{host: l})
	if l.paused() {
		return nil, errPaused
	}
	if err != nil {
		f := failureOf(err)
		l.fail(f.Kind, f.Message, f.flags())
		return nil, err
	}
	return l.written(), nil
}

// Effects is what the last call asked for.
func (l *Local) Effects() Effects {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.effects
}

// Channel is a copy of the channel, its values as JSON.
func (l *Local) Channel() map[string]json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.channel)
}

// SetMeta changes what the next call is told it is part of.
func (l *Local) SetMeta(meta abi.Meta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.config.Meta = meta
}

func (l *Local) begin(in []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in, l.out, l.effects = in, nil, Effects{}
}

// paused drops what else the call asked for if it has paused.
func (l *Local) paused() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.effects
	if e.Paused == nil {
		return false
	}
	l.effects = Effects{Paused: e.Paused, Canceled: e.Canceled, Logs: e.Logs, Progress: e.Progress}
	return true
}

func (l *Local) written() json.RawMessage {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out
}

func encodeAll(values map[string]any) map[string]json.RawMessage {
	encoded := make(map[string]json.RawMessage, len(values))
	for key, value := range values {
		data, err := json.Marshal(value)
		if err != nil {
			panic(fmt.Sprintf("sdk: encode local value %q: %v", key, err))
		}
		encoded[key] = data
	}
	return encoded
}
