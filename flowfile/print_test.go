package flowfile_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

func TestPrintRoundTrip(t *testing.T) {
	t.Parallel()
	two := 2
	spec := engine.Spec{Name: "né: \"x\"\n", Tasks: []engine.Task{
		{ID: "a", Handler: "builtin", Spec: json.RawMessage(`{"name":"now"}`)},
		{ID: "b", Handler: "wasm", Spec: json.RawMessage(`{"module":"m@1","export":"x"}`), MaxCycles: &two},
		{ID: "c", With: map[string]json.RawMessage{"k": json.RawMessage(`["${input}",1.0,null,"\u2028\u0001"]`)}},
		{ID: "d", Handler: "timeout", Spec: json.RawMessage(`null`), Retry: &engine.Retry{Max: 2, Delay: 1e9}},
	}}
	spec.Connect(engine.Seq(engine.Ref("a"), engine.Par(engine.Seq(engine.Ref("b"), engine.Ref("c")), engine.Ref("d")).Max(2)))
	checkRoundTrip(t, spec)
	f, err := flowfile.Parse("thumbnails.flow.yaml", []byte(thumbnails))
	if err != nil {
		t.Fatal(err)
	}
	checkRoundTrip(t, f.Spec)
}

func checkRoundTrip(t *testing.T, spec engine.Spec) {
	t.Helper()
	text, err := flowfile.Print(spec)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flowfile.Parse("printed.flow.yaml", text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	g, err := spec.Build()
	if err != nil {
		t.Fatal(err)
	}
	again, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.Digest(), g.Digest(); got != want {
		a, _ := again.MarshalJSON()
		b, _ := g.MarshalJSON()
		t.Errorf("got  %s\nwant %s\n%s", a, b, text)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(flowfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("flow.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("flow.schema.json")
	for text, want := range map[string]bool{
		thumbnails:                             true,
		"name: x\ntasks: {a: {wasm: m}}\ne: 1": false,
		"tasks: {a: {wasm: m}}":                false,
		"name: x":                              false,
	} {
		raw, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); (err == nil) != want {
			t.Errorf("%s: got %v, want valid %v", text, err, want)
		}
	}
}
