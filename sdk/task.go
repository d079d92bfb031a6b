package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"strings"
)

// TaskOf is a task from In to Out, made by [Task].
type TaskOf[In, Out any] struct {
	name string
	fn   func(*Context, In) (Out, error)
}

// Task declares a task and registers it for graflow_describe. Declare tasks as
// package variables; name is the export under which the guest offers it, doc
// one line on what it does. In and Out are what encoding/json makes of the
// task's input and result. A name declared twice panics.
func Task[In, Out any](name, doc string, fn func(*Context, In) (Out, error)) *TaskOf[In, Out] {
	register(registration{
		name: name,
		doc:  doc,
		in:   reflect.TypeFor[In](),
		out:  reflect.TypeFor[Out](),
		warm: warm[In, Out],
	})
	t := &TaskOf[In, Out]{name: name, fn: fn}
	offer(name, t.attempt)
	return t
}

// Name is the name the task was declared with.
func (t *TaskOf[In, Out]) Name() string { return t.name }

// Run runs the task once on the host of this module and answers 0, or 1 after
// it told the host why the task failed. It is the body of the task's export.
//
// Input that is not an In fails with kind [KindInvalidInput], permanently. A
// panic fails with kind [KindPanic], its text and its stack. In a native build
// Run works on the host of its container, see [Main], or else on an empty
// [Local]; tests use Call.
func (t *TaskOf[In, Out]) Run() int32 {
	h := thisHost()
	defer leave(h)
	return runOn(h, t.attempt)
}

// runOn makes an attempt and tells the host if it fails.
func runOn(h host, attempt func(*Context) error) int32 {
	if err := attempt(&Context{host: h}); err != nil {
		f := failureOf(err)
		h.fail(f.Kind, f.Message, f.flags())
		return 1
	}
	return 0
}

// attempt reads the input, runs the function and writes the output.
func (t *TaskOf[In, Out]) attempt(c *Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: KindPanic, Err: fmt.Errorf("%v\n\n%s", p, panicStack(debug.Stack()))}
		}
	}()
	data, err := c.host.input()
	if err != nil {
		return fmt.Errorf("read input: %w", err)
	}
	in, err := decodeInput[In](data)
	if err != nil {
		return err
	}
	out, err := t.fn(c, in)
	if err != nil {
		return err
	}
	data, err = encodeOutput(out)
	if err != nil {
		return Permanent(fmt.Errorf("encode the result of task %q: %w", t.name, err))
	}
	if err := c.host.output(data); err != nil {
		return fmt.Errorf("write output of %d bytes: %w", len(data), err)
	}
	return nil
}

// decodeInput decodes data; no input at all is null, hence the zero In.
func decodeInput[In any](data []byte) (In, error) {
	var in In
	if len(data) == 0 {
		return in, nil
	}
	err := json.Unmarshal(data, &in)
	if err == nil {
		return in, nil
	}
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		err = fmt.Errorf("input field %q: got %s, want %s", wrongType.Field, wrongType.Value, wrongType.Type)
	case errors.As(err, &wrongType):
		err = fmt.Errorf("input: got %s, want %s", wrongType.Value, wrongType.Type)
	case errors.As(err, &syntax):
		err = fmt.Errorf("input is not JSON, at byte %d: %w", syntax.Offset, err)
	default:
		err = fmt.Errorf("input: %w", err)
	}
	return in, &Error{Kind: KindInvalidInput, Err: err, Permanent: true}
}

// encodeOutput encodes a result for people to read, too: <, > and & as they are.
func encodeOutput(out any) ([]byte, error) {
	var buf bytes.Buffer
	encoder := json.NewEncoder(&buf)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// warm fills encoding/json's caches for a task's types. Its errors and panics
// come from custom codecs given nothing, and mean nothing.
func warm[In, Out any]() {
	defer func() { _ = recover() }()
	var in In
	_ = json.Unmarshal([]byte("{}"), &in)
	var out Out
	_, _ = json.Marshal(out)
}

// panicStack cuts the frames above the panic itself: the recovery's own.
func panicStack(stack []byte) string {
	text := string(stack)
	_, after, found := strings.Cut(text, "\npanic(")
	if !found {
		return text
	}
	lines := strings.SplitN(after, "\n", 3)
	return lines[len(lines)-1]
}
