package mcp

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, want string }{
		{``, `{"type":"object","required":["input"],"additionalProperties":false,"properties":{"input":{}}}`},
		{`true`, `{"type":"object","required":["input"],"additionalProperties":false,"properties":{"input":true}}`},
		{`{"type":"object","properties":{"a":{"$ref":"#"}}}`, `{"type":"object","properties":{"a":{"$ref":"#"}}}`},
		{`{"type":["object","null"]}`, `{"type":"object","required":["input"],"additionalProperties":false,"properties":{"input":{"type":["object","null"]}}}`},
		{
			`{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#"},{"const":{"$ref":"#/b"}},{"$ref":"urn:x"},{"properties":{"$ref":{"type":"string"}}}]}}}`,
			`{"type":"object","required":["input"],"additionalProperties":false,"properties":{"input":{"$ref":"#/properties/input/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/properties/input"},{"const":{"$ref":"#/b"}},{"$ref":"urn:x"},{"properties":{"$ref":{"type":"string"}}}]}}}}}`,
		},
		{`{"$id":"urn:a","items":{"$ref":"#"}}`, `{"type":"object","required":["input"],"additionalProperties":false,"properties":{"input":{"$id":"urn:a","items":{"$ref":"#"}}}}`},
	} {
		got, err := wrap(json.RawMessage(test.schema), "input")
		if err != nil {
			t.Errorf("%s: %v", test.schema, err)
			continue
		}
		var a, b any
		if json.Unmarshal(got.schema, &a) != nil || json.Unmarshal([]byte(test.want), &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: got %s, want %s", test.schema, got.schema, test.want)
		}
	}
	for _, bad := range []string{"{", "1", `"object"`} {
		if _, err := wrap(json.RawMessage(bad), "input"); err == nil {
			t.Errorf("%s: it was taken for a schema", bad)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	n := newNames("run_code")
	long := strings.Repeat("x", 100)
	for _, test := range []struct{ module, task, want string }{
		{"m", "run_code", "m_run_code"},
		{"m", "run_code", "m_run_code_2"},
		{"m.é", "a.b", "a_b"},
		{"m.é", "a.b", "m___a_b"},
		{"m", "", "task"},
		{"m", long, long[:64]},
		{long, long, long[:62] + "_2"},
	} {
		if got := n.unique(test.module, test.task); got != test.want {
			t.Errorf("%.9s#%.9s: got %s, want %s", test.module, test.task, got, test.want)
		}
	}
}
