package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/internal/policy"
)

func TestCuts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy, handler, limits string
		want                    bool
	}{
		{"isolation: inproc", "wasm", ``, false},
		{"limits: {timeout: 1s}", "wasm", `{"timeout": "2s"}`, false},
		{"limits: {memory: 64MiB}", "wasm", `{"memory": "64MiB"}`, false},
		{"limits: {memory: 64MiB}", "wasm", `{"memory": "65MiB"}`, true},
		{"limits: {memory: 64MiB}", "wasm", ``, true},
		{"limits: {memory: 1GiB}", "wasm", ``, false},
		{"limits: {memory: 1GiB}", "script", ``, true}, // whose default this does not know
		{"limits: {memory: 1GiB}", "script", `{"memory": "1GiB"}`, false},
		{"limits: {fuel: 1000}", "wasm", ``, true},
		{"limits: {fuel: 1000}", "wasm", `{"fuel": "1e3"}`, false},
		{"limits: {host_calls: 5}", "wasm", ``, true},
		{"limits: {fuel: 1000}", "wasm", `{"bogus": 1}`, false},
		{"grants: {channel: false}", "wasm", ``, true},
		{"grants: {control: false}", "script", ``, true},
		{"grants: {control: true}", "wasm", ``, false},
	} {
		p, err := policy.Parse("p.yaml", []byte(c.policy), config)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Cuts(c.handler, json.RawMessage(c.limits)); got != c.want {
			t.Errorf("%s cuts a %s task with %s: %t", c.policy, c.handler, c.limits, got)
		}
	}
}
