package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/internal/control"
)

// asking is a run that is paused at a terminal at which somebody types.
func asking(t *testing.T, schema, typed string) (*driving, engine.Waiting, *bytes.Buffer) {
	t.Helper()
	h, err := builtin.New(builtin.Config{CheckSchema: flowfile.CheckSchema})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"builtin": h}, CheckSchema: flowfile.CheckSchema})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	file, err := flowfile.Parse("ask.flow.yaml", []byte("name: ask\ntasks: {a: {builtin: pause, with: {name: who, message: 'who is it?', schema: "+schema+"}}}"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := file.Build()
	if err != nil {
		t.Fatal(err)
	}
	running, err := e.Start(t.Context(), g, engine.Start{ID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := running.Wait(t.Context())
	if err != nil || len(outcome.Pauses) != 1 {
		t.Fatalf("got %+v, %v; want one pause", outcome, err)
	}
	var said bytes.Buffer
	std := streams{in: strings.NewReader(typed), out: io.Discard, err: &said}
	d := &driving{
		session: &session{hub: &control.Hub{}}, std: std, running: running, changed: make(chan struct{}, 1), asked: make(chan struct{}, 1),
		watch: newWatch(std, g, driveFlags{format: &choice{}, quiet: true}),
	}
	return d, outcome.Pauses[0], &said
}

func TestAsk(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		schema, typed, want string
		says                []string
	}{
		"JSON":             {"{type: boolean}", "true\n", "true", []string{"task a waits for who: who is it?", `its schema: {"type":"boolean"}`, "who> "}},
		"text":             {"{type: string}", "Ada Lovelace\n", `"Ada Lovelace"`, nil},
		"quoted text":      {"{type: string}", "\"Ada\"\n", `"Ada"`, nil},
		"a number as text": {"{type: string}", "42\n", `"42"`, nil},
		"no schema":        {"true", "  42 \n", "42", nil},
		"asked again":      {"{type: integer}", "\nmany\n1.5\n7\n", "7", []string{"got string, want integer", "who> who> "}},
		"last without end": {"true", "null", "null", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, w, said := asking(t, test.schema, test.typed)
			if !d.ask(w) {
				t.Fatalf("the input ended without an answer: %s", said)
			}
			outcome, err := d.running.Wait(t.Context())
			if err != nil || string(outcome.Output) != test.want {
				t.Errorf("got %s, %v; want %s\n%s", outcome.Output, err, test.want, said)
			}
			for _, text := range test.says {
				if !strings.Contains(said.String(), text) {
					t.Errorf("said %q, want %q in it", said, text)
				}
			}
		})
	}
}

func TestAskEnds(t *testing.T) {
	t.Parallel()
	d, w, _ := asking(t, "{type: integer}", "many\n")
	if d.ask(w) {
		t.Error("the input has ended, and yet there is an answer")
	}
	d, w, _ = asking(t, "true", "")
	d.std.in = blocked{t.Context().Done()}
	if err := d.running.Cancel("enough"); err != nil {
		t.Fatal(err)
	}
	if !d.ask(w) {
		t.Error("the run has ended, and nobody looked again")
	}
}

// blocked is a terminal at which nobody types.
type blocked struct{ until <-chan struct{} }

func (b blocked) Read([]byte) (int, error) {
	<-b.until
	return 0, io.EOF
}

func TestSample(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		``: "JSON", `true`: "JSON", `{"type": "boolean"}`: "true", `{"type": ["string", "null"]}`: "JSON",
		`{"type": "string"}`: `"text"`, `{"enum": ["ship it", "wait"]}`: `"ship it"`, `{"type": "object"}`: "{}",
	} {
		if got := sample(json.RawMessage(schema)); got != want {
			t.Errorf("sample(%s): got %s, want %s", schema, got, want)
		}
	}
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "''", "./state": "./state", "a b": "'a b'", "it's": `'it'\''s'`, `"text"`: `'"text"'`, "$HOME": "'$HOME'", "map[3]": "'map[3]'", "é": "'é'",
	} {
		if got := shellQuote(text); got != want {
			t.Errorf("shellQuote(%s): got %s, want %s", text, got, want)
		}
	}
}
