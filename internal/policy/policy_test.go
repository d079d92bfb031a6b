package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/policy"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// config reads keys of 32 letters, and of Docker the key images alone.
var config = policy.Config{
	Key: func(name string) (policy.Key, error) {
		if len(name) != 32 {
			return nil, errors.New("no key")
		}
		return policy.Key(name), nil
	},
	Docker: func(section json.RawMessage) error {
		var doc map[string]any
		if err := json.Unmarshal(section, &doc); err != nil {
			return err
		}
		var errs []error
		for key := range doc {
			if key != "images" {
				errs = append(errs, fmt.Errorf("policy: unknown key %q", key))
			}
		}
		return errors.Join(errs...)
	},
}

const ada = "ada-----------------------------"

const full = `# of the workers that strangers submit to
isolation: process
trusted_keys: [` + ada + `]
tenants: publisher
cells: {max: 8, idle: 2, idle_for: 30s, calls: 100, modules: 5, age: 5m, memory: 2GiB, kills: 2}
limits: {memory: 64MiB, timeout: 10s, fuel: 1e9}
grants:
  mounts: [{host: /srv/data}, {host: /srv/out, writable: true}]
  env: [TZ]
  http: [api.example.com, "*.example.org:8443"]
  http_networks: [10.0.0.0/8]
  secrets: [api-key]
  tools: ["*"]
  config: []
  spawn: [hello@1.0]
  clock: coarse
  random: seeded
  channel: true
  control: false
  allow_secret_output: false
docker: {images: ["debian:12"]}
`

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := policy.Parse("p.yaml", []byte(full), config)
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	want := &policy.Policy{
		File: "p.yaml", Isolation: policy.Process, Said: true, Keys: []policy.Key{policy.Key(ada)}, Tenants: policy.ByPublisher,
		Cells:  policy.Cells{Max: 8, Idle: 2, IdleFor: 30 * time.Second, Calls: 100, Modules: 5, Age: 5 * time.Minute, Memory: 2 << 30, Kills: 2},
		Limits: wasmhost.Limits{Memory: 64 << 20, Timeout: 10 * time.Second, Fuel: 1e9},
		Grants: &wasmhost.Grants{
			Mounts: []wasmhost.Mount{{Host: "/srv/data", Guest: "/"}, {Host: "/srv/out", Guest: "/", Writable: true}},
			Env:    map[string]string{"TZ": ""}, HTTP: []string{"api.example.com", "*.example.org:8443"}, HTTPNetworks: []string{"10.0.0.0/8"},
			Secrets: []string{"api-key"}, Tools: []string{"*"}, Config: map[string]string{}, Clock: "coarse", Random: "seeded", Channel: &yes, Control: &no,
		},
		Spawn: []string{"hello@1.0"}, DenySecretOutput: true, Docker: json.RawMessage(`{"images":["debian:12"]}`),
	}
	if got, want := shown(t, got), shown(t, want); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// shown is all of a policy as text.
func shown(t *testing.T, p *policy.Policy) string {
	t.Helper()
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDefaults holds what a file leaves out to what a node has without one.
func TestDefaults(t *testing.T) {
	t.Parallel()
	node := policy.Node()
	for _, text := range []string{"{}", "grants: {}", "cells: {}"} {
		got, err := policy.Parse("p.yaml", []byte(text), config)
		if err != nil {
			t.Fatal(err)
		}
		node.File = "p.yaml"
		if got, want := shown(t, got), shown(t, node); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	one, err := policy.Parse("p.yaml", []byte("grants: {http: [a.com]}"), config)
	if err != nil {
		t.Fatal(err)
	}
	if g := one.Grants; !reflect.DeepEqual(g.HTTP, []string{"a.com"}) || !reflect.DeepEqual(g.Secrets, []string{"*"}) || len(g.Mounts)+len(g.HTTPNetworks) > 0 {
		t.Errorf("got %+v: one key of grants has changed another", g)
	}
	asked := wasmhost.Grants{
		HTTP: []string{"*"}, Secrets: []string{"s"}, Env: map[string]string{"A": ""}, Config: map[string]string{"B": ""},
		Tools: []string{"t"}, Mounts: []wasmhost.Mount{{Memory: true, Guest: "/tmp", Writable: true}},
	}
	if _, err := asked.Within(policy.Node().Grants); err != nil {
		t.Errorf("a node does not grant what needs nothing of the machine: %v", err)
	}
	for _, beyond := range []wasmhost.Grants{
		{Mounts: []wasmhost.Mount{{Host: t.TempDir(), Guest: "/d"}}},
		{HTTP: []string{"*"}, HTTPNetworks: []string{"127.0.0.0/8"}},
	} {
		if _, err := beyond.Within(policy.Node().Grants); err == nil {
			t.Errorf("a node grants %+v without a policy", beyond)
		}
	}
	if p := policy.Own(); p.Bounds() || p.Isolation != policy.Inproc {
		t.Errorf("one's own process has %+v", p)
	}
}

// TestFaults has one fault or two in each file, and wants each with its place.
func TestFaults(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"":                                      {"p.yaml:1:1: the file is empty"},
		"[]":                                    {"p.yaml:1:1: want a mapping"},
		"{}\n---\n{}":                           {"p.yaml:3:1: a file is one YAML document"},
		"isolation: prozess":                    {`p.yaml:1:12: isolation: want one of inproc, unsigned, process, not "prozess" (did you mean "process"?)`},
		"isolaton: process":                     {`p.yaml:1:1: policy: unknown key "isolaton" (did you mean "isolation"?); known are isolation, trusted_keys`},
		"isolation: process\nisolation: inproc": {`p.yaml:2:1: the key "isolation" is here twice`},
		"tenants: publisher":                    {"tenants: publisher needs trusted_keys"},
		"trusted_keys: [./none.pub]":            {"p.yaml:1:16: trusted_keys[0]: ./none.pub: no key"},
		"trusted_keys: one":                     {"p.yaml:1:15: trusted_keys: want a list"},
		"cells: {max: 0}":                       {"p.yaml:1:14: cells.max: want a whole number above 0, not 0"},
		"cells: {age: 5}":                       {"cells.age: want a duration above 0 with a unit, as 30s or 10m, not 5"},
		"cells: {memory: lots, kils: 3}":        {"cells.memory: want a size", `cells: unknown key "kils" (did you mean "kills"?)`},
		"limits: {memory: big}":                 {"p.yaml:1:18: limits.memory: got \"big\""},
		"limits:\n  memry: 1MiB":                {`p.yaml:2:10: limits: unknown key "memry", did you mean "memory"?`},
		"grants:\n  mount: []":                  {`p.yaml:2:3: grants: unknown key "mount" (did you mean "mounts"?)`},
		"grants:\n  mounts: [{host: data}]":     {"p.yaml:2:12: grants.mounts[0].host: want an absolute path"},
		"grants:\n  mounts: [{host: /a, guest: /b}]":       {`p.yaml:2:23: grants.mounts[0]: unknown key "guest"`},
		"grants:\n  mounts: [{}]":                          {"grants.mounts[0].host: want an absolute path"},
		"grants: {http: [a b]}":                            {`p.yaml:1:16: grants.http: host "a b"`},
		"grants: {http: a.com}":                            {"grants.http: want a list"},
		"grants: {http_networks: [10]}":                    {"grants.http_networks[0]: want a string, not 10; quote it"},
		"grants: {http_networks: [10.0.0.1/8, \"2\"]}":     {"grants.http_networks: network \"10.0.0.1/8\": bits are set"},
		"grants: {secrets: [\"\"], env: {A: b}}":           {"grants.secrets[0]: want a string", "grants.env: want a list"},
		"grants: {channel: \"no\", clock: slow}":           {"grants.channel: want true or false", "grants.clock: want one of real, coarse, virtual"},
		"docker:\n  images: [a]\n  imges: [b]":             {`p.yaml:3:10: docker: unknown key "imges"`},
		"grants: null":                                     {"grants: want a mapping with some of mounts"},
		"isolation: process\ngrants:\n  env: [A]\n x: 1\n": {"p.yaml:"},
	} {
		_, err := policy.Parse("p.yaml", []byte(text), config)
		if err == nil {
			t.Errorf("%q: got no error, want %q", text, wants)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got\n%v\nwant %q in it", text, err, want)
			}
		}
	}
}

// FuzzParse gives any text: it is a policy or an error, and a policy that was read is
// never more than what it says.
func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("{}")
	f.Add("grants: {mounts: [{host: /, writable: true}]}")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Parse("p.yaml", []byte(text), config)
		if err != nil {
			return
		}
		if p.Grants == nil || p.Isolation == "" || p.Tenants == "" {
			t.Errorf("%q leaves something open: %+v", text, p)
		}
		if _, err := (wasmhost.Grants{}).Within(p.Grants); err != nil {
			t.Errorf("%q: its grants can't be used: %v", text, err)
		}
	})
}

// TestExplain wants a way out for each grant that can be refused.
func TestExplain(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.FromSlash("parse.go"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "grantKeys  = []string{")
	list, _, _ := strings.Cut(rest, "}")
	p, err := policy.Parse("/etc/p.yaml", []byte("{}"), config)
	if err != nil {
		t.Fatal(err)
	}
	for key := range strings.SplitSeq(list, ",") {
		key = strings.Trim(strings.TrimSpace(key), `"`)
		if got := p.Explain(key); !strings.Contains(got, "/etc/p.yaml") || !strings.Contains(got, "grants."+key) {
			t.Errorf("%s: got %q", key, got)
		}
		if got := policy.Node().Explain(key); !strings.Contains(got, "--policy") || !strings.Contains(got, key) {
			t.Errorf("%s without a policy: got %q", key, got)
		}
	}
	if got := p.Explain("nothing"); got != "" {
		t.Errorf("got %q of no grant", got)
	}
}
