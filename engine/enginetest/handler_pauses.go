package enginetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var pauseCases = []handlerCase{
	{ProgramPause, "in an attempt", pausesAttempt},
	{ProgramPause, "in a run", pausesRun},
	{ProgramPause, "ends by itself", pausesUntil},
	{ProgramAsk, "in attempts", asksAttempts},
	{ProgramAsk, "in a group", asksGroup},
}

const pauseInput = `{"name":"approve","message":"too much? grüße","schema":{"type":"boolean"},"timeout":"1h","default":false}`

func pausesAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	r, _ := s.once(t, ProgramPause, pauseInput, nil, nil)
	p := r.Effects.Pause
	if p == nil || p.Name != "approve" || p.Message != "too much? grüße" || time.Duration(p.Timeout) != time.Hour {
		t.Fatalf("got %+v, want its pause", p)
	}
	wantJSON(t, "schema", p.Schema, `{"type":"boolean"}`)
	wantJSON(t, "default", p.Default, "false")
	for _, answer := range []string{`true`, `{"grüße":[1,"👋"]}`, `null`, ``} {
		call := s.newCall(t, ProgramPause, pauseInput, nil, nil)
		call.Answers = map[string]json.RawMessage{"approve": json.RawMessage(answer)}
		r, err := attempt(t.Context(), s.New(t), call)
		check(t, err)
		if r.Effects.Pause != nil {
			t.Errorf("got another pause %+v, want the answer %s", r.Effects.Pause, answer)
		}
		if answer == "" {
			answer = "null"
		}
		wantJSON(t, "answer", r.Value, answer)
	}
}

func pausesRun(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, `{"name":"approve"}`, nil)
	r := f.start(t, s.task(t, "a", ProgramPause))
	wantWaiting(t, r, "approve")
	check(t, r.Resume("approve", json.RawMessage(`{"color":"red"}`)))
	out := waitFor(t, r)
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, `{"color":"red"}`)
}

// wantWaiting wants a run to wait for answers of these names and for nothing else.
func wantWaiting(t *testing.T, r *engine.Running, names ...string) {
	t.Helper()
	out := waitFor(t, r)
	wantStatus(t, out, engine.StatusPaused)
	waiting := map[string]bool{}
	for _, p := range out.Pauses {
		waiting[p.Name] = true
	}
	for _, name := range names {
		if !waiting[name] {
			t.Errorf("got it waiting for %+v, want %q among it", out.Pauses, name)
		}
	}
}

func pausesUntil(t *testing.T, s HandlerSuite) {
	t.Helper()
	r := s.flow(t, `{"name":"moment","after":"1ms"}`, nil).start(t, s.task(t, "a", ProgramPause))
	select {
	case <-r.Done(): // Wait returns when it pauses
	case <-time.After(time.Minute):
		t.Fatalf("got %+v, want the pause ended", r.Outcome())
	}
	out := r.Outcome()
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, "null")
}

// asksAttempts wants an attempt that pauses to have no effects, and one with all
// answers to have them once.
func asksAttempts(t *testing.T, s HandlerSuite) {
	t.Helper()
	answers := map[string]json.RawMessage{}
	for _, name := range []string{"first", "second"} {
		call := s.newCall(t, ProgramAsk, "null", nil, nil)
		call.Answers = answers
		r, err := attempt(t.Context(), s.New(t), call)
		check(t, err)
		if r.Effects.Pause == nil || r.Effects.Pause.Name != name {
			t.Fatalf("got %+v, want it paused for %s", r.Effects.Pause, name)
		}
		next := map[string]json.RawMessage{name: json.RawMessage(`"` + name + `"`)}
		for k, v := range answers {
			next[k] = v
		}
		answers = next
	}
	call := s.newCall(t, ProgramAsk, "null", nil, nil)
	call.Answers = answers
	r, err := attempt(t.Context(), s.New(t), call)
	check(t, err)
	wantJSON(t, "value", r.Value, `["first","second"]`)
	wantChannel(t, after(t, nil, r.Effects.Channel), values{"asked": "1"})
}

func asksGroup(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "null", nil)
	r := f.start(t, engine.Par(s.task(t, "a", ProgramAsk), s.task(t, "b", ProgramAsk)))
	for _, name := range []string{"first", "second"} {
		for _, p := range wantBoth(t, r, name) {
			answer, err := json.Marshal(name + " of " + p.Task)
			check(t, err)
			check(t, r.Resume(p.Activation, answer))
		}
	}
	out := waitFor(t, r)
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, `{"a":["first of a","second of a"],"b":["first of b","second of b"]}`)
	wantChannel(t, f.channelSeen(), values{"asked": "2"})
}

// wantBoth wants two activations to wait under one name.
func wantBoth(t *testing.T, r *engine.Running, name string) []engine.Waiting {
	t.Helper()
	wantWaiting(t, r, name)
	out := r.Outcome()
	if len(out.Pauses) != 2 {
		t.Fatalf("got it waiting for %+v, want two of %q", out.Pauses, name)
	}
	return out.Pauses
}
