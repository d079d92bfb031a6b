package engine_test

import (
	"encoding/json"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// TestAcceptanceData is section G of the acceptance cases; G85 is in the
// conformance suite of backends.
func TestAcceptanceData(t *testing.T) {
	t.Parallel()
	groupsRunCases(t, []groupsCase{
		{"G82 precedence of values", groupsG82},
		{"G83 null, default, required", groupsG83},
		{"G84 no coercion", groupsG84},
		{"G86 no error as a value", groupsG86},
		{"G86b edge conditions", groupsG86b},
		{"G86b a condition that is no boolean", groupsG86bFault},
		{"G86c several ends", groupsG86c},
	})
}

// groupsTakes gives a task parameters without defaults.
func groupsTakes(t engine.Task, params ...string) engine.Task {
	for _, p := range params {
		t.Params = append(t.Params, engine.Param{Name: p})
	}
	return t
}

// says makes a task that returns value, and sets channel keys to what they map
// to, JSON.
func (f *groupsFlow) says(id, value string, keys map[string]string) engine.Task {
	return f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		for k, v := range keys {
			if err := c.Set(k, json.RawMessage(v)); err != nil {
				return nil, err
			}
		}
		return json.RawMessage(value), nil
	})
}

func groupsG82(t *testing.T, f *groupsFlow) {
	t.Helper()
	val := f.says("val", `"result"`, map[string]string{"val": `"key"`, "other": `"key"`})
	take := groupsTakes(f.echo("take"), "val", "other")
	groupsSucceeded(t, f.run(engine.Seq(val, take)), `{"other":"key","val":"result"}`)
	take.With = map[string]json.RawMessage{"val": json.RawMessage(`"bound"`)}
	groupsSucceeded(t, f.run(engine.Seq(val, take)), `{"other":"key","val":"bound"}`)
	take.With = map[string]json.RawMessage{"val": json.RawMessage(`"${channel.val}"`)}
	groupsSucceeded(t, f.run(engine.Seq(val, take)), `{"other":"key","val":"key"}`)
}

func groupsG83(t *testing.T, f *groupsFlow) {
	t.Helper()
	first := f.says("first", `null`, map[string]string{"key": `null`})
	take := f.echo("take")
	take.Params = []engine.Param{
		{Name: "first", Default: json.RawMessage(`1`)},
		{Name: "key", Default: json.RawMessage(`2`)},
		{Name: "bound", Default: json.RawMessage(`3`)},
		{Name: "absent", Default: json.RawMessage(`{"d":4}`)},
		{Name: "nothing", Default: json.RawMessage(`null`)},
	}
	take.With = map[string]json.RawMessage{"bound": json.RawMessage(`null`)}
	groupsSucceeded(t, f.run(engine.Seq(first, take)), `{"absent":{"d":4},"bound":null,"first":null,"key":null,"nothing":null}`)

	take = groupsTakes(take, "here", "there")
	out := f.run(engine.Seq(first, take))
	groupsFailed(t, out, engine.KindInvalidInput, `input of task "take": no value for parameter "here", "there": bind it under with, name it after a task or a channel key, or give it a default`)
	f.wantRan("take", 0)
	if out.Error.Task != "take" {
		t.Errorf("the error is of task %q, want take", out.Error.Task)
	}
}

func groupsG84(t *testing.T, f *groupsFlow) {
	t.Helper()
	text := f.says("text", `"42"`, map[string]string{"key": `"42"`, "whole": `42`, "exact": `1.50`})
	take := groupsTakes(f.echo("take"), "text", "key", "whole", "exact", "fallback")
	take.Params[4].Default = json.RawMessage(`"42"`)
	take.With = map[string]json.RawMessage{
		"literal": json.RawMessage(`"42"`), "expr": json.RawMessage(`"${tasks.text}"`),
		"number": json.RawMessage(`"${channel.whole}"`), "inside": json.RawMessage(`["${channel.key}", "${channel.whole}", "n=${channel.whole}"]`),
	}
	groupsSucceeded(t, f.run(engine.Seq(text, take)),
		`{"exact":1.50,"expr":"42","fallback":"42","inside":["42",42,"n=42"],"key":"42","literal":"42","number":42,"text":"42","whole":42}`)
}

func groupsG86(t *testing.T, f *groupsFlow) {
	t.Helper()
	group := engine.Par(f.fails("val", "boom", 0), f.ok("good", 0)).Named("g").With(engine.Policy{BestEffort: true})
	take := f.echo("take")
	take.Params = []engine.Param{{Name: "val", Default: json.RawMessage(`"default"`)}, {Name: "good"}}
	take.With = map[string]json.RawMessage{"why": json.RawMessage(`"${tasks.val.error.kind}: ${tasks.val.error.message}"`)}
	groupsSucceeded(t, f.run(engine.Seq(group, take)), `{"good":"good","val":"default","why":"error: boom"}`)
	take.Params[0].Default = nil
	out := f.run(engine.Seq(group, take))
	groupsFailed(t, out, engine.KindInvalidInput, `input of task "take": no value for parameter "val": bind it under with, name it after a task or a channel key, or give it a default`)
	f.wantRan("take", 0)
}

// groupsFork is a → b if big, a → c if small.
func (f *groupsFlow) groupsFork(big, small string) engine.Spec {
	for _, id := range []string{"a", "b", "c"} {
		if f.log == nil {
			direct.Func(f.handler, id, func(_ *direct.Context, in json.RawMessage) (any, error) {
				f.mu.Lock()
				f.log = append(f.log, id)
				f.mu.Unlock()
				if id == "a" {
					return in, nil
				}
				return id, nil
			})
		}
	}
	return engine.Spec{
		Name:  "fork",
		Tasks: []engine.Task{{ID: "a"}, {ID: "b"}, {ID: "c"}},
		Edges: []engine.Edge{{From: "a", To: "b", When: big}, {From: "a", To: "c", When: small}},
	}
}

func groupsG86b(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.input = `{"n":7}`
	groupsSucceeded(t, f.runSpec(f.groupsFork("result.n > 5", "result.n <= 5")), `"b"`)
	f.wantRan("b", 1)
	f.wantRan("c", 0)
	why := ""
	for _, n := range f.notices {
		if n.Type == engine.NoticeTaskSkipped && n.Task == "c" {
			why = n.Why
		}
	}
	if want := `a did not satisfy "result.n <= 5"`; why != want {
		t.Errorf("c was skipped since %q, want %q", why, want)
	}
	f.input = `{"n":1}`
	out := f.runSpec(f.groupsFork("result.n > 5", "input.n > 5"))
	groupsSucceeded(t, out, "null")
	if out.Reason != engine.ReasonNoEnd {
		t.Errorf("reason %q, want %q", out.Reason, engine.ReasonNoEnd)
	}
}

func groupsG86bFault(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.input = `{"n":7}`
	out := f.runSpec(f.groupsFork("result.n", ""))
	groupsFailed(t, out, engine.KindError, `condition on the edge to "b": "result.n" is int, want a boolean`)
	if _, err := f.groupsFork("result.n >", "").Build(); err == nil {
		t.Error("a condition that does not parse was built")
	}
}

func groupsG86c(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.input = `1`
	groupsSucceeded(t, f.runSpec(f.groupsFork("result > 5", "result <= 5")), `"c"`)
	groupsSucceeded(t, f.runSpec(f.groupsFork("result > 0", "")), `{"b":"b","c":"c"}`)
}
