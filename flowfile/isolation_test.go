package flowfile_test

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

// TestIsolation reads the wall that tasks ask for, which their handlers find in limits.
func TestIsolation(t *testing.T) {
	t.Parallel()
	f, err := flowfile.Parse("x.flow.yaml", []byte(`name: x
defaults: {isolation: process, limits: {memory: 64MiB}}
tasks:
  a: {wasm: m.wasm#x}
  b: {script: {language: python, code: "1"}, limits: {fuel: 10}}
  c: {builtin: now}
  d: {docker: {image: "debian:12"}}
  e: {wasm: m.wasm#x, isolation: process, limits: {fuel: 10}}
  f: {handler: wasm, handler_kwargs: {module: m.wasm}, limits: {fuel: 10}, isolation: process}
  g: {flow: {name: inner, tasks: {a: {wasm: m.wasm#x}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a": `{"isolation":"process","memory":67108864}`, "b": `{"fuel":10,"isolation":"process"}`, "c": "", "d": `{"memory":67108864}`,
		"e": `{"fuel":10,"isolation":"process"}`, "f": `{"fuel":10,"isolation":"process"}`, "g": "",
	}
	for _, task := range f.Spec.Tasks {
		if got := string(task.Limits); got != want[task.ID] {
			t.Errorf("%s: got %s, want %s", task.ID, got, want[task.ID])
		}
	}
	checkRoundTrip(t, f.Spec)
	text, err := flowfile.Print(f.Spec)
	if err != nil || !strings.Contains(string(text), `"limits":{"fuel":10},"isolation":"process"`) || strings.Contains(string(text), `{"fuel":10,"isolation"`) {
		t.Errorf("printed: %v\n%s", err, text)
	}
}

// TestIsolationFaults asks for less than there is to ask for; the schema says so too.
func TestIsolationFaults(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for task, want := range map[string]string{
		"wasm: m.wasm, isolation: inproc":                            "x:3:32: isolation: inproc is for an operator to say, in a policy: a flow may ask for more isolation, with process, never for less",
		"wasm: m.wasm, isolation: unsigned":                          "never for less",
		"wasm: m.wasm, isolation: prozess":                           `want one of process, not "prozess" (did you mean "process"?)`,
		"wasm: m.wasm, isolation: true":                              "want one of process, not true",
		"wasm: m.wasm, limits: {isolation: process}":                 `limits: unknown key "isolation"`,
		`docker: {image: "debian:12"}, isolation: process`:           "a container is a process of its own",
		"builtin: now, isolation: process":                           "it is for tasks in the sandbox, wasm and script",
		"flow: {name: y, tasks: {b: {wasm: m}}}, isolation: process": "a flow task has none",
		"python: {}, isolation: process":                             "a python task has none",
	} {
		file := "name: x\ntasks:\n  a: {" + task + "}\n"
		_, err := flowfile.Parse("x", []byte(file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", task, err, want)
		}
		if validate(t, schema, file) == nil {
			t.Errorf("%s: the schema allows it", task)
		}
	}
	if _, err := flowfile.Parse("x", []byte("name: x\ndefaults: {isolation: inproc}\ntasks:\n  a: {wasm: m}\n")); err == nil {
		t.Error("defaults may ask for less")
	}
}
