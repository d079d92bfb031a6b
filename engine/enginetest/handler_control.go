package enginetest

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

var controlCases = []handlerCase{
	{ProgramNext, "in an attempt", nextOfAttempt},
	{ProgramNext, "new task", nextNew},
	{ProgramNext, "goto", nextGoto},
	{ProgramIterate, "in an attempt", iterateOfAttempt},
	{ProgramIterate, "in a run", iterateInRun},
	{ProgramIterate, "in a group", iterateInGroup},
	{ProgramTerminate, "the run", terminates},
	{ProgramCancel, "the run", cancels},
	{ProgramCheckpoint, "of a run", checkpoints},
}

// nextTask is what [ProgramNext] reads.
type nextTask struct {
	ID      string          `json:"id"`
	Handler string          `json:"handler,omitempty"`
	Spec    json.RawMessage `json:"spec,omitempty"`
	Input   json.RawMessage `json:"input,omitempty"`
	Goto    bool            `json:"goto,omitempty"`
}

func nextOf(t *testing.T, next ...nextTask) string {
	t.Helper()
	data, err := json.Marshal(next)
	check(t, err)
	return string(data)
}

// spawned is a task of the handler under test that a program asks for.
func (s HandlerSuite) spawned(t *testing.T, id string, program Program) nextTask {
	t.Helper()
	return nextTask{ID: id, Handler: handlerName, Spec: s.task(t, id, program).Spec}
}

func nextOfAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	fresh := s.spawned(t, "fresh", ProgramNext)
	fresh.Input = json.RawMessage(`[]`)
	r, _ := s.once(t, ProgramNext, nextOf(t, nextTask{ID: "there", Goto: true}, fresh), nil, nil)
	wantJSON(t, "value", r.Value, `"asked"`)
	if len(r.Effects.Next) != 2 {
		t.Fatalf("got %+v, want two next tasks", r.Effects.Next)
	}
	there, spawned := r.Effects.Next[0], r.Effects.Next[1]
	if there.Task.ID != "there" || there.Task.Handler != "" || !there.Goto || there.Input != nil {
		t.Errorf("got %+v, want a goto to a task that exists, with the caller's value", there)
	}
	if spawned.Task.ID != "fresh" || spawned.Task.Handler != handlerName || len(spawned.Task.Spec) == 0 || spawned.Goto {
		t.Errorf("got %+v, want a new task of the handler", spawned)
	}
	wantJSON(t, "input", spawned.Input, `[]`)
}

// nextNew wants a task that a program asked for to run, with the input that it was
// given, before the caller's successors.
func nextNew(t *testing.T, s HandlerSuite) {
	t.Helper()
	fresh := s.spawned(t, "fresh", ProgramNext)
	fresh.Input = json.RawMessage(nextOf(t, s.spawned(t, "fresher", ProgramNext)))
	fresh.Input = append(fresh.Input[:len(fresh.Input)-2], `,"input":[]}]`...)
	f := s.flow(t, nextOf(t, fresh), nil)
	out := f.run(t, s.task(t, "a", ProgramNext))
	wantStatus(t, out, engine.StatusSucceeded)
	for _, id := range []string{"fresh", "fresher"} {
		if done := f.told(id, engine.NoticeTaskSucceeded); len(done) != 1 || !sameJSON(done[0].Value, []byte(`"asked"`)) {
			t.Errorf("task %s: got %+v, want it run once", id, done)
		}
	}
}

func nextGoto(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, nextOf(t, nextTask{ID: "probe", Input: json.RawMessage(`"jumped"`), Goto: true}), nil)
	out := f.run(t, s.task(t, "a", ProgramNext), own("skipped"))
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, `"jumped"`)
	if ran := f.told("skipped", engine.NoticeTaskStarted); len(ran) > 0 {
		t.Error("got the successor run, want it skipped by the goto")
	}
}

func iterateOfAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	r, _ := s.once(t, ProgramIterate, "1", nil, nil)
	wantJSON(t, "value", r.Value, "1")
	if r.Effects.Iterate == nil {
		t.Fatal("got no iteration")
	}
	wantJSON(t, "data", r.Effects.Iterate.Data, "2")
	if r, _ := s.once(t, ProgramIterate, "3", nil, nil); r.Effects.Iterate != nil {
		t.Errorf("got %+v, want no iteration that was not asked for", r.Effects.Iterate)
	}
}

func iterateInRun(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "1", nil)
	out := f.run(t, s.task(t, "a", ProgramIterate))
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, "3")
	if got := len(f.told("a", engine.NoticeTaskStarted)); got != 3 {
		t.Errorf("got %d iterations, want 3", got)
	}
}

func iterateInGroup(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "1", nil)
	out := f.run(t, engine.Par(s.task(t, "a", ProgramIterate), s.task(t, "b", ProgramIterate)))
	wantStatus(t, out, engine.StatusSucceeded)
	wantJSON(t, "output", out.Output, `{"a":3,"b":3}`)
}

func terminates(t *testing.T, s HandlerSuite) {
	t.Helper()
	r, _ := s.once(t, ProgramTerminate, `"enough, grüße"`, nil, nil)
	if m := r.Effects.Terminate; m == nil || *m != "enough, grüße" || r.Effects.Cancel != nil {
		t.Errorf("got %+v, want the run terminated", r.Effects)
	}
	f := s.flow(t, `"enough"`, nil)
	out := f.run(t, s.task(t, "a", ProgramTerminate))
	wantStatus(t, out, engine.StatusSucceeded)
	if out.Reason != engine.ReasonTerminated || out.Message != "enough" || out.Task != "a" || f.channelSeen() != nil {
		t.Errorf("got %+v, want it terminated by the task", out)
	}
}

func cancels(t *testing.T, s HandlerSuite) {
	t.Helper()
	r, _ := s.once(t, ProgramCancel, `"stop, grüße"`, nil, nil)
	if m := r.Effects.Cancel; m == nil || *m != "stop, grüße" || r.Effects.Terminate != nil {
		t.Errorf("got %+v, want the run canceled", r.Effects)
	}
	f := s.flow(t, `"stop"`, nil)
	out := f.run(t, engine.Par(s.task(t, "a", ProgramCancel)))
	wantStatus(t, out, engine.StatusCanceled)
	if out.Message != "stop" || out.Task != "a" {
		t.Errorf("got %+v, want it canceled by the task", out)
	}
}

func checkpoints(t *testing.T, s HandlerSuite) {
	t.Helper()
	input := `[{"name":"half","meta":{"at":1}},{"name":""}]`
	r, _ := s.once(t, ProgramCheckpoint, input, nil, nil)
	got := r.Effects.Checkpoints
	if len(got) != 2 || got[0].Name != "half" || got[1].Name != "" {
		t.Fatalf("got %+v, want two checkpoints", got)
	}
	wantJSON(t, "metadata", got[0].Meta, `{"at":1}`)
	wantJSON(t, "metadata", got[1].Meta, "null")
	out := s.flow(t, input, nil).run(t, s.task(t, "a", ProgramCheckpoint))
	wantStatus(t, out, engine.StatusSucceeded)
	if len(out.Checkpoints) != 2 || out.Checkpoints[0].Name != "half" || out.Checkpoints[1].Name != "checkpoint-2" {
		t.Errorf("got %+v, want both in the run", out.Checkpoints)
	}
}
