package direct

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// Handler is the engine's handler for Go functions, by name. It is safe for
// concurrent use.
type Handler struct {
	mu    sync.RWMutex // guards what follows
	funcs map[string]function
	names map[string]string // function names by spec, read once
}

type function func(*Context, json.RawMessage) (json.RawMessage, error)

var (
	_ engine.Handler = (*Handler)(nil)
	_ engine.Checker = (*Handler)(nil)
)

// New makes a handler without functions.
func New() *Handler { return &Handler{funcs: map[string]function{}, names: map[string]string{}} }

// Func registers fn under a name and returns a task of that id that calls it.
// Input and output are passed as JSON, so that a task means the same wherever
// it runs. It panics when the name is taken: that is a fault of the program.
func Func[In, Out any](h *Handler, name string, fn func(c *Context, in In) (Out, error)) engine.Task {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, taken := h.funcs[name]; taken {
		panic(fmt.Sprintf("direct: function %q is registered twice", name))
	}
	h.funcs[name] = func(c *Context, raw json.RawMessage) (json.RawMessage, error) {
		var in In
		if err := decode(raw, &in); err != nil {
			return nil, &engine.TaskError{Kind: engine.KindInvalidInput, Message: fmt.Sprintf("input of task %q: %v", c.Call.Task.ID, err), Err: err}
		}
		out, err := fn(c, in)
		if err != nil {
			return nil, err
		}
		return encode(out)
	}
	return engine.Task{ID: name}
}

func decode(raw json.RawMessage, into any) error {
	if r, ok := into.(*json.RawMessage); ok {
		*r = raw
		return nil
	}
	if bytes.Equal(raw, null) {
		return nil
	}
	return json.Unmarshal(raw, into)
}

func encode(out any) (json.RawMessage, error) {
	if r, ok := out.(json.RawMessage); ok {
		return r, nil
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	return raw, nil
}

var null = []byte("null")

// spec names a function other than the task's id.
type spec struct {
	Func string `json:"func"`
}

// maxNames bounds what is remembered of specs.
const maxNames = 1024

func (h *Handler) find(t *engine.Task) (function, error) {
	name, known := t.ID, true
	h.mu.RLock()
	if len(t.Spec) > 0 {
		name, known = h.names[string(t.Spec)]
	}
	fn := h.funcs[name]
	h.mu.RUnlock()
	if !known {
		var err error
		if name, err = h.readSpec(t); err != nil {
			return nil, err
		}
		h.mu.RLock()
		fn = h.funcs[name]
		h.mu.RUnlock()
	}
	if fn == nil {
		return nil, fmt.Errorf("task %q: no Go function %q is registered", t.ID, name)
	}
	return fn, nil
}

// readSpec decodes a spec and remembers what it names.
func (h *Handler) readSpec(t *engine.Task) (string, error) {
	var s spec
	d := json.NewDecoder(bytes.NewReader(t.Spec))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return "", fmt.Errorf(`task %q: want {"func": name}: %w`, t.ID, err)
	}
	if s.Func == "" {
		return t.ID, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.names) < maxNames {
		h.names[string(t.Spec)] = s.Func
	}
	return s.Func, nil
}

// Check implements engine.Checker.
func (h *Handler) Check(_ context.Context, t *engine.Task) error {
	_, err := h.find(t)
	return err
}

// Handle implements engine.Handler. The result of a function that paused is its
// Effects.Pause, and of one that called tasks its Effects.Calls, whatever the function
// made of [ErrPaused] and [ErrCalled].
func (h *Handler) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	fn, err := h.find(call.Task)
	if err != nil {
		return engine.Result{}, &engine.TaskError{Kind: engine.KindInvalidInput, Message: err.Error(), Permanent: true}
	}
	c := &Context{Context: ctx, Call: call}
	value, err := fn(c, call.Input)
	if c.buffer == nil {
		return engine.Result{Value: value}, err
	}
	effects := c.buffer.Effects()
	switch {
	case effects.Pause != nil:
		return engine.Result{Effects: engine.Effects{Pause: effects.Pause, Cancel: effects.Cancel}}, nil
	case effects.Calls != nil:
		return engine.Result{Effects: engine.Effects{Calls: effects.Calls, Cancel: effects.Cancel}}, nil
	}
	return engine.Result{Value: value, Effects: effects}, err
}
