package flowfile_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

// write makes files in a new directory, and returns it.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inner is the spec of a sub-flow.
func inner(t *testing.T, task engine.Task) engine.Spec {
	t.Helper()
	var s engine.Spec
	if err := json.Unmarshal(task.Spec, &s); task.Handler != "flow" || err != nil {
		t.Fatalf("task %s: handler %q, spec %s: %v", task.ID, task.Handler, task.Spec, err)
	}
	return s
}

func TestSubFlowInAFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"main.flow.yaml": `name: main
defaults: {timeout: 3s}
tasks:
  resize: {flow: ./parts/resize.flow.yaml, with: {url: "${input}"}}
  after: {builtin: now}
flow: resize >> after
`,
		"parts/resize.flow.yaml": `name: resize
input: {type: object, required: [url]}
modules: {img: ../img.wasm}
tasks:
  fetch: {wasm: img#fetch}
  scale: {flow: scale.flow.yaml}
flow: fetch >> scale
`,
		"parts/scale.flow.yaml": "name: scale\ntasks: {s: {wasm: ./scale#s, grants: {mounts: [{host: data, guest: /data}]}}}\n",
	})
	f, err := flowfile.Load(filepath.Join(dir, "main.flow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	task := f.Spec.Tasks[0]
	if task.Timeout != 0 || string(task.With["url"]) != `"${input}"` {
		t.Errorf("got timeout %v, with %s: want none of the defaults, and with", task.Timeout, task.With)
	}
	resize := inner(t, task)
	if got := string(resize.Input); resize.Name != "resize" || got != `{"type":"object","required":["url"]}` {
		t.Errorf("got %s with input %s", resize.Name, got)
	}
	if got, want := module(t, resize.Tasks[0]), filepath.Join(dir, "img.wasm"); got != want {
		t.Errorf("got module %s, want %s", got, want)
	}
	scale := inner(t, resize.Tasks[1])
	if got, want := module(t, scale.Tasks[0]), filepath.Join(dir, "parts/scale"); got != want {
		t.Errorf("got module %s, want %s", got, want)
	}
	if got, want := string(scale.Tasks[0].Grants), filepath.Join(dir, "parts/data"); !strings.Contains(got, want) {
		t.Errorf("got %s, want a mount of %s", got, want)
	}
	checkRoundTrip(t, f.Spec)
}

func module(t *testing.T, task engine.Task) string {
	t.Helper()
	var spec struct{ Module string }
	if err := json.Unmarshal(task.Spec, &spec); err != nil {
		t.Fatal(err)
	}
	return spec.Module
}

func TestSubFlowInPlace(t *testing.T) {
	t.Parallel()
	const text = `name: main
defaults: {timeout: 3s}
modules: {img: ./img.wasm}
tasks:
  small:
    flow:
      input: {type: integer}
      tasks: {a: {wasm: img#a}, z: {builtin: now}, c: {wasm: own#c}}
      modules: {own: ./own.wasm}
      flow: work(a | z) >> c
      limits: {max_steps: 7}
  other: {flow: {name: named, defaults: {timeout: 1s}, tasks: {b: {wasm: img#b}}}}
`
	f, err := flowfile.Parse("flows/main.flow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name":"small","input":{"type":"integer"},"tasks":[` +
		`{"id":"a","handler":"wasm","spec":{"module":"./flows/img.wasm","export":"a"},"timeout":"3s"},` +
		`{"id":"z","handler":"builtin","spec":{"name":"now"},"timeout":"3s"},` +
		`{"id":"c","handler":"wasm","spec":{"module":"./flows/own.wasm","export":"c"},"timeout":"3s"}],` +
		`"groups":[{"id":"work","members":[{"id":"a","nodes":["a"]},{"id":"z","nodes":["z"]}]}],` +
		`"edges":[{"from":"work","to":"c"}],"limits":{"max_steps":7}}`
	if got := string(f.Spec.Tasks[0].Spec); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := inner(t, f.Spec.Tasks[1]); got.Name != "named" || got.Tasks[0].Timeout != 1e9 {
		t.Errorf("got %+v, want its own name and defaults", got)
	}
	checkRoundTrip(t, f.Spec)
	printed, err := flowfile.Print(f.Spec)
	if err != nil || !strings.Contains(string(printed), `"flow":{"name":"small",`) {
		t.Errorf("%v: the sub-flow is not printed as one:\n%s", err, printed)
	}
	schema := compiledSchema(t)
	for text, want := range map[string]bool{
		text: true, "name: x\ntasks: {a: {flow: ./x.flow.yaml}}": true,
		"name: x\ntasks: {a: {flow: {flow: b}}}": false, "name: x\ntasks: {a: {flow: {tasks: {b: {builtin: now}}, e: 1}}}": false,
	} {
		if err := validate(t, schema, text); (err == nil) != want {
			t.Errorf("%s: the schema says %v", text, err)
		}
	}
}

// TestPrintBadSubFlow prints what is no sub-flow's spec as it is.
func TestPrintBadSubFlow(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{"name":"x","tasks":[{"id":"a"}],"more":1}`, `{"tasks":[{"id":"a"}]}`, `"x"`} {
		text, err := flowfile.Print(engine.Spec{Name: "x", Tasks: []engine.Task{{ID: "a", Handler: "flow", Spec: json.RawMessage(raw)}}})
		if err != nil || !strings.Contains(string(text), `"handler":"flow","handler_kwargs":`+raw) {
			t.Errorf("%s: %v\n%s", raw, err, text)
		}
	}
}

func TestSubFlowFaults(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"main.flow.yaml": `name: main
tasks:
  a: {flow: ./bad.flow.yaml}
  b: {flow: ./bda.flow.yaml}
  c: {flow: {tasks: {d: {builtin: now, timout: 1s}}, flow: d >> e}}
  f: {flow: [x]}
  g: {flow: .}
  h: {flow: ./loop.flow.yaml}
  i: {flow: {}}
  j: {flow: {tasks: {a: {builtin: now}}, edges: [{from: a, to: b}]}}
flow: a >> zz
`,
		"bad.flow.yaml":  "name: bad\ntasks:\n  a: {builtin: now, join: most}\n  b: {builtni: now, tiemout: 1s}\n",
		"loop.flow.yaml": "name: loop\ntasks: {a: {flow: ./again.flow.yaml}, m: {flow: main.flow.yaml}}\n",
		"again.flow.yaml": `name: again
tasks: {a: {flow: loop.flow.yaml}}
`,
	})
	_, err := flowfile.Load(filepath.Join(dir, "main.flow.yaml"))
	faults, ok := errors.AsType[flowfile.Errors](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, fmt.Sprintf("%s:%d:%d: %s", strings.TrimPrefix(f.File, dir+string(filepath.Separator)), f.Line, f.Column, strings.ReplaceAll(f.Message, dir+string(filepath.Separator), "")))
	}
	want := []string{
		`main.flow.yaml:4:13: no such file: bda.flow.yaml (did you mean "bad.flow.yaml"?)`,
		`main.flow.yaml:5:40: task "d": unknown key "timout" (did you mean "timeout"?)`,
		`main.flow.yaml:5:65: flow: no task or group "e" (did you mean "d"?)`,
		`main.flow.yaml:6:13: want a sub-flow: the path of its file, or {tasks: …, flow: …}, not a list`,
		`main.flow.yaml:7:13: read flow file: ` + dir + ` is not a file`,
		`main.flow.yaml:9:13: the key "tasks" is missing`,
		`main.flow.yaml:10:64: no task or group "b"`,
		`main.flow.yaml:11:12: flow: no task or group "zz"`,
		`again.flow.yaml:2:19: the flow is a sub-flow of itself: loop.flow.yaml → again.flow.yaml → loop.flow.yaml`,
		`bad.flow.yaml:3:27: "most": want all or any`,
		`bad.flow.yaml:4:7: task "b": unknown key "builtni" (did you mean "builtin"?); a custom handler of that name is written handler: builtni`,
		`bad.flow.yaml:4:21: task "b": unknown key "tiemout" (did you mean "timeout"?); a custom handler of that name is written handler: tiemout`,
		`loop.flow.yaml:2:49: the flow is a sub-flow of itself: main.flow.yaml → loop.flow.yaml → main.flow.yaml`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestParseReadsNoFile keeps text from anyone away from files.
func TestParseReadsNoFile(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"x.flow.yaml": "name: x\ntasks: {a: {builtin: now}}\n"})
	_, err := flowfile.Parse(filepath.Join(dir, "main"), []byte("name: x\ntasks: {a: {flow: ./x.flow.yaml}}\n"))
	want := "2:19: a sub-flow in another file wants a flow that is in a file as well"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestSubFlowsMultiply ends files that name each other twice.
func TestSubFlowsMultiply(t *testing.T) {
	t.Parallel()
	files := map[string]string{}
	for i := range 20 {
		next := fmt.Sprintf("./%d.flow.yaml", i+1)
		files[fmt.Sprintf("%d.flow.yaml", i)] = "name: x\ntasks: {a: {flow: " + next + "}, b: {flow: " + next + "}}\n"
	}
	files["20.flow.yaml"] = "name: x\ntasks: {a: {builtin: now}}\n"
	_, err := flowfile.Load(filepath.Join(write(t, files), "0.flow.yaml"))
	if want := "a flow has at most 1000 sub-flows, theirs included"; err == nil || strings.Count(err.Error(), want) != 1 {
		t.Errorf("got %v, want once %s", err, want)
	}
}

// TestLocateInASubFlow puts what is found later into the sub-flow's file.
func TestLocateInASubFlow(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"main.flow.yaml": "name: main\ntasks:\n  s: {flow: sub.flow.yaml}\n  r: {builtin: now, fallback: {flow: {tasks: {k: {nope: 1}}}}}\n",
		"sub.flow.yaml":  "name: sub\n\ntasks:\n  n: {flow: {tasks: {x: {python: 3}}}}\n",
	})
	f, err := flowfile.Load(filepath.Join(dir, "main.flow.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"tasks.s.spec.tasks.n.spec.tasks.x.handler":  "sub.flow.yaml:4:26: no",
		"tasks.s.spec.tasks.n.handler":               "sub.flow.yaml:4:7: no",
		"tasks.r-fallback.spec.tasks.k.handler":      "main.flow.yaml:4:51: no",
		"tasks.s.spec":                               "main.flow.yaml:3:13: no",
		"tasks.other.spec.tasks.n.spec.tasks.x.more": "main.flow.yaml:2:1: no",
	} {
		got, _, _ := strings.Cut(f.Locate(&engine.BuildError{At: at, Message: "no"}).Error(), "\n")
		if got != filepath.Join(dir, want) {
			t.Errorf("%s: got %s, want %s", at, got, want)
		}
	}
}
