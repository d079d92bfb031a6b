package enginetest

import (
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var failureCases = []handlerCase{
	{ProgramFail, "as an error", failsAttempt},
	{ProgramFail, "without effects", failsWithoutEffects},
	{ProgramFail, "is retried", failsRetried},
	{ProgramFail, "and cancels", failsAndCancels},
	{ProgramFail, "in a group", failsInGroup},
	{ProgramCrash, "is an error", crashesAttempt},
	{ProgramCrash, "in a group", crashesInGroup},
}

func failsAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	for input, want := range map[string]engine.TaskError{
		`{"message":"it broke"}`:                                                            {Kind: engine.KindError, Message: "it broke"},
		`{"kind":"flaky","message":"grüße 👋"}`:                                              {Kind: "flaky", Message: "grüße 👋"},
		`{"kind":"flaky","message":"later","retry_after":"10s"}`:                            {Kind: "flaky", Message: "later", RetryAfter: 10 * time.Second},
		`{"kind":"bad_order","message":"never","permanent":true}`:                           {Kind: "bad_order", Message: "never", Permanent: true},
		`{"kind":"denied","message":"` + strings.Repeat("long ", 200) + `"}`:                {Kind: "denied", Message: strings.Repeat("long ", 200)},
		`{"kind":"both","message":"a\nb \"c\" <d>","permanent":false,"retry_after":"1.5s"}`: {Kind: "both", Message: "a\nb \"c\" <d>", RetryAfter: 1500 * time.Millisecond},
	} {
		_, err := attempt(t.Context(), s.New(t), s.newCall(t, ProgramFail, input, nil, nil))
		got := asTaskError(t, err)
		if got.Kind != want.Kind || got.Permanent != want.Permanent || got.RetryAfter != want.RetryAfter || !strings.Contains(got.Message, strings.TrimSpace(want.Message)) {
			t.Errorf("%s: got %+v, want %+v", input, got, want)
		}
	}
}

// failsWithoutEffects wants nothing of a failed attempt to be in the run.
func failsWithoutEffects(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, `{"kind":"flaky","message":"it broke"}`, values{"k": "1"})
	out := f.run(t, engine.Par(s.task(t, "a", ProgramFail)).With(engine.Policy{BestEffort: true}))
	wantStatus(t, out, engine.StatusSucceeded)
	wantChannel(t, f.channelSeen(), values{"k": "1"})
}

func failsRetried(t *testing.T, s HandlerSuite) {
	t.Helper()
	for input, attempts := range map[string]int{
		`{"kind":"flaky","message":"it broke"}`:                  3,
		`{"kind":"flaky","message":"it broke","permanent":true}`: 1,
	} {
		f := s.flow(t, input, nil)
		task := s.task(t, "a", ProgramFail)
		task.Retry = &engine.Retry{Max: 2}
		out := f.run(t, task)
		wantStatus(t, out, engine.StatusFailed)
		if got := len(f.told("a", engine.NoticeTaskStarted)); got != attempts {
			t.Errorf("%s: got %d attempts, want %d", input, got, attempts)
		}
		if out.Error == nil || out.Error.Kind != "flaky" || !strings.Contains(out.Error.Message, "it broke") {
			t.Errorf("%s: got %+v, want the program's error", input, out.Error)
		}
	}
}

// failsAndCancels wants the one effect of a failed attempt that counts.
func failsAndCancels(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, `{"kind":"flaky","message":"it broke","cancel":"stop it"}`, nil)
	out := f.run(t, s.task(t, "a", ProgramFail))
	wantStatus(t, out, engine.StatusCanceled)
	if out.Message != "stop it" {
		t.Errorf("got the message %q, want that of the cancel", out.Message)
	}
}

func failsInGroup(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, `{"kind":"flaky","message":"it broke"}`, nil)
	out := f.run(t, engine.Par(s.task(t, "a", ProgramFail), s.task(t, "b", ProgramFail)))
	wantStatus(t, out, engine.StatusFailed)
	failed := append(f.told("a", engine.NoticeTaskFailed), f.told("b", engine.NoticeTaskFailed)...)
	if len(failed) == 0 || failed[0].Error == nil || failed[0].Error.Kind != "flaky" {
		t.Errorf("got %+v, want the program's error", failed)
	}
}

// crashesAttempt wants a crash to be an error of its attempt, and the handler to run
// others after it.
func crashesAttempt(t *testing.T, s HandlerSuite) {
	t.Helper()
	h := s.New(t)
	for range 2 {
		r, err := attempt(t.Context(), h, s.newCall(t, ProgramCrash, "null", nil, nil))
		if got := asTaskError(t, err); got.Kind == "" || got.Message == "" {
			t.Errorf("got %+v, %+v, want an error that says what happened", r, got)
		}
	}
	if _, out := s.LeftOut[ProgramEcho]; out {
		return
	}
	r, err := attempt(t.Context(), h, s.newCall(t, ProgramEcho, `"alive"`, nil, nil))
	check(t, err)
	wantJSON(t, "value after a crash", r.Value, `"alive"`)
}

func crashesInGroup(t *testing.T, s HandlerSuite) {
	t.Helper()
	f := s.flow(t, "1", values{"k": "1"})
	nodes := []engine.Node{s.task(t, "a", ProgramCrash)}
	if _, out := s.LeftOut[ProgramEcho]; !out {
		nodes = append(nodes, s.task(t, "b", ProgramEcho))
	}
	out := f.run(t, engine.Par(nodes...).With(engine.Policy{BestEffort: true}))
	wantStatus(t, out, engine.StatusSucceeded)
	if got := len(f.told("a", engine.NoticeTaskFailed)); got != 1 {
		t.Errorf("got %d failures of the program that crashed, want 1", got)
	}
	if len(nodes) > 1 && len(f.told("b", engine.NoticeTaskSucceeded)) != 1 {
		t.Error("got the member beside it not succeeded")
	}
	wantChannel(t, f.channelSeen(), values{"k": "1"})
}
