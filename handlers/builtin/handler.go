package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Config configures a Handler. The zero value is usable.
type Config struct {
	// Now tells the time for "now". nil: time.Now.
	Now func() time.Time
	// CheckSchema tells whether a value fits a JSON Schema; with it, Check looks
	// at schemas and defaults of pauses. nil: it does not.
	CheckSchema func(schema, value json.RawMessage) error
	// Random is where uuid, choice, randint and randrange draw from; calls to
	// it are serialized. nil: the operating system's secure source.
	Random rand.Source
}

// Handler runs built-in tasks. It is safe for concurrent use.
type Handler struct {
	now         func() time.Time
	random      *rand.Rand
	checkAnswer func(schema, value json.RawMessage) error // nil: not checked
}

var (
	_ engine.Handler = (*Handler)(nil)
	_ engine.Checker = (*Handler)(nil)
)

// New returns a handler of built-in tasks. It does not fail.
func New(config Config) (*Handler, error) {
	h := &Handler{now: config.Now, random: rand.New(secureSource{}), checkAnswer: config.CheckSchema}
	if h.now == nil {
		h.now = time.Now
	}
	if config.Random != nil {
		h.random = rand.New(&lockedSource{source: config.Random})
	}
	return h, nil
}

// Check accepts a spec that names a built-in task, and, where the task binds
// its inputs by name, the names, and of a sleep and a pause the values that are
// no expressions.
func (h *Handler) Check(_ context.Context, task *engine.Task) error {
	name, f, err := lookup(task.Spec)
	if err != nil {
		return err
	}
	if len(task.With) == 0 || len(f.params) == 0 {
		return nil
	}
	err = f.checkNames(task.With)
	if err == nil && f.check != nil {
		err = f.check(h, literals(task.With))
	}
	if err != nil {
		return fmt.Errorf("builtin %q: %w", name, err)
	}
	return nil
}

// Handle runs one attempt, at once. A pause, and a sleep of some length, return
// Effects.Pause as long as call.Answers lacks theirs. Errors are
// *engine.TaskError of kind invalid_input.
func (h *Handler) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	name, f, err := lookup(call.Task.Spec)
	if err != nil {
		return engine.Result{}, invalid(call, err)
	}
	var p params
	if len(f.params) > 0 {
		p, err = f.decode(call.Input, call.Recovers != "")
	}
	a := &attempt{Handler: h, call: call}
	var value any
	if err == nil {
		value, err = f.run(a, p)
	}
	var wrong *inputError
	switch {
	case errors.As(err, &wrong):
		return engine.Result{}, invalid(call, fmt.Errorf("builtin %q: %w", name, err))
	case err != nil:
		return engine.Result{}, fmt.Errorf("task %q: builtin %q: %w", call.Task.ID, name, err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return engine.Result{}, fmt.Errorf("task %q: builtin %q: encode result: %w", call.Task.ID, name, err)
	}
	return engine.Result{Value: data, Effects: a.effects}, nil
}

func invalid(call *engine.Call, err error) error {
	return &engine.TaskError{
		Kind: engine.KindInvalidInput, Message: fmt.Sprintf("task %q: %v", call.Task.ID, err),
		Task: call.Task.ID, Permanent: true, Err: err,
	}
}

// lookup finds the built-in task that a spec names.
func lookup(spec json.RawMessage) (string, function, error) {
	name, err := specName(spec)
	if err != nil {
		return "", function{}, err
	}
	f, ok := functions[name]
	if !ok {
		return "", function{}, fmt.Errorf("no builtin %q: there are %s", name, list(Names()))
	}
	return name, f, nil
}

// specName reads "NAME" or {"name": "NAME"}.
func specName(spec json.RawMessage) (string, error) {
	var name string
	if json.Unmarshal(spec, &name) == nil && name != "" {
		return name, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(spec, &fields); err != nil || json.Unmarshal(fields["name"], &name) != nil || name == "" {
		return "", fmt.Errorf(`builtin spec: want {"name": NAME} or "NAME", NAME being one of %s`, list(Names()))
	}
	for key := range fields {
		if key != "name" {
			return "", fmt.Errorf("builtin spec: unknown key %q: the only one is \"name\"; parameters go into the task's input", key)
		}
	}
	return name, nil
}

// Names lists the built-in tasks, sorted.
func Names() []string {
	names := make([]string, 0, len(functions))
	for name := range functions {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// list prints names quoted, with commas.
func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return strings.Join(quoted, ", ")
}
