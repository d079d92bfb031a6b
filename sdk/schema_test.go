package sdk

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

type base struct {
	ID string `json:"id"`
}

type lonely struct {
	Note string `json:"note"`
}

type node struct {
	Value    int     `json:"value"`
	Children []*node `json:"children,omitempty"`
}

type everything struct {
	base
	*lonely
	Name   string            `json:"name" doc:"a name"`
	Ratio  float32           `json:"ratio,omitempty"`
	Big    uint64            `json:"big,string"`
	At     time.Time         `json:"at"`
	Any    any               `json:"any"`
	Raw    json.RawMessage   `json:"raw"`
	Bytes  []byte            `json:"bytes"`
	Tags   map[string]string `json:"tags"`
	Pair   [2]bool           `json:"pair"`
	Maybe  *int              `json:"maybe"`
	Hidden string            `json:"-"`
	secret string
}

func TestSchemaOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		of   reflect.Type
		want string
	}{
		{reflect.TypeFor[string](), `{"type":"string"}`},
		{reflect.TypeFor[any](), `{}`},
		{reflect.TypeFor[func()](), `{}`},
		{reflect.TypeFor[[]int](), `{"items":{"type":"integer"},"type":["array","null"]}`},
		{reflect.TypeFor[node](), `{"type":"object","required":["value"],"properties":{
			"value":{"type":"integer"},
			"children":{"type":["array","null"],"items":{}}}}`},
		{reflect.TypeFor[everything](), `{"type":"object",
			"required":["id","name","big","at","any","raw","bytes","tags","pair"],"properties":{
			"id":{"type":"string"},
			"note":{"type":"string"},
			"name":{"type":"string","description":"a name"},
			"ratio":{"type":"number"},
			"big":{"type":"string"},
			"at":{"type":"string","format":"date-time"},
			"any":{},
			"raw":{},
			"bytes":{"type":["string","null"],"contentEncoding":"base64"},
			"tags":{"type":["object","null"],"additionalProperties":{"type":"string"}},
			"pair":{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":2},
			"maybe":{"type":["integer","null"]}}}`},
	} {
		var got, want any
		if err := json.Unmarshal(schemaOf(test.of), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(test.want), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v:\ngot  %s\nwant %s", test.of, schemaOf(test.of), test.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	Task("aaa_described", "is described", func(_ *Context, in base) (int, error) { return len(in.ID), nil })
	got := Describe().Tasks[0]
	if got.Name != "aaa_described" || got.Doc != "is described" || string(got.Output) != `{"type":"integer"}` {
		t.Errorf("got %+v", got)
	}
	for _, r := range registered() {
		r.warm()
	}
}
