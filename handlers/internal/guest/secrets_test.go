package guest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// redactor finds values as they are.
type redactor []string

func newRedactor(values [][]byte) guest.Redactor {
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

// store has secrets by name; the name "down" fails.
type store map[string]string

var errDown = errors.New("the store is down")

func (s store) Secret(_ context.Context, name string) ([]byte, error) {
	if name == "down" {
		return nil, errDown
	}
	if value, ok := s[name]; ok {
		return []byte(value), nil
	}
	return nil, fmt.Errorf("no such secret: %w", abi.NotFound)
}

func grant(t *testing.T, output bool) *guest.Secrets {
	t.Helper()
	s, err := guest.Grant(t.Context(), store{"a": "hunter2", "b": `hun"ter2`, "c": "unasked"}, newRedactor, []string{"b", "a", "b"}, output)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestGrant(t *testing.T) {
	t.Parallel()
	s := grant(t, false)
	if got := s.Names(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	value, err := s.Secret(t.Context(), "a")
	if err != nil || string(value) != "hunter2" {
		t.Errorf("got %s, %v", value, err)
	}
	clear(value)
	if value, err := s.Secret(t.Context(), "a"); string(value) != "hunter2" {
		t.Errorf("got %q, %v, want a copy that its reader may change", value, err)
	}
	if _, err := s.Secret(t.Context(), "c"); !errors.Is(err, abi.NotFound) {
		t.Errorf("got %v, want what was not granted not found", err)
	}
	none, err := guest.Grant(t.Context(), nil, nil, []string{"a"}, false)
	if err != nil || len(none.Names()) > 0 || none.Redact("hunter2") != "hunter2" || none.CheckOutput(engine.Result{Value: json.RawMessage(`"hunter2"`)}) != nil {
		t.Errorf("got %+v, %v, want none without a store", none, err)
	}
}

func TestGrantFails(t *testing.T) {
	t.Parallel()
	failure := func(ctx context.Context, names ...string) *engine.TaskError {
		_, err := guest.Grant(ctx, store{"a": "x"}, newRedactor, names, false)
		return guest.SecretFailure(ctx, &engine.TaskError{Kind: engine.KindTimeout, Message: err.Error()}, fmt.Errorf("wrapped: %w", err))
	}
	if got := failure(t.Context(), "z", "a", "y"); got.Kind != engine.KindDenied || !got.Permanent || !strings.Contains(got.Message, `no store has "y", "z": `) {
		t.Errorf("got %+v, want denied and both named", got)
	}
	if got := failure(t.Context(), "down", "z"); got.Kind != engine.KindError || got.Permanent || !strings.Contains(got.Message, `fetch secret "down": the store is down`) {
		t.Errorf("got %+v, want the store's error, which may pass", got)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if got := failure(done, "z"); got.Kind != engine.KindTimeout {
		t.Errorf("got %+v, want the kind of the end of the attempt kept", got)
	}
}

// lines is a sink that keeps what it is told.
type lines []string

func (l *lines) Log(_ slog.Level, message string)       { *l = append(*l, message) }
func (l *lines) Progress(_, _ float64, note string)     { *l = append(*l, note) }
func leak(format string, args ...any) *engine.TaskError { return told(fmt.Sprintf(format, args...)) }

func told(text string) *engine.TaskError {
	return &engine.TaskError{Kind: text, Message: text, Stack: text, Err: errors.New(text)}
}

func TestSecretsHide(t *testing.T) {
	t.Parallel()
	s := grant(t, true)
	var l lines
	s.Sink(&l).Log(slog.LevelInfo, "it is hunter2")
	s.Sink(&l).Progress(1, 2, "at hunter2")
	if got := strings.Join(l, ", "); got != "it is ***, at ***" {
		t.Errorf("got %q", got)
	}
	if got := s.Hide(told("x hunter2")); got.Kind != "x ***" || got.Message != "x ***" || got.Stack != "x ***" || got.Err != nil {
		t.Errorf("got %#v, want no value in it", got)
	}
	if got := s.Hide(told("fine")); got.Err == nil || got.Message != "fine" {
		t.Errorf("got %#v, want it as it was", got)
	}
	if got := s.Hide(&engine.TaskError{Message: "fine", Err: errors.New("hunter2")}); got.Err != nil {
		t.Errorf("got %v, want what would be printed some day dropped", got.Err)
	}
}

func TestSecretsCheckOutput(t *testing.T) {
	t.Parallel()
	plain, escaped := json.RawMessage(`{"k":["hunter2"]}`), json.RawMessage(`["hun\"ter2"]`)
	for _, v := range []json.RawMessage{plain, escaped} {
		for where, r := range map[string]engine.Result{
			"its result":                       {Value: v},
			"what it writes to the channel":    {Effects: engine.Effects{Channel: []engine.ChannelOp{{Key: "k"}, {Key: "l", Value: v}}}},
			"what it hands to a next task":     {Effects: engine.Effects{Next: []engine.NextTask{{Input: v}}}},
			"what it hands to its next":        {Effects: engine.Effects{Iterate: &engine.Iteration{Data: v}}},
			"what it notes in a checkpoint":    {Effects: engine.Effects{Checkpoints: []engine.Checkpoint{{Meta: v}}}},
			"what it pauses for":               {Effects: engine.Effects{Pause: &engine.Pause{Default: v}}},
			"what it writes to the channel ":   {Effects: engine.Effects{Channel: []engine.ChannelOp{{Key: "hunter2"}}}},
			"what it hands to a next task ":    {Effects: engine.Effects{Next: []engine.NextTask{{Task: engine.Task{ID: "hunter2"}}}}},
			"what it hands to a next task  ":   {Effects: engine.Effects{Next: []engine.NextTask{{Task: engine.Task{Spec: v}}}}},
			"what it notes in a checkpoint ":   {Effects: engine.Effects{Checkpoints: []engine.Checkpoint{{Name: "hunter2"}}}},
			"what it pauses for ":              {Effects: engine.Effects{Pause: &engine.Pause{Name: "hunter2"}}},
			"what it pauses for  ":             {Effects: engine.Effects{Pause: &engine.Pause{Name: "n", Schema: v}}},
			"what it hands to a next task    ": {Effects: engine.Effects{Next: []engine.NextTask{{Task: engine.Task{Handler: "hunter2"}}}}},
		} {
			err := grant(t, false).CheckOutput(r)
			if want := strings.TrimSpace(where); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ter2") {
				t.Errorf("got %v, want %q and no value", err, want)
			}
			if got := guest.SecretFailure(t.Context(), &engine.TaskError{}, err); got.Kind != engine.KindDenied || !got.Permanent {
				t.Errorf("got %+v, want denied", got)
			}
			if err := grant(t, true).CheckOutput(r); err != nil {
				t.Errorf("got %v, want it allowed", err)
			}
		}
	}
	if err := grant(t, false).CheckOutput(engine.Result{Value: json.RawMessage(`"unasked\n"`)}); err != nil {
		t.Errorf("got %v, want what was not granted not looked for", err)
	}
}
