package flowfile_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// calculator is a handler: it multiplies a number, adds to it, and squares it.
type calculator struct{}

func (calculator) Handle(_ context.Context, call *engine.Call) (engine.Result, error) {
	var n float64
	if err := json.Unmarshal(call.Input, &n); err != nil {
		return engine.Result{}, err
	}
	op := struct {
		Times, Plus float64
		Squared     bool
	}{Times: 1}
	if err := json.Unmarshal(call.Task.Spec, &op); err != nil {
		return engine.Result{}, err
	}
	n = n*op.Times + op.Plus
	if op.Squared {
		n *= n
	}
	value, err := json.Marshal(n)
	return engine.Result{Value: value}, err
}

// runFlow runs the flow file text on an input.
func runFlow(t *testing.T, text, input string) engine.Outcome {
	t.Helper()
	f, err := flowfile.Parse("x.flow.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.Build()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"calc": calculator{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}()
	out, err := e.Run(t.Context(), g, json.RawMessage(input))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const sums = `name: x
tasks:
  double: {calc: {times: 2}}
  add: {calc: {plus: 3}}
  square: {calc: {squared: true}}
`

// TestPipeline is acceptance case 81e: each input is the output before it.
func TestPipeline(t *testing.T) {
	t.Parallel()
	out := runFlow(t, sums+"flow: double >> add >> square\n", "5")
	if out.Status != engine.StatusSucceeded || string(out.Output) != "169" {
		t.Errorf("got %s %s %v, want 169", out.Status, out.Output, out.Error)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	const branches = sums + `flow: |
  double >> add
  double >> square
`
	for name, test := range map[string]struct{ text, output, reason string }{
		"the leaf":                      {sums + "flow: double >> add >> square\n", "169", ""},
		"one by name":                   {sums + "flow: double >> add >> square\nend: add\n", "13", ""},
		"a start":                       {sums + "flow: double >> add >> square\nend: [double]\n", "10", ""},
		"several by name":               {sums + "flow: double >> add >> square\nend: [square, double]\n", `{"square":169,"double":10}`, ""},
		"several leaves":                {branches, `{"add":13,"square":100}`, ""},
		"one of several leaves":         {branches + "end: square\n", "100", ""},
		"the one that was reached":      {branches + "edges: [{from: double, to: add, when: result < 0}]\n", "100", ""},
		"none was reached":              {branches + "edges: [{from: double, to: add, when: result < 0}]\nend: add\n", "null", "no_end_reached"},
		"a group":                       {sums + "flow: double >> both(add | square)\nend: both\n", `{"add":13,"square":100}`, ""},
		"a member of a group":           {sums + "flow: double >> both(add | square)\nend: square\n", "100", ""},
		"what is not reached by start":  {sums + "flow: double >> add >> square\nstart: add\n", "64", ""},
		"a start that goes one of ways": {branches + "start: square\n", "25", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := runFlow(t, test.text, "5")
			if out.Status != engine.StatusSucceeded || string(out.Output) != test.output || out.Reason != test.reason {
				t.Errorf("got %s %s, reason %q, error %v; want %s, reason %q", out.Status, out.Output, out.Reason, out.Error, test.output, test.reason)
			}
		})
	}
}

func TestEndFaults(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"end: [add, add]":        `x:6:12: "add" is here twice`,
		"start: [add, add]":      `x:6:14: "add" is here twice`,
		"end: [add, nowhere]":    `x:6:12: no task or group "nowhere"`,
		"start: nowhere":         `x:6:8: no task or group "nowhere"`,
		"end: {add: true}":       `x:6:6: want a list of strings, not a mapping`,
		"end: [add, 3]":          `x:6:12: want a string, not 3`,
		"end: [add, '']":         `x:6:12: no task or group ""`,
		"start: [double, 'a b']": `x:6:17: no task or group "a b"`,
	} {
		_, err := flowfile.Parse("x", []byte(sums+line+"\n"))
		if err == nil {
			t.Errorf("%s: got no error, want %s", line, want)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != want {
			t.Errorf("%s: got %s, want %s", line, got, want)
		}
	}
}
