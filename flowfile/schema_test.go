package flowfile_test

import (
	"bytes"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/graflow/graflow-wasm/flowfile"
)

// TestSchemaOfTheSandbox wants the schema to say of limits and grants what the parser says.
func TestSchemaOfTheSandbox(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for _, test := range []struct {
		options string
		want    bool
	}{
		{`limits: {fuel: 1000, timeout: 1s, memory: 64MiB, stack: 1MiB, table_elements: 1, output_bytes: 1kB, log_bytes: 1}`, true},
		{`limits: {open_files: 1, disk_bytes: 1GiB, host_calls: "1e6", http_requests: 1, http_bytes: 1.5KiB, channel_ops: 1}`, true},
		{`limits: {memory: 64 Mb}`, false},
		{`limits: {memory: 0}`, false},
		{`limits: {memory: true}`, false},
		{`limits: {fuel: 1KiB}`, false},
		{`limits: {fuel: -1}`, false},
		{`limits: {gpus: 1}`, false},
		{`limits: []`, false},
		{`isolation: process`, true},
		{`isolation: inproc`, false},
		{`grants: {mounts: [{host: ., guest: /d, writable: true}, {memory: true, guest: /t}], env: {A: b}, http: [a.com]}`, true},
		{`grants: {http_networks: [10.0.0.0/8], secrets: [s], tools: ["*"], config: {a: b}, clock: virtual, random: seeded}`, true},
		{`grants: {seed: 3, channel: false, control: true, spawn: ["builtin:*"]}`, true},
		{`grants: {mounts: [{hots: ., guest: /d}]}`, false},
		{`grants: {env: {A: 1}}`, false},
		{`grants: {http: a.com}`, false},
		{`grants: {secrets: [1]}`, false},
		{`grants: {clock: slow}`, false},
		{`grants: {seed: -1}`, false},
		{`grants: {channel: "no"}`, false},
		{`grants: {network: true}`, false},
	} {
		for _, file := range []string{
			"name: x\ntasks:\n  a: {wasm: m.wasm, " + test.options + "}\n",
			"name: x\ntasks:\n  a: {handler: wasm, " + test.options + "}\n",
			"name: x\ndefaults: {" + test.options + "}\ntasks:\n  a: {wasm: m.wasm}\n",
		} {
			if _, err := flowfile.Parse("x", []byte(file)); (err == nil) != test.want {
				t.Errorf("%s: the parser says %v", file, err)
			}
			if err := validate(t, schema, file); (err == nil) != test.want {
				t.Errorf("%s: the schema says %v", file, err)
			}
		}
	}
	custom := "name: x\ntasks:\n  a: {python: {}, limits: {gpus: 1}, grants: {root: true}}\n"
	if err := validate(t, schema, custom); err != nil {
		t.Errorf("a custom handler: the schema says %v", err)
	}
}

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(flowfile.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("flow", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("flow")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, file string) error {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}
