package wasm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// redactor finds values as they are.
type redactor []string

func newRedactor(values [][]byte) wasm.Redactor {
	var r redactor
	for _, value := range values {
		r = append(r, string(value))
	}
	return r
}

func (r redactor) Redact(text string) string {
	for _, value := range r {
		text = strings.ReplaceAll(text, value, "***")
	}
	return text
}

func (r redactor) Contains(data []byte) bool { return r.Redact(string(data)) != string(data) }

// secretStore has secrets by name; the name "down" fails.
type secretStore map[string]string

var errDown = errors.New("the store is down")

func (s secretStore) Secret(_ context.Context, name string) ([]byte, error) {
	if name == "down" {
		return nil, errDown
	}
	if value, ok := s[name]; ok {
		return []byte(value), nil
	}
	return nil, fmt.Errorf("no such secret: %w", abi.NotFound)
}

func withSecrets(tb testing.TB) *wasm.Handler {
	tb.Helper()
	return newHandler(tb, wasm.Config{
		Secrets:  secretStore{"key": "hunter2", "escaped": `hun"ter2`, "plain": "unused"},
		Redactor: newRedactor,
	})
}

type telling struct {
	Name   string
	Spaced bool
	Ways   []string
}

// newTelling calls the guest that tells a secret, with all grants it could need.
func newTelling(tb testing.TB, in telling, grants string) *engine.Call {
	tb.Helper()
	call := newCall(tb, "tell", in)
	call.Task.Grants = json.RawMessage(`{"secrets":["key","escaped","plain"],"spawn":["*"]` + grants + `}`)
	return call
}

// everything is all that comes of an attempt, as text.
func everything(tb testing.TB, call *engine.Call, r engine.Result, err error) string {
	tb.Helper()
	text := string(marshal(tb, r)) + string(marshal(tb, r.Effects)) + strings.Join(call.Sink.(*sink).lines, "\n")
	for ; err != nil; err = errors.Unwrap(err) {
		text += fmt.Sprintf("%v %+v %s", err, err, marshal(tb, err))
	}
	return text
}

// TestHandleRedacts wants no value in what a task tells while it runs and ends.
func TestHandleRedacts(t *testing.T) {
	t.Parallel()
	h := withSecrets(t)
	for way, want := range map[string]string{
		"log":       `it is ***, or "***"`,
		"progress":  "at ***",
		"message":   `refused: "***"`,
		"kind":      `"kind":"***"`,
		"panic":     "told ***",
		"terminate": "told ***",
		"cancel":    "told ***",

		"pause message": "told ***",
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			call := newTelling(t, telling{Name: "key", Ways: []string{way}}, "")
			r, err := h.Handle(t.Context(), call)
			text := everything(t, call, r, err)
			if strings.Contains(text, "hunter2") || !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), want) {
				t.Errorf("got %s, want %s in it and no value", text, want)
			}
		})
	}
}

// TestHandleDeniesOutput wants a result with a value refused, wherever it is.
func TestHandleDeniesOutput(t *testing.T) {
	t.Parallel()
	h := withSecrets(t)
	for way, where := range map[string]string{
		"result":      "its result contains",
		"key":         "its result contains",
		"channel":     "what it writes to the channel contains",
		"channel key": "what it writes to the channel contains",
		"next":        "what it hands to a next task contains",
		"next id":     "what it hands to a next task contains",
		"next spec":   "what it hands to a next task contains",
		"iteration":   "what it hands to its next iteration contains",

		"checkpoint":      "what it notes in a checkpoint contains",
		"checkpoint name": "what it notes in a checkpoint contains",
		"pause name":      "what it pauses for contains",
		"pause schema":    "what it pauses for contains",
		"pause default":   "what it pauses for contains",
	} {
		for _, secret := range []string{"key", "escaped"} {
			if secret == "escaped" && strings.HasPrefix(way, "next") {
				continue // the guest writes that JSON itself
			}
			t.Run(way+" of "+secret, func(t *testing.T) {
				t.Parallel()
				call := newTelling(t, telling{Name: secret, Ways: []string{way}}, "")
				r, err := h.Handle(t.Context(), call)
				te := taskError(t, err)
				if te.Kind != engine.KindDenied || !te.Permanent || !strings.Contains(te.Message, where) || !strings.Contains(te.Message, "allow_secret_output") {
					t.Errorf("got %s %v, want denied: %s", te.Kind, te, where)
				}
				if text := everything(t, call, r, err); strings.Contains(text, "hunter2") || strings.Contains(text, "ter2") {
					t.Errorf("got %s, want no value in it", text)
				}
			})
		}
	}
}

func TestHandleAllowsOutput(t *testing.T) {
	t.Parallel()
	h := withSecrets(t)
	in := telling{Name: "key", Ways: []string{"log", "channel", "result"}}
	call := newTelling(t, in, `,"allow_secret_output":true`)
	r, err := h.Handle(t.Context(), call)
	if err != nil || string(r.Value) != `{"list":["x","key=hunter2"]}` || string(r.Effects.Channel[0].Value) != `"hunter2"` {
		t.Errorf("got %s, %+v, %v, want the value in both", r.Value, r.Effects, err)
	}
	if lines := fmt.Sprint(call.Sink.(*sink).lines); strings.Contains(lines, "hunter2") {
		t.Errorf("got %s, want the log redacted all the same", lines)
	}

	// What is disguised is not found, and another attempt's secrets are not looked for.
	for _, call := range []*engine.Call{
		newTelling(t, telling{Name: "key", Spaced: true, Ways: []string{"result", "log"}}, ""),
		newCall(t, "echo", "hunter2"),
	} {
		if r, err := h.Handle(t.Context(), call); err != nil || !strings.Contains(strings.ReplaceAll(string(r.Value), " ", ""), "hunter2") {
			t.Errorf("got %s, %v, want it passed", r.Value, err)
		}
	}
}

func TestDenySecretOutput(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{Secrets: secretStore{}, Redactor: newRedactor, DenySecretOutput: true})
	task := newCall(t, "noop", nil).Task
	task.Grants = json.RawMessage(`{"allow_secret_output":true}`)
	if err := h.Check(t.Context(), task); err == nil || !strings.Contains(err.Error(), "allow_secret_output: the operator does not allow it") {
		t.Errorf("got %v, want it refused", err)
	}
	task.Grants = json.RawMessage(`{"allow_secret_output":false}`)
	if err := h.Check(t.Context(), task); err != nil {
		t.Errorf("got %v, want what asks for nothing allowed", err)
	}
}

// TestHandleMissing wants all missing secrets named before the guest starts.
func TestHandleMissing(t *testing.T) {
	t.Parallel()
	h := withSecrets(t)
	call := newCall(t, "echo", nil)
	call.Task.Grants = json.RawMessage(`{"secrets":["zebra","key","absent","zebra"]}`)
	_, err := h.Handle(t.Context(), call)
	te := taskError(t, err)
	if te.Kind != engine.KindDenied || !te.Permanent || !strings.Contains(te.Message, `no store has "absent", "zebra": `) {
		t.Errorf("got %s %v, want denied and both named", te.Kind, te)
	}
	if lines := call.Sink.(*sink).lines; len(lines) > 0 {
		t.Errorf("got %q, want a guest that never ran", lines)
	}
	call.Task.Grants = json.RawMessage(`{"secrets":["absent","down"]}`)
	_, err = h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != engine.KindError || te.Permanent || !errors.Is(te, errDown) {
		t.Errorf("got %s %v, want the store's error, which may pass", te.Kind, te)
	}
}

func TestNewWantsRedactor(t *testing.T) {
	t.Parallel()
	onHost, err := host()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wasm.New(wasm.Config{Host: onHost, Secrets: secretStore{}}); err == nil || !strings.Contains(err.Error(), "Config.Redactor") {
		t.Errorf("got %v, want it refused", err)
	}
}
