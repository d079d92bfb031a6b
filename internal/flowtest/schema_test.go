package flowtest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/flowtest"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(flowtest.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("test.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("test.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fits tells whether a test file fits the schema.
func fits(t *testing.T, s *jsonschema.Schema, name string, src []byte) error {
	t.Helper()
	d, err := flowfile.ParseDocument(name, src)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Root.JSON()))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

func TestExamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../examples/*/*.test.yaml")
	if err != nil || len(names) < 15 {
		t.Fatalf("found %d test files, %v", len(names), err)
	}
	s := compiled(t)
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := fits(t, s, name, src); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaHasAllKeys has each key of the schema read, and refused where it is wrong
// by both.
func TestSchemaHasAllKeys(t *testing.T) {
	t.Parallel()
	var doc struct {
		Properties map[string]any
		Defs       map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal(flowtest.Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	flow := "name: x\ntasks: {a: {builtin: now}}\n"
	s := compiled(t)
	for what, place := range map[string]struct{ before, after string }{
		"file":   {"cases: [{name: x}]\n", ": {\"\": [7]}\n"},
		"case":   {"cases: [{name: x, ", ": {\"\": [7]}}]\n"},
		"reply":  {"cases: [{name: x, mocks: {a: {", ": {\"\": [7]}}}}]\n"},
		"expect": {"cases: [{name: x, expect: {", ": {\"\": [7]}}}]\n"},
		"task":   {"cases: [{name: x, expect: {tasks: {a: {", ": {\"\": [7]}}}}}]\n"},
	} {
		keys := doc.Defs[what].Properties
		if what == "file" {
			keys = doc.Properties
		}
		if len(keys) == 0 {
			t.Errorf("the schema has no keys of a %s", what)
		}
		for key := range keys {
			src := place.before + key + place.after
			if key == "cases" || key == "name" {
				continue
			}
			bySchema := fits(t, s, "x.test.yaml", []byte(src)) != nil
			_, err := flowtest.Load(write(t, flow, src))
			if byReader := err != nil; bySchema != byReader && key != "effects" && key != "channel" {
				t.Errorf("%s: the schema refuses it: %v, the reader: %v", src, bySchema, err)
			}
		}
		src := place.before + "unknown" + place.after
		if _, err := flowtest.Load(write(t, flow, src)); err == nil || fits(t, s, "x.test.yaml", []byte(src)) == nil {
			t.Errorf("%s: an unknown key is not refused", src)
		}
	}
}
