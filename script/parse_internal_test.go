package script

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"testing"
	"unicode/utf8"
)

// decoded is a document as encoding/json reads it; nil and false if it does not.
func decoded(document []byte) (any, bool) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return tree, errors.Is(err, io.EOF)
}

// documents are some that are JSON, and some that nearly are.
var documents = []string{
	`null`, `true`, `false`, ` [ 1 , -2.5e+3 , "x" ] `, `{"a":{"b":[]},"c":{},"a":1}`, `"é\u00e9\ud83d\ude00\ud800\n"`, `""`,
	`0`, `-0`, `0.5`, `1E9`, `123456789012345678901234567890`, "[\"\u2028\",\"\x7f\"]",
	`01`, `-`, `1.`, `.5`, `1e`, `+1`, `[1,]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `[1 2]`, `"a`, `"\"`, `"\x"`, "\"\n\"", `nul`, `nulls`, `1 2`, `[`, `{`, `]`, `NaN`, "\x00", `{"a":1]`,
}

// FuzzScan wants what the quick reader reads to be what encoding/json reads.
func FuzzScan(f *testing.F) {
	for _, document := range documents {
		f.Add([]byte(document))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if !utf8.Valid(document) {
			return
		}
		got, ok := scan(document)
		want, valid := decoded(document)
		if ok && (!valid || !reflect.DeepEqual(got, want)) {
			t.Errorf("%q: got %#v, want %#v, %t", document, got, want, valid)
		}
	})
}

// TestScanIsUsed wants what is plain to be read by the quick reader.
func TestScanIsUsed(t *testing.T) {
	t.Parallel()
	for _, document := range documents[:13] {
		if _, ok := scan([]byte(document)); !ok {
			t.Errorf("%s is left to encoding/json", document)
		}
	}
}

// TestShape wants a value that a shape takes to fit the schema, and plain ones to be taken.
func TestShape(t *testing.T) {
	t.Parallel()
	values := []string{
		`null`, `true`, `1`, `-1`, `-0`, `1.0`, `1.5`, `1e2`, `"x"`, `[]`, `[1]`, `["x",1]`, `[[1]]`, `{}`, `{"a":1}`, `{"a":"x"}`, `{"a":1,"b":[1,2]}`,
		`{"b":[]}`, `{"a":1,"b":["x"]}`, `{"a":1,"c":{"d":null}}`, `{"a":-1}`, `{"c":1}`,
	}
	for schema, quick := range map[string]int{ // and how many values are taken
		`true`:                                   22,
		`{}`:                                     22,
		`{"type":"integer"}`:                     3,
		`{"type":"number","title":"n"}`:          6,
		`{"type":"integer","minimum":0}`:         1,
		`{"type":["string","null"]}`:             2,
		`{"minimum":0}`:                          20,
		`{"type":"array","items":{}}`:            4,
		`{"items":{"type":"integer"}}`:           20,
		`{"required":["a"]}`:                     19,
		`{"type":"object","required":["a","b"]}`: 2,
		`{"type":"object","properties":{"a":{"type":"integer","minimum":0},"b":{"type":"array","items":{"type":"number"}}},"required":["a"]}`: 3,
		`{"type":"object","properties":{"a":{}},"additionalProperties":false}`:                                                                4,
		`{"type":"object","additionalProperties":{"type":"integer"}}`:                                                                         4,
		`{"type":"object","properties":{"a":false}}`:                                                                                          0,
		`{"type":"object","minProperties":1}`:                                                                                                 0,
		`{"anyOf":[{"type":"null"}]}`:                                                                                                         0,
		`{"const":1}`:                                                                                                                         0,
	} {
		c, err := compileSchema(json.RawMessage(schema))
		if err != nil {
			t.Fatal(err)
		}
		taken := 0
		for _, document := range values {
			value, err := parse(json.RawMessage(document))
			if err != nil {
				t.Fatal(err)
			}
			if !c.shape.fits(value) {
				continue
			}
			taken++
			if err := c.schema.Validate(value); err != nil {
				t.Errorf("%s takes %s: %v", schema, document, err)
			}
		}
		if taken != quick {
			t.Errorf("%s takes %d values, want %d", schema, taken, quick)
		}
	}
}
