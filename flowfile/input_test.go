package flowfile_test

import (
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

func TestCheckSchema(t *testing.T) {
	t.Parallel()
	const order = `{"type":"object","required":["ok"],"properties":{"ok":{"type":"boolean"},"items":{"type":"array","items":{"minimum":1}}}}`
	for _, test := range []struct{ schema, value, want string }{
		{order, `{"ok":true,"items":[1,2]}`, ""},
		{``, `[1]`, ""},
		{`true`, `null`, ""},
		{`{"$ref":"#/$defs/n","$defs":{"n":{"type":"integer"}}}`, `3`, ""},
		{order, `{"ok":"yes","items":[1,0]}`, "the value does not match its schema:\n  value.items[1]: minimum: got 0, want 1\n  value.ok: got string, want boolean"},
		{order, `{}`, "the value does not match its schema:\n  value: missing property 'ok'"},
		{`false`, `1`, "the value does not match its schema:\n  value: false schema"},
		{order, `{"ok":`, "the value is not JSON: unexpected EOF"},
		{order, ``, "the value is not JSON: EOF"},
		{``, `x`, "the value is not JSON: invalid character 'x' looking for beginning of value"},
		{`{"type":"bool"}`, `1`, "the schema is no JSON Schema:\n  schema.type: got string, want array\n  schema.type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'"},
		{`[`, `1`, "the schema is no JSON Schema: unexpected EOF"},
	} {
		err := flowfile.CheckSchema([]byte(test.schema), []byte(test.value))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%s of %s: got\n%s\nwant\n%s", test.value, test.schema, got, test.want)
		}
	}
	file := filepath.Join(write(t, map[string]string{"any.json": "true"}), "any.json")
	if flowfile.CheckSchema([]byte(`{"$ref":"file://`+filepath.ToSlash(file)+`"}`), []byte(`1`)) == nil {
		t.Error("a schema may refer to a file")
	}
}
