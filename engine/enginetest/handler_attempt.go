package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// values are JSON by name.
type values map[string]string

func (v values) raw() map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for name, value := range v {
		all[name] = json.RawMessage(value)
	}
	return all
}

// newCall is the first attempt of a task "t".
func (s HandlerSuite) newCall(t *testing.T, program Program, input string, channel, results values) *engine.Call {
	t.Helper()
	task := s.task(t, "t", program)
	return &engine.Call{
		Run: "run-1", Flow: "flow", Task: &task, Activation: "t", Attempt: 1, MaxAttempts: 1, Cycle: 1, MaxCycles: 10,
		Input: json.RawMessage(input), View: engine.NewView(channel.raw(), results.raw()), Sink: &told{},
	}
}

// attempt has a handler make an attempt, as an engine would: a panic is an error.
func attempt(ctx context.Context, h engine.Handler, call *engine.Call) (r engine.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &engine.TaskError{Kind: engine.KindPanic, Message: fmt.Sprint(p)}
		}
	}()
	return h.Handle(ctx, call)
}

// once makes one attempt of a program and wants it to succeed.
func (s HandlerSuite) once(t *testing.T, program Program, input string, channel, results values) (engine.Result, *told) {
	t.Helper()
	call := s.newCall(t, program, input, channel, results)
	r, err := attempt(t.Context(), s.New(t), call)
	if err != nil {
		t.Fatalf("%s of %.200s: %v", program, input, err)
	}
	return r, call.Sink.(*told)
}

// told is a sink that keeps what it is told. It is safe for concurrent use.
type told struct {
	mu    sync.Mutex // guards lines
	lines []string

	line func(message string) // if set, is told each log line too
}

func (s *told) Log(level slog.Level, message string) {
	s.keep("%s %s", level, message)
	if s.line != nil {
		s.line(message)
	}
}

func (s *told) Progress(done, total float64, note string) { s.keep("%v of %v %s", done, total, note) }

func (s *told) keep(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// has tells whether a line is among them.
func (s *told) has(line string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l == line {
			return true
		}
	}
	return false
}

// after is the channel that an attempt's effects make of one.
func after(t *testing.T, channel values, ops []engine.ChannelOp) map[string]json.RawMessage {
	t.Helper()
	all := channel.raw()
	for _, op := range ops {
		v, err := engine.ApplyOp(all[op.Key], op)
		if err != nil {
			t.Fatalf("channel: %+v: %v", op, err)
		}
		if all[op.Key] = v; v == nil {
			delete(all, op.Key)
		}
	}
	return all
}

// wantJSON wants two JSON documents to mean the same. Nothing is null.
func wantJSON(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	if !sameJSON(got, []byte(want)) {
		t.Errorf("%s: got %.300s, want %.300s", what, got, want)
	}
}

func sameJSON(a, b []byte) bool {
	x, xErr := decoded(a)
	y, yErr := decoded(b)
	return xErr == nil && yErr == nil && reflect.DeepEqual(x, y)
}

// decoded keeps numbers as they are written.
func decoded(data []byte) (v any, err error) {
	if len(data) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return v, d.Decode(&v)
}

// wantChannel wants a channel to hold these values and no others.
func wantChannel(t *testing.T, got map[string]json.RawMessage, want values) {
	t.Helper()
	for name, value := range want {
		wantJSON(t, "channel key "+name, got[name], value)
	}
	for name := range maps.Keys(got) {
		if _, ok := want[name]; !ok {
			t.Errorf("channel: got key %q = %.300s, want none", name, got[name])
		}
	}
}

// asTaskError is an error of an attempt as an engine takes it.
func asTaskError(t *testing.T, err error) *engine.TaskError {
	t.Helper()
	if err == nil {
		t.Fatal("got no error")
	}
	var te *engine.TaskError
	if errors.As(err, &te) {
		return te
	}
	return &engine.TaskError{Kind: engine.KindError, Message: err.Error()}
}
