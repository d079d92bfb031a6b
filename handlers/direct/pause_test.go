package direct_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// handle calls fn as an attempt that has had answers.
func handle(t *testing.T, answers map[string]json.RawMessage, fn func(c *direct.Context, in any) (any, error)) (engine.Result, error) {
	t.Helper()
	h := direct.New()
	task := direct.Func(h, "fn", fn)
	return h.Handle(t.Context(), &engine.Call{
		Run: "r", Task: &task, Activation: "fn", Attempt: 1, Cycle: 1,
		Input: json.RawMessage("1"), View: engine.NewView(nil, nil), Answers: answers,
	})
}

type order struct {
	Color string
	Count int
}

// buy asks twice.
func buy(c *direct.Context, _ any) (any, error) {
	if err := c.Set("lost", true); err != nil {
		return nil, err
	}
	var approved bool
	err := c.Pause(engine.Pause{Name: "approve", Message: "ok?", Timeout: engine.Duration(time.Hour), Default: json.RawMessage("false")}, &approved)
	if err != nil {
		return nil, err
	}
	o := order{Count: 1}
	if err := c.Pause(engine.Pause{Name: "order"}, &o); err != nil {
		return nil, fmt.Errorf("wrapped: %w", err)
	}
	return fmt.Sprint(approved, o), c.Checkpoint("bought", o)
}

func TestPause(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for _, test := range []struct {
		answers map[string]json.RawMessage
		want    string // the pause's name; "" is none
	}{
		{nil, "approve"},
		{map[string]json.RawMessage{"order": raw(`{"Color":"red"}`)}, "approve"},
		{map[string]json.RawMessage{"approve": raw("true")}, "order"},
	} {
		r, err := handle(t, test.answers, buy)
		if err != nil || r.Effects.Pause == nil || r.Effects.Pause.Name != test.want || r.Effects.Channel != nil || r.Value != nil {
			t.Errorf("%s: got %+v, %v, want only a pause for %s", test.answers, r, err, test.want)
		}
	}
	for answer, want := range map[string]string{`{"Color":"red"}`: `"true {red 1}"`, "null": `"true { 1}"`, "": `"true { 1}"`} {
		r, err := handle(t, map[string]json.RawMessage{"approve": raw("true"), "order": raw(answer)}, buy)
		if err != nil || r.Effects.Pause != nil || string(r.Value) != want {
			t.Errorf("order %q: got %s, %+v, %v, want %s", answer, r.Value, r.Effects, err, want)
		}
		if c := r.Effects.Checkpoints; len(c) != 1 || c[0].Name != "bought" || !strings.Contains(string(c[0].Meta), `"Count":1`) {
			t.Errorf("order %q: got checkpoints %+v, want bought", answer, c)
		}
	}
	if _, err := handle(t, map[string]json.RawMessage{"approve": raw(`"yes"`)}, buy); err == nil || !strings.Contains(err.Error(), `the answer to pause "approve"`) {
		t.Errorf("an answer of the wrong type: got %v", err)
	}
}

// TestPauseSwallowed wants a pause kept whatever the function returns, and a
// cancel with it.
func TestPauseSwallowed(t *testing.T) {
	t.Parallel()
	kept := "kept"
	want := engine.Result{Effects: engine.Effects{Pause: &engine.Pause{Name: "a"}, Cancel: &kept}}
	for _, returned := range []error{nil, errors.New("some error")} {
		r, err := handle(t, nil, func(c *direct.Context, _ any) (any, error) {
			for _, name := range []string{"a", "b"} {
				if err := c.Pause(engine.Pause{Name: name}, nil); !errors.Is(err, direct.ErrPaused) {
					t.Errorf("%s: got %v, want %v", name, err, direct.ErrPaused)
				}
			}
			c.Terminate("lost")
			c.Cancel(kept)
			return "value", returned
		})
		if err != nil || !reflect.DeepEqual(r, want) {
			t.Errorf("returned %v: got %+v, %v, want %+v", returned, r, err, want)
		}
	}
}

func TestPauseInvalid(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]engine.Pause{
		"a time to wait is negative": {Name: "a", Timeout: -1},
		"it needs Until or After":    {Timeout: 1},
		"a Default needs a Timeout":  {Name: "a", Default: json.RawMessage("1")},
		"exclude each other":         {After: 1, Until: time.Now()},
		"is not JSON":                {Name: "a", Schema: json.RawMessage("{")},
	} {
		r, err := handle(t, nil, func(c *direct.Context, _ any) (any, error) { return nil, c.Pause(p, nil) })
		var te *engine.TaskError
		if !errors.As(err, &te) || te.Kind != engine.KindInvalidInput || !te.Permanent || !strings.Contains(te.Message, want) || r.Effects.Pause != nil {
			t.Errorf("%+v: got %v, want %q", p, err, want)
		}
	}
}

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	r, err := handle(t, nil, func(c *direct.Context, _ any) (any, error) {
		return nil, errors.Join(c.Checkpoint("", nil), c.Checkpoint("a", map[string]int{"n": 1}))
	})
	want := []engine.Checkpoint{{}, {Name: "a", Meta: json.RawMessage(`{"n":1}`)}}
	if err != nil || !reflect.DeepEqual(r.Effects.Checkpoints, want) {
		t.Errorf("got %+v, %v, want %+v", r.Effects.Checkpoints, err, want)
	}
	if _, err := handle(t, nil, func(c *direct.Context, _ any) (any, error) { return nil, c.Checkpoint("a", make(chan int)) }); err == nil {
		t.Error("got no error for metadata that is no JSON")
	}
}
