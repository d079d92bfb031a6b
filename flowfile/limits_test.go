package flowfile_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

func TestLimitsAndGrants(t *testing.T) {
	t.Parallel()
	dir := filepath.FromSlash("flows/")
	f, err := flowfile.Parse(dir+"x.flow.yaml", []byte(`name: x
modules: {img: ./img.wasm}
defaults:
  limits: {fuel: 1e9, timeout: 2s}
  grants: {clock: virtual}
tasks:
  a:
    wasm: img#resize
    limits: {fuel: "2e6", timeout: 300ms, memory: 64MiB, stack: 512KiB, table_elements: 1_000, output_bytes: 1kB,
      log_bytes: 10, open_files: 4, disk_bytes: 1.5GiB, host_calls: 100, http_requests: 3, http_bytes: "65536", channel_ops: 10}
    grants:
      mounts: [{host: ./data, guest: /data}, {memory: true, guest: /tmp}]
      env: {A: "1"}
      http: [example.com, "*.example.com:8443"]
      http_networks: [10.0.0.0/8]
      secrets: [api-key]
      tools: ["*"]
      config: {k: v}
      clock: coarse
      random: seeded
      seed: 18446744073709551615
      channel: false
      control: true
      spawn: [img, ./lib/*.wasm, "builtin:*", "*"]
  b: {wasm: img#resize}
  c: {python: {}, limits: {gpus: 2, memory: 1GiB}, grants: {root: true}}
  d: {builtin: now}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"a": {
			`{"fuel":2000000,"timeout":"300ms","memory":67108864,"stack":524288,"table_elements":1000,"output_bytes":1000,"log_bytes":10,"open_files":4,"disk_bytes":1610612736,"host_calls":100,"http_requests":3,"http_bytes":65536,"channel_ops":10}`,
			`{"mounts":[{"host":"./flows/data","guest":"/data"},{"memory":true,"guest":"/tmp"}],"env":{"A":"1"},"http":["example.com","*.example.com:8443"],"http_networks":["10.0.0.0/8"],"secrets":["api-key"],"tools":["*"],"config":{"k":"v"},"clock":"coarse","random":"seeded","seed":18446744073709551615,"channel":false,"control":true,"spawn":["./flows/img.wasm","./flows/lib/*.wasm","builtin:*","*"]}`,
		},
		"b": {`{"fuel":1000000000,"timeout":"2s"}`, `{"clock":"virtual"}`},
		"c": {`{"gpus":2,"memory":1073741824}`, `{"root":true}`},
		"d": {"", ""},
	}
	for _, task := range f.Spec.Tasks {
		if got := [2]string{string(task.Limits), string(task.Grants)}; got != want[task.ID] {
			t.Errorf("%s: got\n%s\n%s\nwant\n%s\n%s", task.ID, got[0], got[1], want[task.ID][0], want[task.ID][1])
		}
	}
}

func TestLimitsAndGrantsFaults(t *testing.T) {
	t.Parallel()
	for options, want := range map[string]string{
		`limits: {memroy: 1}`:                      `16: limits: unknown key "memroy" (did you mean "memory"?)`,
		`limits: {memory: 0}`:                      `24: want a size above 0, as 64KiB, 16MiB or 1GiB, not 0`,
		`limits: {stack: 64 Mb}`:                   `23: want a size above 0, as 64KiB, 16MiB or 1GiB, not "64 Mb"`,
		`limits: {http_bytes: 1.0001KiB}`:          `28: want a size above 0, as 64KiB, 16MiB or 1GiB, not "1.0001KiB"`,
		`limits: {fuel: 1.5}`:                      `22: want a whole number above 0, as 1000 or 1e9, not 1.5`,
		`limits: {fuel: 1e300}`:                    `22: want a whole number above 0, as 1000 or 1e9, not 1e300`,
		`limits: {host_calls: 1KiB}`:               `28: want a whole number above 0, as 1000 or 1e9, not "1KiB"`,
		`limits: {open_files: true}`:               `28: want a whole number above 0, as 1000 or 1e9, not true`,
		`limits: {timeout: 3}`:                     `25: want a duration above 0 with a unit, as 300ms, 10s or 1h, not 3`,
		`limits: {timeout: 0s}`:                    `25: want a duration above 0 with a unit, as 300ms, 10s or 1h, not "0s"`,
		`limits: 3`:                                `15: want a mapping, as {memory: 64MiB, fuel: 1e9}, not 3`,
		`grants: {secretes: [a]}`:                  `16: grants: unknown key "secretes" (did you mean "secrets"?)`,
		`grants: {secrets: api-key}`:               `25: want a list of strings, not "api-key"`,
		`grants: {http: [a.com, 3]}`:               `30: want a string, not 3`,
		`grants: {env: {A: 1}}`:                    `25: env.A: want a string, not a number; quote it to make it one`,
		`grants: {config: [a]}`:                    `24: want a mapping of names to strings, not a list`,
		`grants: {clock: slow}`:                    `23: want one of real, coarse, virtual, not "slow"`,
		`grants: {random: 4}`:                      `24: want one of secure, seeded, not 4`,
		`grants: {seed: -1}`:                       `22: want a whole number, not -1`,
		`grants: {control: "no"}`:                  `25: want true or false, not "no"`,
		`grants: {mounts: [{hots: ., guest: /d}]}`: `26: mount: unknown key "hots" (did you mean "host"?)`,
		`grants: {mounts: [{memory: 1}]}`:          `34: want true or false, not 1`,
		`grants: {spawn: "*"}`:                     `23: want a list of strings, not "*"`,
		`grants: {spawn: [{}]}`:                    `24: want a string, not a mapping`,
		`secrets: a`:                               `16: want a list of strings, not "a"`,
		`secrets: [a, 3]`:                          `20: want a string, not 3`,
		`secrets: [""]`:                            `17: want the name of a secret, not ""`,
		`secrets: [a, b, a]`:                       `23: "a" is here twice`,
		`secret: [a]`:                              `7: task "a": unknown key "secret" (did you mean "secrets"?)`,
		`output: bolb`:                             `15: want one of inline, blob, auto, not "bolb" (did you mean "blob"?)`,
		`output: {max: 1}`:                         `15: want one of inline, blob, auto, not a mapping`,
		`requires: {gpu: 1}`:                       `23: requires.gpu: want a string, not 1; quote it to make it one`,
	} {
		for _, handler := range []string{"wasm: m.wasm", "handler: wasm"} {
			_, err := flowfile.Parse("x", []byte("name: x\ntasks:\n  a: {"+options+", "+handler+"}\n"))
			if err == nil {
				t.Errorf("%s: got no error, want %s", options, want)
				continue
			}
			if got, _, _ := strings.Cut(err.Error(), "\n"); got != "x:3:"+want {
				t.Errorf("%s: got %s, want x:3:%s", options, got, want)
			}
		}
	}
}

func TestDefaultFaults(t *testing.T) {
	t.Parallel()
	_, err := flowfile.Parse("x", []byte("name: x\ndefaults: {limits: {fule: 1}, grants: {clocks: real}, output: blub, secrets: [a]}\ntasks:\n  a: {builtin: now}\n"))
	for _, want := range []string{
		`x:2:21: limits: unknown key "fule" (did you mean "fuel"?)`,
		`x:2:40: grants: unknown key "clocks" (did you mean "clock"?)`,
		`x:2:63: want one of inline, blob, auto, not "blub" (did you mean "blob"?)`,
		`x:2:69: defaults: secrets are allowed task by task; write them at the tasks that read them`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestSecretsAndOutput(t *testing.T) {
	t.Parallel()
	const text = `name: x
defaults: {output: auto}
tasks:
  a: {wasm: m.wasm, secrets: [api-key, TOKEN], output: blob}
  b: {builtin: now, secrets: []}
`
	f, err := flowfile.Parse("x", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.Spec.Tasks[0], f.Spec.Tasks[1]
	if !slices.Equal(a.Secrets, []string{"api-key", "TOKEN"}) || a.Output != engine.OutputBlob {
		t.Errorf("a: got secrets %q, output %q", a.Secrets, a.Output)
	}
	if len(b.Secrets) != 0 || b.Output != engine.OutputAuto {
		t.Errorf("b: got secrets %q, output %q, want none and the default", b.Secrets, b.Output)
	}
	checkRoundTrip(t, f.Spec)
	schema := compiledSchema(t)
	if err := validate(t, schema, text); err != nil {
		t.Errorf("the schema says %v", err)
	}
	for _, options := range []string{"secrets: a", "secrets: [3]", `secrets: [""]`, "secrets: [a, a]", "output: bolb", "requires: []"} {
		if validate(t, schema, "name: x\ntasks: {a: {builtin: now, "+options+"}}\n") == nil {
			t.Errorf("the schema permits %s", options)
		}
	}
	if validate(t, schema, "name: x\ndefaults: {secrets: [a]}\ntasks: {a: {builtin: now}}\n") == nil {
		t.Error("the schema permits secrets as a default")
	}
}
