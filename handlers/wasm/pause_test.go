package wasm_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestHandlePause executes a guest that pauses twice, as an engine does: again
// with each answer.
func TestHandlePause(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, test := range []struct {
		answers map[string]json.RawMessage
		pause   *engine.Pause
		value   string
		told    []string
	}{
		{
			pause: &engine.Pause{Name: "approve", Message: "too much?", Schema: raw(`{"type":"boolean"}`)},
			told:  []string{"INFO asks for 7"},
		},
		{
			answers: map[string]json.RawMessage{"approve": raw("true")},
			pause:   &engine.Pause{Name: "color"},
			told:    []string{"INFO asks for 7", "INFO approved: true"},
		},
		{
			answers: map[string]json.RawMessage{"approve": raw("true"), "color": raw(`"red"`)},
			value:   `{"approved":true,"color":"red"}`,
			told:    []string{"INFO asks for 7", "INFO approved: true", "INFO color"},
		},
		{
			answers: map[string]json.RawMessage{"approve": raw("null"), "color": nil},
			value:   `{"approved":false,"color":null}`,
			told:    []string{"INFO asks for 7", "INFO approved: false", "INFO color"},
		},
	} {
		call := newCall(t, "purchase", 7)
		call.Answers = test.answers
		r, err := h.Handle(t.Context(), call)
		if err != nil {
			t.Fatal(err)
		}
		want := engine.Effects{Pause: test.pause}
		if test.pause == nil {
			want.Channel = []engine.ChannelOp{{Op: engine.OpAdd, Key: "asked", Value: raw("1")}}
			want.Checkpoints = []engine.Checkpoint{{Name: "bought", Meta: raw(`{"price":7}`)}, {}}
		}
		if !reflect.DeepEqual(r.Effects, want) || string(r.Value) != test.value {
			t.Errorf("%s: got %s, %s, want %s, %s", test.answers, r.Value, marshal(t, r.Effects), test.value, marshal(t, want))
		}
		if got := call.Sink.(*sink).lines; !slices.Equal(got, test.told) {
			t.Errorf("%s: told %q, want %q", test.answers, got, test.told)
		}
		if len(r.Ledger) == 0 {
			t.Errorf("%s: no ledger", test.answers)
		}
	}
}

func TestHandlePauseFields(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	for _, want := range []engine.Pause{
		{Name: "a", Message: "m", Timeout: engine.Duration(90 * time.Second), Default: json.RawMessage(`{"x":1}`)},
		{Name: "a", Timeout: 1, Default: json.RawMessage("null")},
		{Name: "a", Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		{Name: "a", After: engine.Duration(time.Hour)},
	} {
		// The guest's document has the same names.
		r, err := h.Handle(t.Context(), newCall(t, "wait", want))
		if err != nil || !reflect.DeepEqual(r.Effects.Pause, &want) {
			t.Errorf("got %s, %v, want %s", marshal(t, r.Effects), err, marshal(t, want))
		}
	}
	r, err := h.Handle(t.Context(), newCall(t, "wait", map[string]any{"name": "a", "schema": nil}))
	if err != nil || r.Effects.Pause == nil || r.Effects.Pause.Schema != nil {
		t.Errorf("schema null: got %s, %v, want none", marshal(t, r.Effects), err)
	}
	_, err = h.Handle(t.Context(), newCall(t, "wait", map[string]any{"name": "a", "default": 1}))
	if te := taskError(t, err); te.Kind != engine.KindInvalidInput || !te.Permanent || !strings.Contains(te.Message, "a default needs a timeout") {
		t.Errorf("a default alone: got %s %v, want invalid_input", te.Kind, te)
	}
}

// TestHandlePauseEnds wants nothing but a cancel of a guest that pauses, and no
// step of it after that.
func TestHandlePauseEnds(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	r, err := h.Handle(t.Context(), newCall(t, "wait", abi.Pause{Name: "cancel"}))
	message := "stop it"
	if want := (engine.Effects{Pause: &engine.Pause{Name: "cancel"}, Cancel: &message}); err != nil || !reflect.DeepEqual(r.Effects, want) {
		t.Errorf("got %s, %v, want %s", marshal(t, r.Effects), err, marshal(t, want))
	}
	call := newCall(t, "hide", nil)
	r, err = h.Handle(t.Context(), call)
	if want := (engine.Effects{Pause: &engine.Pause{Name: "a"}}); err != nil || r.Value != nil || !reflect.DeepEqual(r.Effects, want) {
		t.Errorf("got %s, %s, %v, want only the pause", r.Value, marshal(t, r.Effects), err)
	}
	if lines := call.Sink.(*sink).lines; len(lines) > 0 {
		t.Errorf("told %q after the pause", lines)
	}
}

// TestHandlePauseBound keeps a guest from pausing for ever.
func TestHandlePauseBound(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	call := newCall(t, "wait", abi.Pause{Name: "a", After: 1})
	call.Answers = map[string]json.RawMessage{}
	for i := range 1000 {
		call.Answers[strconv.Itoa(i)] = json.RawMessage("null")
	}
	r, err := h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != engine.KindError || !te.Permanent || r.Effects.Pause != nil || !strings.Contains(te.Message, "has paused 1000 times") {
		t.Errorf("got %s %v, %s, want it refused", te.Kind, te, marshal(t, r.Effects))
	}
	delete(call.Answers, "0")
	if r, err := h.Handle(t.Context(), call); err != nil || r.Effects.Pause == nil {
		t.Errorf("got %s, %v, want one more pause", marshal(t, r.Effects), err)
	}
}

func TestHandlePauseDenied(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	for export, input := range map[string]any{"wait": abi.Pause{Name: "a"}, "purchase": 7} {
		call := newCall(t, export, input)
		call.Task.Grants = json.RawMessage(`{"control":false}`)
		call.Answers = map[string]json.RawMessage{"a": json.RawMessage("1")}
		r, err := h.Handle(t.Context(), call)
		if te := taskError(t, err); te.Kind != engine.KindDenied || r.Effects.Pause != nil {
			t.Errorf("%s: got %s %v, %s, want denied", export, te.Kind, te, marshal(t, r.Effects))
		}
	}
}

// TestTaskSecrets wants a task's own list to count as one in its grants.
func TestTaskSecrets(t *testing.T) {
	t.Parallel()
	h := withSecrets(t)
	call := newTelling(t, telling{Name: "key", Ways: []string{"log"}}, "")
	call.Task.Grants, call.Task.Secrets = json.RawMessage(`{"secrets":["plain"]}`), []string{"key", "plain"}
	if _, err := h.Handle(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if got, want := call.Sink.(*sink).lines, []string{`INFO it is ***, or "***"`}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	call = newTelling(t, telling{Name: "key", Ways: []string{"result"}}, "")
	call.Task.Grants, call.Task.Secrets = nil, []string{"key"}
	_, err := h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != engine.KindDenied || !strings.Contains(te.Message, "its result contains") {
		t.Errorf("got %s %v, want the result refused", te.Kind, te)
	}
	call.Task.Secrets = []string{"absent", "key"}
	_, err = h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != engine.KindDenied || !strings.Contains(te.Message, `no store has "absent": `) {
		t.Errorf("got %s %v, want the missing one named", te.Kind, te)
	}

	call = newCall(t, "spawn", []abi.NextTask{{ID: "b", Spec: json.RawMessage(`"#echo"`)}})
	call.Task.Secrets = []string{"key"}
	r, err := h.Handle(t.Context(), call)
	if err != nil || len(r.Effects.Next) != 1 || !slices.Equal(r.Effects.Next[0].Task.Secrets, call.Task.Secrets) {
		t.Errorf("got %s, %v, want the secrets of the spawner", marshal(t, r.Effects), err)
	}

	narrow := newHandler(t, wasm.Config{Grants: &wasmhost.Grants{Secrets: []string{"plain"}}})
	task := newCall(t, "noop", nil).Task
	task.Secrets = []string{"plain"}
	if err := narrow.Check(t.Context(), task); err != nil {
		t.Errorf("got %v, want what the operator allows accepted", err)
	}
	task.Secrets = []string{"key"}
	if err := narrow.Check(t.Context(), task); err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("got %v, want what the operator does not allow refused", err)
	}
}
