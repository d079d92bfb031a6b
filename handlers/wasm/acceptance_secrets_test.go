package wasm_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
)

// secretValues tells a secret in every way that there is. Whatever becomes of it,
// the value is nowhere in what the run leaves: its journal, its channel, its
// history, what it told while it ran, its outcome.
func secretValues(t *testing.T) {
	t.Helper()
	config := wasm.Config{Secrets: secretStore{"key": "hunter2"}, Redactor: newRedactor}
	for _, way := range []string{
		"log", "progress", "result", "key", "message", "kind", "panic", "channel", "channel key", "next", "next id",
		"next spec", "iteration", "terminate", "cancel", "checkpoint", "checkpoint name", "pause message", "pause name",
		"pause schema", "pause default",
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			tr := try(t, config, nil)
			a := task(t, "a", "tell")
			a.Secrets, a.Grants = []string{"key"}, json.RawMessage(`{"spawn":["*"]}`)
			r := tr.start(string(marshal(t, telling{Name: "key", Ways: []string{way}})), engine.Seq(a, task(t, "b", "echo")))
			out := tr.wait(r)
			if left := tr.left(r.ID(), out); strings.Contains(left, "hunter2") {
				t.Errorf("the value is in %s", left)
			} else if !strings.Contains(left, `"a"`) {
				t.Errorf("what is left does not even tell the task: %s", left)
			}
			if out.Status == engine.StatusPaused {
				if err := r.Cancel("enough"); err != nil {
					t.Error(err)
				}
				tr.wait(r)
			}
		})
	}
	t.Run("is read", func(t *testing.T) { // else nothing would have been told
		t.Parallel()
		tr := try(t, config, nil)
		a := task(t, "a", "tell")
		a.Secrets = []string{"key"}
		out := tr.run(string(marshal(t, telling{Name: "key", Spaced: true, Ways: []string{"result"}})), a)
		tr.wantSucceeded(out, `{"list":["x","key=h u n t e r 2"]}`)
	})
}

// left is all that a run leaves, as text.
func (t *trial) left(run string, out engine.Outcome) string {
	t.Helper()
	events, err := t.backend.Journal.Read(t.Context(), run, 0)
	if err != nil || len(events) == 0 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	h, err := t.History(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	text := fmt.Sprintf("%s\n%s\n%s\n%s", marshal(t, events), marshal(t, t.notices), marshal(t, h.Notices), marshal(t, out))
	keys, err := t.backend.Channel.Keys(t.Context(), run, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		value, err := t.backend.Channel.Get(t.Context(), run, key)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("\n%s: %s", key, value)
	}
	for e := error(out.Error); out.Error != nil && e != nil; {
		text += fmt.Sprintf("\n%v %+v", e, e)
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return text
}
