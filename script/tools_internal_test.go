package script

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

type part struct {
	Size float64 `json:"size"`
}

type order struct {
	part
	Zeta  string         `json:"zeta" doc:"last letter first"`
	Alpha int            `json:"alpha,omitempty"`
	Maybe *bool          `json:"maybe"`
	At    time.Time      `json:"at"`
	Blob  []byte         `json:"blob,omitzero"`
	Tags  []string       `json:"tags"`
	Any   any            `json:"any"`
	Map   map[string]int `json:"map,omitempty"`
	Pair  [2]uint8       `json:"pair"`
	Self  *order         `json:"self"`
	Quote int            `json:"quote,string"`
	Skip  int            `json:"-"`
}

func TestSchemaOf(t *testing.T) {
	t.Parallel()
	const (
		object = `{"type":"object","properties":{"$bytes":{"type":"string","contentEncoding":"base64"}},"required":["$bytes"]}`
		time   = `{"type":"object","properties":{"$time":{"type":"string","format":"date-time"}},"required":["$time"]}`
	)
	for _, test := range []struct {
		of    reflect.Type
		taken bool
		want  string
	}{
		{reflect.TypeFor[string](), true, `{"type":"string"}`},
		{reflect.TypeFor[any](), true, `{}`},
		{reflect.TypeFor[struct{}](), true, `{"type":"object","properties":{}}`},
		{reflect.TypeFor[*int](), true, `{"type":["integer","null"]}`},
		{reflect.TypeFor[json.RawMessage](), true, `{}`},
		{reflect.TypeFor[[]byte](), false, `{"type":["object","null"],"properties":{"$bytes":{"type":"string","contentEncoding":"base64"}},"required":["$bytes"]}`},
		{reflect.TypeFor[[]byte](), true, `{"anyOf":[` + object + `,{"type":"string","contentEncoding":"base64"},{"type":"null"}]}`},
		{reflect.TypeFor[order](), false, `{"type":"object","properties":{"size":{"type":"number"},` +
			`"zeta":{"type":"string","description":"last letter first"},"alpha":{"type":"integer"},"maybe":{"type":["boolean","null"]},"at":` + time + `,` +
			`"blob":{"type":["object","null"],"properties":{"$bytes":{"type":"string","contentEncoding":"base64"}},"required":["$bytes"]},` +
			`"tags":{"type":["array","null"],"items":{"type":"string"}},"any":{},"map":{"type":["object","null"],"additionalProperties":{"type":"integer"}},` +
			`"pair":` + object + `,"self":{},"quote":{"type":"string"}},"required":["size","zeta","at","tags","any","pair","quote"]}`},
	} {
		if got := schemaOf(test.of, test.taken); string(got) != test.want {
			t.Errorf("%v:\ngot  %s\nwant %s", test.of, got, test.want)
		}
	}
}

// TestSchemaFits wants what Encode makes of a value to fit the schema of its type.
func TestSchemaFits(t *testing.T) {
	t.Parallel()
	yes := true
	for _, v := range []order{{}, {Maybe: &yes, At: time.Unix(0, 0), Blob: []byte{1}, Tags: []string{"a"}, Map: map[string]int{"a": 1}, Self: &order{}}} {
		for _, taken := range []bool{false, true} {
			schema, err := compileSchema(schemaOf(reflect.TypeFor[order](), taken))
			if err != nil {
				t.Fatal(err)
			}
			document, err := Encode(v)
			if err != nil {
				t.Fatal(err)
			}
			tree, err := parse(document)
			if err != nil {
				t.Fatal(err)
			}
			if fault := misfits(schema, tree); fault != "" {
				t.Errorf("%s: %s", document, fault)
			}
		}
	}
}

func TestMisfits(t *testing.T) {
	t.Parallel()
	schema, err := compileSchema(json.RawMessage(`{"type":"object","properties":{
		"a":{"type":"array","items":{"type":"object","required":["x/y"],"properties":{"x/y":{"type":"integer"}}}},
		"b":{"enum":["one","two"]},"c":{"pattern":"^x"},"d":{"anyOf":[{"type":"null"},{"type":"string"}]}},
		"additionalProperties":false}`))
	if err != nil {
		t.Fatal(err)
	}
	for document, want := range map[string]string{
		`{"a":[{"x/y":1}],"b":"one"}`:   ``,
		`{"a":[{"x/y":1},{"x/y":"1"}]}`: `a[1].x/y: got string, want integer`,
		`{"a":[{}]}`:                    `a[0]: missing property 'x/y'`,
		`{"b":"three"}`:                 `b: value must be one of 'one', 'two'`,
		`{"c":"y"}`:                     `c: 'y' does not match pattern '^x'`,
		`{"d":1}`:                       `d: got number, want null; d: got number, want string`,
		`{"z":1}`:                       `additional properties 'z' not allowed`,
	} {
		tree, err := parse(json.RawMessage(document))
		if err != nil {
			t.Fatal(err)
		}
		if got := misfits(schema, tree); got != want {
			t.Errorf("%s: got %q, want %q", document, got, want)
		}
	}
}

// TestSchemasRefused wants a schema to stand for itself: no file and no address is read.
func TestSchemasRefused(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.WithoutCancel(t.Context()))
	for _, schema := range []string{`{"$ref":"file:///etc/passwd"}`, `{"$ref":"http://127.0.0.1/x"}`, `{"type":5}`, `{`, `{"pattern":"("}`} {
		call := func(context.Context, json.RawMessage) (any, error) { return nil, nil }
		if _, err := s.newToolbox([]Tool{{Name: "a", Input: json.RawMessage(schema), Call: call}}, nil); err == nil {
			t.Errorf("%s was taken", schema)
		}
	}
}

// TestSchemasKept wants the same text to be compiled once, and no more kept than allowed.
func TestSchemasKept(t *testing.T) {
	t.Parallel()
	var kept schemas
	first, err := kept.compile(json.RawMessage(`{"const":-1}`))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := kept.compile(json.RawMessage(`{"const":-1}`)); err != nil || again != first {
		t.Errorf("got %p, %v, want %p", again, err, first)
	}
	for i := range maxSchemas + 10 {
		if _, err := kept.compile(json.RawMessage(`{"const":` + string(quoted(i)) + `}`)); err != nil {
			t.Fatal(err)
		}
	}
	if len(kept.compiled) > maxSchemas {
		t.Errorf("%d are kept", len(kept.compiled))
	}
}

func quoted(i int) []byte {
	data, _ := json.Marshal(i) // a number
	return data
}

// TestAnswersBounded wants what is answered at once to be bounded, in the order of calls.
func TestAnswersBounded(t *testing.T) {
	t.Parallel()
	page := json.RawMessage(`"` + strings.Repeat("x", 20<<20) + `"`)
	b := &toolbox{rest: pages{page}, made: map[string]int{}}
	answers, err := b.CallTools(t.Context(), make([]abi.ToolCall, 5))
	for i, a := range answers {
		if full := i < 3; err != nil || (a.Error == nil) != full || !full && a.Error.Kind != "too_large" || full && len(a.Value) != len(page) {
			t.Errorf("answer %d: got %d bytes, %v, %v", i, len(a.Value), a.Error, err)
		}
	}
}

// pages answers every call with a large value.
type pages struct{ page json.RawMessage }

func (p pages) CallTool(context.Context, string, json.RawMessage) (json.RawMessage, error) {
	return p.page, nil
}

func TestLimits(t *testing.T) {
	t.Parallel()
	c := Config{}
	c.Defaults.Timeout, c.Most.Memory, c.Most.Timeout = 20*time.Second, 64<<20, time.Minute
	c.Defaults.Fuel = 5
	got := c.limits(DefaultLimits())
	if got.Timeout != 10*time.Second || got.Memory != 64<<20 || got.Fuel != 5 {
		t.Errorf("got %+v", got)
	}
	asked := DefaultLimits()
	asked.Timeout, asked.LogBytes = 0, 0
	if got = c.limits(asked); got.Timeout != 20*time.Second || got.LogBytes != 1<<20 {
		t.Errorf("got %+v", got)
	}
	asked.Timeout = time.Hour
	if got = c.limits(asked); got.Timeout != time.Minute {
		t.Errorf("got %+v", got)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]Error{
		"main.py:3: ValueError: bad":           {Kind: KindException, Type: "ValueError", Message: "bad", File: "main.py", Line: 3},
		"main.py: timeout: not done after 10s": {Kind: "timeout", Message: "not done after 10s", File: "main.py"},
		"a.ts:1: Odd":                          {Kind: KindException, Type: "Odd", File: "a.ts", Line: 1},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// FuzzSession wants bytes of anybody to be refused or to be a session.
func FuzzSession(f *testing.F) {
	empty, err := NewSession().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	f.Add(append([]byte(sessionMagic), sessionVersion, 6, 'p', 'y', 't', 'h', 'o', 'n'))
	f.Add(append([]byte(sessionMagic), sessionVersion, 255))
	f.Add(append(append([]byte(sessionMagic), sessionVersion, 255), make([]byte, 300)...)) // a length that no byte holds when 2 is added
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewSession()
		if s.UnmarshalBinary(data) != nil {
			return
		}
		again, err := s.MarshalBinary()
		if err != nil || string(again) != string(data) {
			t.Errorf("%q became %q, %v", data, again, err)
		}
	})
}
