package builtin_test

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/builtin"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// booleans takes no other answers, whatever the schema.
func booleans(_, answer json.RawMessage) error {
	var b bool
	return json.Unmarshal(answer, &b)
}

// newEngine has one slot.
func newEngine(t *testing.T, backend *engine.Backend, funcs *direct.Handler) *engine.Engine {
	t.Helper()
	builtins, err := builtin.New(builtin.Config{CheckSchema: booleans})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{
		Handlers:    map[string]engine.Handler{"builtin": builtins, "direct": funcs},
		Concurrency: 1, Backend: backend, Retain: true, CheckSchema: booleans,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// task is a built-in task with inputs, a JSON object.
func task(t *testing.T, id, name, with string) engine.Task {
	t.Helper()
	task := engine.Task{ID: id, Handler: "builtin", Spec: json.RawMessage(`"` + name + `"`)}
	if with != "" {
		if err := json.Unmarshal([]byte(with), &task.With); err != nil {
			t.Fatal(err)
		}
	}
	return task
}

func start(t *testing.T, e *engine.Engine, nodes ...engine.Node) *engine.Running {
	t.Helper()
	g, err := engine.NewGraph("flow", nodes...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Start(t.Context(), g, engine.Start{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wait(t *testing.T, r *engine.Running) engine.Outcome {
	t.Helper()
	out, err := r.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEngineSleeps wants a sleep to leave the only slot to another task.
func TestEngineSleeps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		worked := time.Duration(-1) // never
		funcs := direct.New()
		work := direct.Func(funcs, "work", func(*direct.Context, any) (any, error) {
			worked = time.Since(began)
			return nil, nil
		})
		naps := engine.Seq(task(t, "nap", "sleep", `{"duration":"1h"}`), task(t, "none", "sleep", `{"duration":0}`))
		out := wait(t, start(t, newEngine(t, engine.InMemory(), funcs), naps, work))
		if out.Status != engine.StatusSucceeded {
			t.Fatalf("got %+v, want success", out)
		}
		if worked != 0 {
			t.Errorf("the other task ran after %v, want it at once", worked)
		}
		if got := time.Since(began); got != time.Hour {
			t.Errorf("the run took %v, want 1h", got)
		}
	})
}

// TestEnginePauses answers two pauses in parallel branches, in the other order,
// and what must not be answered.
func TestEnginePauses(t *testing.T) {
	t.Parallel()
	r := start(t, newEngine(t, nil, direct.New()),
		task(t, "a", "pause", `{"name":"first","message":"ok?","schema":{"type":"boolean"}}`),
		task(t, "b", "pause", `{"name":"second"}`))
	out := wait(t, r)
	if out.Status != engine.StatusPaused || len(out.Pauses) != 2 {
		t.Fatalf("got %+v, want two pauses", out)
	}
	first := out.Pauses[0]
	if first.Name != "first" || first.Task != "a" || first.Message != "ok?" || string(first.Schema) != `{"type":"boolean"}` || !first.Expires.IsZero() {
		t.Errorf("got %+v, want what the task asks for", first)
	}
	for _, test := range []struct {
		name, answer string
		want         error
	}{
		{"third", "true", engine.ErrNoPause},
		{"first", `"yes"`, engine.ErrInvalidAnswer},
		{"", "true", engine.ErrAmbiguous},
		{"second", `{"x":1}`, nil},
		{"second", "2", engine.ErrAnswered},
		{"first", "false", nil},
	} {
		if err := r.Resume(test.name, json.RawMessage(test.answer)); !errors.Is(err, test.want) {
			t.Errorf("%s %s: got %v, want %v", test.name, test.answer, err, test.want)
		}
	}
	out = wait(t, r)
	if got, want := string(out.Output), `{"a":false,"b":{"x":1}}`; out.Status != engine.StatusSucceeded || got != want {
		t.Errorf("got %+v, want %s", out, want)
	}
	if err := r.Resume("first", nil); !errors.Is(err, engine.ErrFinished) {
		t.Errorf("got %v, want %v", err, engine.ErrFinished)
	}
}

// TestEnginePauseEnds has pauses that nobody answers.
func TestEnginePauseEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		with   string
		after  time.Duration
		output string // "" fails
	}{
		"default":      {`{"name":"a","timeout":"1h","default":{"x":1}}`, time.Hour, `{"x":1}`},
		"null":         {`{"name":"a","timeout":90,"default":null}`, 90 * time.Second, "null"},
		"no default":   {`{"name":"a","timeout":"1h"}`, time.Hour, ""},
		"after":        {`{"name":"a","after":"2s"}`, 2 * time.Second, "null"},
		"until":        {`{"name":"a","until":"2000-01-01T00:01:00Z"}`, time.Minute, "null"}, // a bubble begins in 2000
		"past":         {`{"name":"a","until":"1999-01-01T00:00:00Z"}`, 0, "null"},
		"timeout wins": {`{"name":"a","after":"2h","timeout":"1h","default":1}`, time.Hour, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r := start(t, newEngine(t, engine.InMemory(), direct.New()), engine.Seq(task(t, "gate", "pause", test.with)))
				<-r.Done()
				out := r.Outcome()
				switch {
				case test.output != "" && (out.Status != engine.StatusSucceeded || string(out.Output) != test.output):
					t.Errorf("got %+v, want %s", out, test.output)
				case test.output == "" && (out.Status != engine.StatusFailed || out.Error == nil || out.Error.Kind != engine.KindPauseTimeout):
					t.Errorf("got %+v, want a failure of kind pause_timeout", out)
				}
				if got := time.Since(began); got != test.after {
					t.Errorf("it took %v, want %v", got, test.after)
				}
			})
		})
	}
}

// TestEnginePauseMap has a pause for each item, under names of their own.
func TestEnginePauseMap(t *testing.T) {
	t.Parallel()
	ask := task(t, "ask", "pause", `{"name":"of ${item}"}`)
	ask.Map = `["a", "b"]`
	r := start(t, newEngine(t, nil, direct.New()), ask)
	out := wait(t, r)
	var names []string
	for _, p := range out.Pauses {
		names = append(names, p.Name)
	}
	if want := []string{"of a", "of b"}; !slices.Equal(names, want) {
		t.Fatalf("got %+v, want pauses %q", out, want)
	}
	if err := errors.Join(r.Resume("of b", json.RawMessage("2")), r.Resume("of a", json.RawMessage("1"))); err != nil {
		t.Error(err)
	}
	if out := wait(t, r); string(out.Output) != "[1,2]" {
		t.Errorf("got %+v, want [1,2]", out)
	}
}

func TestEnginePauseCanceled(t *testing.T) {
	t.Parallel()
	r := start(t, newEngine(t, nil, direct.New()), task(t, "a", "pause", `{"name":"a"}`))
	if out := wait(t, r); out.Status != engine.StatusPaused {
		t.Fatalf("got %+v, want it paused", out)
	}
	if err := r.Cancel("no more"); err != nil {
		t.Fatal(err)
	}
	if out := wait(t, r); out.Status != engine.StatusCanceled {
		t.Errorf("got %+v, want it canceled", out)
	}
}

// TestEnginePauseOutlives answers a pause in another process than it was asked
// in. What was drawn before it, and beside it, stays.
func TestEnginePauseOutlives(t *testing.T) {
	t.Parallel()
	backend := engine.InMemory()
	var mu sync.Mutex // guards drawn
	var drawn []string
	funcs := direct.New()
	note := direct.Func(funcs, "note", func(_ *direct.Context, id string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		drawn = append(drawn, id)
		return id, nil
	})
	result := direct.Func(funcs, "result", func(c *direct.Context, answer string) ([]string, error) {
		var id string
		err := c.Result("id", &id)
		return []string{id, answer}, err
	})
	first := newEngine(t, backend, funcs)
	r := start(t, first, engine.Seq(task(t, "id", "uuid", ""), note, task(t, "gate", "pause", `{"name":"a"}`), result))
	if out := wait(t, r); out.Status != engine.StatusPaused {
		t.Fatalf("got %+v, want it paused", out)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := newEngine(t, backend, funcs).Recover(t.Context(), r.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Resume("a", json.RawMessage(`"yes"`)); err != nil {
		t.Fatal(err)
	}
	out := wait(t, again)
	var got []string
	if err := json.Unmarshal(out.Output, &got); err != nil || len(drawn) != 1 || !slices.Equal(got, []string{drawn[0], "yes"}) {
		t.Errorf("got %+v, %v, want the UUID of %q, and yes", out, err, drawn)
	}
}

// TestFallback: a built-in task with parameters of its own can be a fallback, though
// it gets the input and the error of the task that failed besides.
func TestFallback(t *testing.T) {
	t.Parallel()
	h, err := builtin.New(builtin.Config{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(engine.Config{Handlers: map[string]engine.Handler{"builtin": h}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := engine.Spec{Name: "f", Tasks: []engine.Task{
		{ID: "a", Handler: "builtin", Spec: json.RawMessage(`"choice"`), With: map[string]json.RawMessage{"items": json.RawMessage(`"${input}"`)}, Fallback: "b"},
		{ID: "b", Handler: "builtin", Spec: json.RawMessage(`"randint"`), With: map[string]json.RawMessage{"min": json.RawMessage("7"), "max": json.RawMessage("7")}},
	}}
	g, err := s.Build()
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Run(t.Context(), g, json.RawMessage(`"no list"`))
	if err != nil || string(out.Output) != "7" {
		t.Errorf("output %s, error %v, %v, want 7", out.Output, out.Error, err)
	}
}
