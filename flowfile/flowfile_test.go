package flowfile_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

const thumbnails = `name: thumbnails
input: {type: object, required: [urls]}
defaults: {timeout: 30s}
modules: {img: ./img.wasm}
tasks:
  fetch:  {wasm: img#fetch, retry: {max: 3, delay: 1s, backoff: 2}}
  resize: {wasm: img#resize, map: "tasks.fetch.images", max_concurrency: 8, limits: {memory: 64MiB, fuel: 1e9}}
  label:  {python: {image: x}}
  store:  {wasm: img, with: {thumbs: "${tasks.resize}"}}
groups:
  work: {policy: {at_least: 1}}
flow: |
  # all of it
  fetch >> work(resize | label)
    >> store
edges:
  - {from: work, to: store, when: "result != nil"}
end: store
`

func TestParse(t *testing.T) {
	t.Parallel()
	f, err := flowfile.Parse("flows/thumbnails.flow.yaml", []byte(thumbnails))
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := g.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"edges":[{"from":"fetch","to":"work"},{"from":"work","to":"store","when":"result != nil"}],"end":["store"],"groups":[{"id":"work","members":[{"id":"resize","nodes":["resize"]},{"id":"label","nodes":["label"]}],"policy":{"at_least":1}}],"input":{"required":["urls"],"type":"object"},"name":"thumbnails","tasks":[{"handler":"wasm","id":"fetch","retry":{"backoff":2,"delay":"1s","max":3},"spec":{"export":"fetch","module":"./flows/img.wasm"},"timeout":"30s"},{"handler":"wasm","id":"resize","limits":{"fuel":1000000000,"memory":67108864},"map":"tasks.fetch.images","max_concurrency":8,"spec":{"export":"resize","module":"./flows/img.wasm"},"timeout":"30s"},{"handler":"python","id":"label","spec":{"image":"x"},"timeout":"30s"},{"handler":"wasm","id":"store","spec":{"export":"","module":"./flows/img.wasm"},"timeout":"30s","with":{"thumbs":"${tasks.resize}"}}]}`
	if got := string(raw); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if err := f.CheckInput([]byte(`{"urls":[]}`)); err != nil {
		t.Error(err)
	}
	got, wantErr := f.CheckInput([]byte(`{}`)), "the input does not match the flow's input schema:\n  input: missing property 'urls'"
	if got == nil || got.Error() != wantErr {
		t.Errorf("got %v, want %s", got, wantErr)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	_, err := flowfile.Parse("bad.flow.yaml", []byte(`name: bad
tasks:
  a: {builtin: now, timout: 3s, requires: [K]}
  b: {builtin: now, retry: {max: x}, map: "1 +"}
flow: |
  a >> bb
edgs: []
`))
	want := `bad.flow.yaml:3:21: task "a": unknown key "timout" (did you mean "timeout"?)
      a: {builtin: now, timout: 3s, requires: [K]}
                        ^
bad.flow.yaml:3:43: want a mapping of labels to values, as {gpu: "1"}, not a list
      a: {builtin: now, timout: 3s, requires: [K]}
                                              ^
bad.flow.yaml:4:34: want a whole number, not "x"
      b: {builtin: now, retry: {max: x}, map: "1 +"}
                                     ^
bad.flow.yaml:6:8: flow: no task or group "bb" (did you mean "b"?)
      a >> bb
           ^
bad.flow.yaml:7:1: flow file: unknown key "edgs" (did you mean "edges"?)
    edgs: []
    ^`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(thumbnails))
	f.Add([]byte("name: x\ntasks: {a: &x {b: *x}}\nflow: ((a | b) >> c"))
	f.Add([]byte("name: x\ntasks: {a: {flow: {tasks: {b: {wasm: m, secrets: [s], output: auto}}, end: b}}, c: {flow: ./c.flow.yaml}}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := flowfile.Parse("x.flow.yaml", src)
		if (file == nil) == (err == nil) {
			t.Fatalf("got %v and %v", file, err)
		}
	})
}
