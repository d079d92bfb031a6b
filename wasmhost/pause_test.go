package wasmhost_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestCheckpoint(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	if got, want := string(call(t, tasks(t), "checkpoints", "", opt).Output), `[0,0,-3,-3,-3,-3,0]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{`checkpoint one {"page":1}`, "checkpoint two ", "checkpoint false"}
	if !slices.Equal(e.calls, want) {
		t.Errorf("got %q, want %q", e.calls, want)
	}
	if got, want := string(call(t, tasks(t), "checkpoints", "", options()).Output), `[-5,-5,-3,-3,-3,-3,-5]`; got != want {
		t.Errorf("without services: got %s, want %s", got, want)
	}
	no := false
	opt.Grants.Control = &no
	if got, want := string(call(t, tasks(t), "checkpoints", "", opt).Output), `[-2,-2,-2,-2,-2,-2,-2]`; got != want {
		t.Errorf("not granted: got %s, want %s", got, want)
	}
}

func TestPauseAnswered(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	input := `[
		{"name":"a","message":"ok?","schema":{"type":"boolean"},"timeout":"1m30s","default":null},
		{"name":"b","until":"2026-01-02T03:04:05Z"},
		{"name":"c","after":"2h"},
		{"name":""}, {"name":"d","after":2}, {"name":"d","until":"tomorrow"}, 7
	]`
	got := string(call(t, tasks(t), "pauses", input, opt).Output)
	if want := `["1","\"answered\"","\"answered\"","\"answered\"","-3","-3","-3","-3"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{
		"pause {Name:a Message:ok? Schema:[123 34 116 121 112 101 34 58 34 98 111 111 108 101 97 110 34 125] Timeout:90000000000 Default:[110 117 108 108] Until:0001-01-01 00:00:00 +0000 UTC After:0}",
		"pause {Name:b Message: Schema:[] Timeout:0 Default:[] Until:2026-01-02 03:04:05 +0000 UTC After:0}",
		"pause {Name:c Message: Schema:[] Timeout:0 Default:[] Until:0001-01-01 00:00:00 +0000 UTC After:7200000000000}",
	}
	if !slices.Equal(e.calls, want) {
		t.Errorf("got %q, want %q", e.calls, want)
	}
}

// TestPauseEnds wants a guest without an answer to end within the call, and
// nothing of it to be seen by the next.
func TestPauseEnds(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	for range 3 {
		got := trap(t, tasks(t), "pauses", `[{"name":"unanswered"}]`, wasmhost.KindPaused, opt)
		if want := `pause "unanswered" waits for an answer`; !errors.Is(got, wasmhost.ErrPaused) || got.Message != want {
			t.Errorf("got %v, want %q", got, want)
		}
	}
	if _, after := e.values["after"]; after {
		t.Error("the guest went on after an unanswered pause")
	}
	if got, want := string(call(t, tasks(t), "pauses", `[]`, opt).Output), `["1"]`; got != want {
		t.Errorf("the call after it: got %s, want %s", got, want)
	}
}

// TestPausedIsTheHosts lets no guest pass for a paused one.
func TestPausedIsTheHosts(t *testing.T) {
	t.Parallel()
	if got := trap(t, tasks(t), "claims_paused", "", wasmhost.KindPaused, options()); errors.Is(got, wasmhost.ErrPaused) {
		t.Errorf("got %v, want no ErrPaused in it", got)
	}
}
