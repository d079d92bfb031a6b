package guest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/internal/guest"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// TestIsolation reads what a task's limits say of its wall.
func TestIsolation(t *testing.T) {
	t.Parallel()
	for limits, want := range map[string]struct {
		isolated bool
		fault    string
	}{
		``:                                     {},
		`{"fuel": 1}`:                          {},
		`{"isolation": null}`:                  {},
		`{"isolation": "process", "fuel": 1}`:  {isolated: true},
		`{"isolation": "inproc"}`:              {fault: "more isolation"},
		`{"isolation": ""}`:                    {fault: `got "", want "process"`},
		`{"isolation": 1}`:                     {fault: "limits.isolation: got 1, want a string"},
		`{"isolation": "process", "fuell": 1}`: {fault: `unknown key "fuell"`},
	} {
		s, err := guest.Most{}.Sandbox(&engine.Task{Limits: json.RawMessage(limits)})
		switch {
		case want.fault == "" && (err != nil || s.Isolated != want.isolated):
			t.Errorf("%s: got %t, %v", limits, s.Isolated, err)
		case want.fault != "" && (err == nil || !strings.Contains(err.Error(), want.fault)):
			t.Errorf("%s: got %v, want %q", limits, err, want.fault)
		}
	}
	if _, err := guest.ParseLimits(json.RawMessage(`{"isolation": "process"}`)); err == nil {
		t.Error("isolation is a limit of those who are no tasks")
	}
}

// TestExplain wants each refusal of the operator's explained, and nothing else.
func TestExplain(t *testing.T) {
	t.Parallel()
	most := guest.Most{
		Grants: &wasmhost.Grants{HTTP: []string{"a.com"}}, Spawn: []string{}, DenySecretOutput: true,
		Explain: func(key string) string { return "ask about " + key },
	}
	for grants, wants := range map[string][]string{
		`{"mounts": [{"host": "/", "guest": "/d"}]}`:                   {"grants.mounts[0]: the operator does not allow reading /; ask about mounts"},
		`{"http": ["a.com", "b.com"], "secrets": ["s"]}`:               {`grants.http[1]: the operator does not allow all of "b.com", only a.com; ask about http`, `"s"; ask about secrets`},
		`{"http": ["a.com"], "http_networks": ["10.0.0.0/8"]}`:         {"10.0.0.0/8; ask about http_networks"},
		`{"spawn": ["m"], "allow_secret_output": true}`:                {`grants.spawn[0]: the operator does not allow "m"; ask about spawn`, "does not allow it; ask about allow_secret_output"},
		`{"mounts": [{"guest": "/d"}]}`:                                {"grants.mounts[0].host: missing"},
		`{"clock": "slow"}`:                                            {`grants.clock: got "slow"`},
		`{"channel": true, "env": {"A": "the operator says so"}}`:      {`"A"; ask about env`},
		`{"mounts": [{"host": "/no/such/dir/at/all", "guest": "/d"}]}`: {"no such file"},
	} {
		_, err := most.Sandbox(&engine.Task{Grants: json.RawMessage(grants)})
		if err == nil {
			t.Errorf("%s: got no error", grants)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %q, want %q in it", grants, err, want)
			}
		}
		explained := strings.Count(err.Error(), "ask about")
		if refused := strings.Count(err.Error(), "the operator does not"); explained != refused {
			t.Errorf("%s: %d of %d refusals are explained: %v", grants, explained, refused, err)
		}
	}
	if _, err := most.Sandbox(&engine.Task{Grants: json.RawMessage(`{"http": ["a.com"]}`)}); err != nil {
		t.Errorf("what is allowed: %v", err)
	}
}
