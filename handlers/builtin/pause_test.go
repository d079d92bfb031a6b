package builtin_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
)

// asked is what an attempt pauses for; nil if it has a value.
func asked(t *testing.T, name, input string, answers map[string]json.RawMessage) (*engine.Pause, string) {
	t.Helper()
	c := call(name, input)
	c.Answers = answers
	r, err := newHandler(t).Handle(t.Context(), c)
	if err != nil {
		t.Fatalf("%s %s: %v", name, input, err)
	}
	return r.Effects.Pause, string(r.Value)
}

func TestSleep(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]time.Duration{
		`{"duration":"1m30s"}`: 90 * time.Second,
		`{"duration":2}`:       2 * time.Second,
		`{"duration":0.25}`:    250 * time.Millisecond,
	} {
		pause, _ := asked(t, "sleep", input, nil)
		if want := (&engine.Pause{After: engine.Duration(want)}); !reflect.DeepEqual(pause, want) {
			t.Errorf("%s: got %+v, want %+v", input, pause, want)
		}
		pause, value := asked(t, "sleep", input, map[string]json.RawMessage{"": nil})
		if pause != nil || value != "null" {
			t.Errorf("%s, slept: got %+v, %s, want null", input, pause, value)
		}
	}
	for _, input := range []string{`{"duration":"0s"}`, `{"duration":0}`} {
		if pause, value := asked(t, "sleep", input, nil); pause != nil || value != "null" {
			t.Errorf("%s: got %+v, %s, want null at once", input, pause, value)
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	for input, want := range map[string]*engine.Pause{
		`{"name":"a"}`: {Name: "a"},
		`{"name":"a","message":null,"schema":null,"timeout":null,"default":null,"until":null,"after":null}`: {Name: "a"},
		`{"name":"a","message":"ok?","schema":{"type":"boolean"}}`:                                          {Name: "a", Message: "ok?", Schema: raw(`{"type":"boolean"}`)},
		`{"name":"a","schema":false}`:                  {Name: "a", Schema: raw("false")},
		`{"name":"a","timeout":"1h"}`:                  {Name: "a", Timeout: engine.Duration(time.Hour)},
		`{"name":"a","timeout":1.5,"default":{"x":1}}`: {Name: "a", Timeout: engine.Duration(1500 * time.Millisecond), Default: raw(`{"x":1}`)},
		`{"name":"a","timeout":"1h","default":null}`:   {Name: "a", Timeout: engine.Duration(time.Hour), Default: raw("null")},
		`{"name":"a","until":"2026-01-02T15:04:05Z"}`:  {Name: "a", Until: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)},
		`{"name":"a","after":"5s","timeout":"1s"}`:     {Name: "a", After: engine.Duration(5 * time.Second), Timeout: engine.Duration(time.Second)},
	} {
		pause, _ := asked(t, "pause", input, map[string]json.RawMessage{"other": raw("1")})
		if !reflect.DeepEqual(pause, want) {
			t.Errorf("%s: got %+v, want %+v", input, pause, want)
		}
		for answer, want := range map[string]string{`{"b":[true]}`: `{"b":[true]}`, "null": "null", "": "null"} {
			pause, value := asked(t, "pause", input, map[string]json.RawMessage{"a": raw(answer), "other": raw("1")})
			if pause != nil || value != want {
				t.Errorf("%s, answered %q: got %+v, %s, want %s", input, answer, pause, value, want)
			}
		}
	}
	// A gate without a wait is open.
	for _, input := range []string{`{"name":"a","after":0}`, `{"name":"a","until":"0001-01-01T00:00:00Z"}`} {
		if pause, value := asked(t, "pause", input, nil); pause != nil || value != "null" {
			t.Errorf("%s: got %+v, %s, want null at once", input, pause, value)
		}
	}
}

// badPauses are wrong as they stand, whatever expressions there are.
var badPauses = map[string]string{
	`{"name":""}`:                                           `parameter "name" is "", want a name`,
	`{"name":null}`:                                         `parameter "name" is null`,
	`{"name":7}`:                                            `parameter "name" is 7, want text`,
	`{"nam":"a"}`:                                           `unknown parameter "nam"`,
	`{"message":"x"}`:                                       `parameter "name" is missing`,
	`{"name":"a","message":["x"]}`:                          `parameter "message" is ["x"], want text`,
	`{"name":"a","schema":"boolean"}`:                       `parameter "schema" is a string, want a JSON Schema`,
	`{"name":"a","timeout":"soon"}`:                         `parameter "timeout" is "soon", want a number with a unit`,
	`{"name":"a","timeout":0}`:                              `parameter "timeout" is 0: leave it out`,
	`{"name":"a","timeout":-1}`:                             `parameter "timeout" is -1, want 0 or more`,
	`{"name":"a","default":false}`:                          `"default" needs "timeout"`,
	`{"name":"a","default":1,"timeout":null}`:               `"default" needs "timeout"`,
	`{"name":"a","after":"-1s"}`:                            `parameter "after" is "-1s", want 0 or more`,
	`{"name":"a","until":"tomorrow"}`:                       `parameter "until" is "tomorrow", want a time`,
	`{"name":"a","until":1767366245}`:                       `parameter "until" is 1767366245, want text`,
	`{"name":"a","until":"2026-01-02T15:04:05"}`:            `want a time as "2026-01-02T15:04:05Z"`,
	`{"name":"a","until":"2026-01-02T15:04:05Z","after":1}`: `"until" and "after" exclude each other`,
}

func TestPauseInvalid(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for input, want := range badPauses {
		_, err := h.Handle(t.Context(), call("pause", input))
		var te *engine.TaskError
		if !errors.As(err, &te) || te.Kind != engine.KindInvalidInput || !te.Permanent || !strings.Contains(te.Message, want) {
			t.Errorf("%s: got %v, want invalid_input with %q", input, err, want)
		}
	}
}

func TestCheckPause(t *testing.T) {
	t.Parallel()
	h, err := builtin.New(builtin.Config{CheckSchema: func(schema, value json.RawMessage) error {
		if string(schema) == `{"type":"boolean"}` && string(value) != "true" && string(value) != "false" {
			return errors.New("want a boolean")
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, with string) error {
		task := &engine.Task{ID: "t", Spec: json.RawMessage(`"` + name + `"`)}
		if err := json.Unmarshal([]byte(with), &task.With); err != nil {
			t.Fatal(err)
		}
		return h.Check(t.Context(), task)
	}
	for with, want := range badPauses {
		if err := check("pause", with); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", with, err, want)
		}
	}
	for with, want := range map[string]string{ // "" is none
		`{"name":"${item}","message":"for ${item}?"}`:                                  "",
		`{"name":"a","timeout":"${input.t}","default":1}`:                              "",
		`{"name":"a","until":"${input.u}","after":1}`:                                  "",
		`{"name":"a","until":"2026-01-02T15:04:05Z","after":"${input.a}"}`:             "",
		`{"name":"a","default":"${input.d}"}`:                                          `"default" needs "timeout"`,
		`{"name":"${item}","timeout":"soon"}`:                                          `parameter "timeout" is "soon"`,
		`{"name":"a","schema":{"type":"boolean"},"timeout":"1h","default":"yes"}`:      `parameter "default" is "yes", which is no answer by "schema": want a boolean`,
		`{"name":"a","schema":{"type":"boolean"},"timeout":"1h","default":null}`:       `parameter "default" is null, which is no answer`,
		`{"name":"a","schema":{"type":"boolean"},"timeout":"1h","default":true}`:       "",
		`{"name":"a","schema":{"type":"boolean"},"timeout":"1h","default":"${input}"}`: "",
		`{"name":"a","schema":{"type":"boolean"},"timeout":"1h"}`:                      "",
	} {
		err := check("pause", with)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", with, err, want)
		}
	}
	if err := check("sleep", `{"duration":"${input}"}`); err != nil {
		t.Errorf("got %v, want an expression accepted", err)
	}
	if err := check("sleep", `{"duration":"5"}`); err == nil || !strings.Contains(err.Error(), `parameter "duration" is "5"`) {
		t.Errorf("got %v, want the duration refused", err)
	}
}
