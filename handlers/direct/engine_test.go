package direct_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestEnginePauses answers a function that pauses twice, and wants what it asked
// for before counted once.
func TestEnginePauses(t *testing.T) {
	t.Parallel()
	h := direct.New()
	calls := 0
	ask := direct.Func(h, "ask", func(c *direct.Context, _ any) (string, error) {
		calls++
		var approved bool
		var color string
		if err := errors.Join(c.Add("asked", 1), c.Pause(engine.Pause{Name: "approve"}, &approved)); err != nil {
			return "", err
		}
		if err := c.Pause(engine.Pause{Name: "color"}, &color); err != nil {
			return "", err
		}
		return color, c.Checkpoint("answered", map[string]bool{"approved": approved})
	})
	read := direct.Func(h, "read", func(c *direct.Context, color string) ([]any, error) {
		var asked int
		_, err := c.Get("asked", &asked)
		return []any{color, asked}, err
	})
	g, err := engine.NewGraph("flow", engine.Seq(ask, read))
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"direct": h}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r, err := e.Start(t.Context(), g, engine.Start{})
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range []struct{ name, value string }{{"approve", "true"}, {"color", `"red"`}} {
		out, err := r.Wait(t.Context())
		if err != nil || out.Status != engine.StatusPaused || len(out.Pauses) != 1 || out.Pauses[0].Name != answer.name {
			t.Fatalf("got %+v, %v, want it paused for %s", out, err, answer.name)
		}
		if err := r.Resume(answer.name, json.RawMessage(answer.value)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := r.Wait(t.Context())
	if got, want := string(out.Output), `["red",1]`; err != nil || got != want || calls != 3 {
		t.Errorf("got %+v, %v after %d calls, want %s after 3", out, err, calls, want)
	}
	if c := out.Checkpoints; len(c) != 1 || c[0].Name != "answered" || string(c[0].Meta) != `{"approved":true}` {
		t.Errorf("got checkpoints %+v, want answered", c)
	}
}
