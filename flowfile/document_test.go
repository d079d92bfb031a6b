package flowfile_test

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/flowfile"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	d, err := flowfile.ParseDocument("x.yaml", []byte("a: [1, 2.50, yes]\nbé: {c: null, d: true}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(d.Root.JSON()), `{"a":[1,2.50,"yes"],"bé":{"c":null,"d":true}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	entries := d.Root.Entries()
	second := entries[0].Value.Items()[1]
	if entries[1].Key != "bé" || second.Kind() != flowfile.Number || second.Text() != "2.50" || second.Line() != 1 || second.Column() != 8 {
		t.Errorf("got %+v and %+v", entries[1], second)
	}
	c := entries[1].Value.Entries()[0]
	if got, want := c.Fault("%s is odd", c.Key).Error(), "x.yaml:2:6: c is odd\n    bé: {c: null, d: true}\n         ^"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if c.Value.Kind() != flowfile.Null || !c.Value.Exists() || (flowfile.Value{}).Exists() {
		t.Error("null is a value, and none is none")
	}
	for src, want := range map[string]string{
		"":             "x.yaml:1:1: the file is empty",
		"a: 1\na: 2\n": `x.yaml:2:1: the key "a" is here twice`,
		"a: [":         "x.yaml:1:4: YAML: ",
		"\xff":         "x.yaml:1:1: the file is not UTF-8 text",
		"a\n---\nb\n":  "x.yaml:3:1: a file is one YAML document",
	} {
		if _, err := flowfile.ParseDocument("x.yaml", []byte(src)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", src, err, want)
		}
	}
}
