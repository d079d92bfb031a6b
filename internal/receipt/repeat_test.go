package receipt_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/receipt"
)

// repeat runs the graph of a receipt again with programs, and compares.
func repeat(t *testing.T, s *receipt.Statement, g *engine.Graph, input string, p *programs, change func(*receipt.Repetition)) (receipt.Comparison, *receipt.Repeated) {
	t.Helper()
	r := receipt.Repetition{
		Receipt: &s.Predicate, Graph: g, Input: json.RawMessage(input), CheckSchema: flowfile.CheckSchema,
		Handlers: map[string]engine.Handler{"script": p},
	}
	if change != nil {
		change(&r)
	}
	again, err := receipt.Repeat(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Compare(&s.Predicate, &again.Statement.Predicate, len(again.Missing) > 0, nil), again
}

// holds wants a repetition without a difference in which n steps were repeated.
func holds(t *testing.T, c receipt.Comparison, n int) {
	t.Helper()
	if len(c.Differences) > 0 || len(c.Unverified) > 0 {
		t.Errorf("differences %+v, unverified %v", c.Differences, c.Unverified)
	}
	if c.Repeated != n {
		t.Errorf("%d steps were repeated alike, want %d", c.Repeated, n)
	}
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	g := diamond(t)
	s := recorded(t, g, `{"n": 3}`, receipt.Options{})
	c, _ := repeat(t, s, g, `{"n": 3}`, &programs{}, nil)
	holds(t, c, 4)
	if c.Fuel == 0 {
		t.Error("no fuel is told")
	}
}

// Whatever differs is found, at the task that it is of.
func TestDifferences(t *testing.T) {
	t.Parallel()
	g := diamond(t)
	s := recorded(t, g, `{"n": 3}`, receipt.Options{})
	for name, test := range map[string]struct {
		programs *programs
		change   func(p *receipt.Predicate)
		what     string
		task     string
	}{
		"fuel of all":      {programs: &programs{skew: 1}, what: receipt.DiffFuel, task: "first"},
		"a result":         {programs: &programs{spoil: "size"}, what: receipt.DiffOutput, task: "left"},
		"the last result":  {programs: &programs{spoil: "meta"}, what: receipt.DiffOutput, task: ""},
		"recorded fuel":    {change: func(p *receipt.Predicate) { p.Steps[0].Fuel++ }, what: receipt.DiffFuel, task: "first"},
		"recorded output":  {change: func(p *receipt.Predicate) { p.Steps[3].Output.Digest = "sha256:00" }, what: receipt.DiffOutput, task: "last"},
		"recorded input":   {change: func(p *receipt.Predicate) { p.Steps[0].Input.Digest = "sha256:00" }, what: receipt.DiffInput, task: "first"},
		"recorded end":     {change: func(p *receipt.Predicate) { p.Steps[0].End = receipt.EndFailed }, what: receipt.DiffEnd, task: "first"},
		"recorded effects": {change: func(p *receipt.Predicate) { p.Steps[0].Effects = "sha256:00" }, what: receipt.DiffEffects, task: "first"},
		"recorded module":  {change: func(p *receipt.Predicate) { p.Tasks[0].Module = "sha256:00" }, what: receipt.DiffModule, task: "first"},
		"the run's output": {change: func(p *receipt.Predicate) { p.Output.Digest = "sha256:00" }, what: receipt.DiffOutput, task: ""},
		"its status":       {change: func(p *receipt.Predicate) { p.Status = engine.StatusFailed }, what: receipt.DiffStatus, task: ""},
		"a step more": {change: func(p *receipt.Predicate) {
			step := p.Steps[3]
			step.Activation = "nobody"
			p.Steps = append(p.Steps, step)
		}, what: receipt.DiffMissing, task: "last"},
		"a step less": {change: func(p *receipt.Predicate) { p.Steps = p.Steps[:3] }, what: receipt.DiffUnexpected, task: "last"},
		"another run": {change: func(p *receipt.Predicate) { p.Run = "run-2" }, what: receipt.DiffOutput, task: "last"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := *s
			changed.Predicate.Steps, changed.Predicate.Tasks = slices.Clone(s.Predicate.Steps), slices.Clone(s.Predicate.Tasks)
			if test.change != nil {
				test.change(&changed.Predicate)
			}
			if test.programs == nil {
				test.programs = &programs{}
			}
			c, _ := repeat(t, &changed, g, `{"n": 3}`, test.programs, func(r *receipt.Repetition) { r.Patience = 20 * time.Millisecond })
			found := slices.ContainsFunc(c.Differences, func(d receipt.Difference) bool { return d.What == test.what && d.Task == test.task })
			if !found {
				t.Errorf("differences %+v, want one of %s of %q", c.Differences, test.what, test.task)
			}
		})
	}
}

// What came otherwise for a reason that is not the record's is no difference, nor is what
// follows from it; other differences are.
func TestExcused(t *testing.T) {
	t.Parallel()
	g := diamond(t)
	s := recorded(t, g, `{"n": 3}`, receipt.Options{})
	left := func(task *receipt.Task) string {
		if task.ID == "left" {
			return "it has less"
		}
		return ""
	}
	for name, test := range map[string]struct {
		programs *programs
		excuse   func(*receipt.Task) string
		why      string // left is excused
		differs  bool
	}{
		"a crash":              {programs: &programs{crash: "size"}, why: "here it ended with crash"},
		"less":                 {programs: &programs{spoil: "size"}, excuse: left, why: "it has less"},
		"less, and alike":      {programs: &programs{}, excuse: left},
		"no excuse":            {programs: &programs{spoil: "size"}, differs: true},
		"others have no less":  {programs: &programs{spoil: "meta"}, excuse: left, differs: true},
		"a crash, and another": {programs: &programs{crash: "size", skew: 1}, why: "here it ended with crash", differs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, again := repeat(t, s, g, `{"n": 3}`, test.programs, func(r *receipt.Repetition) { r.Patience = 20 * time.Millisecond })
			c := receipt.Compare(&s.Predicate, &again.Statement.Predicate, len(again.Missing) > 0, test.excuse)
			if c.Excused["group-1/left"] != test.why || slices.Contains(c.Unverified, "group-1/left") != (test.why != "") || len(c.Differences) > 0 != test.differs {
				t.Errorf("excused %v, unverified %v, differences %+v", c.Excused, c.Unverified, c.Differences)
			}
		})
	}
}

// Tasks that race on the channel find it as they found it then, whoever is faster now.
func TestRace(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: race
tasks:
  a: {script: {language: python, code: slow a}}
  b: {script: {language: python, code: slow b}}
  c: {script: {language: python, code: slow c}}
  after_a: {script: {language: python, code: look}}
  after_b: {script: {language: python, code: look}}
  after_c: {script: {language: python, code: look}}
  last: {script: {language: python, code: look}}
flow: |
  a >> after_a >> last
  b >> after_b >> last
  c >> after_c >> last
`)
	for range 20 {
		s := recorded(t, g, "null", receipt.Options{})
		c, again := repeat(t, s, g, "null", &programs{}, nil)
		holds(t, c, 7)
		if again.Unordered {
			t.Error("the order was given up")
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: retries
tasks:
  frail: {script: {language: python, code: frail}, retry: {max: 3, delay: 1ms, jitter: true}}
  broken: {script: {language: python, code: broken}, fallback: instead}
  instead: {script: {language: python, code: echo}}
  again: {script: {language: python, code: again}}
flow: |
  frail >> broken >> again
`)
	s := recorded(t, g, "5", receipt.Options{})
	if got := len(s.Predicate.Steps); got != 9 {
		t.Errorf("%d steps were recorded, want 3 of frail, 2 of broken and its fallback, 4 of again", got)
	}
	c, _ := repeat(t, s, g, "5", &programs{}, nil)
	holds(t, c, 9)
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: asks
tasks:
  ask: {script: {language: python, code: ask}}
  beside: {script: {language: python, code: slow beside}}
  last: {script: {language: python, code: echo}}
flow: |
  (ask | beside) >> last
`)
	answer := func(_ *engine.Engine, o *engine.Running) *engine.Running {
		if _, err := o.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		if err := o.Resume("go", json.RawMessage(`{"yes": true}`)); err != nil {
			t.Error(err)
		}
		return o
	}
	doc := finished(t, g, "null", answer)
	var c receipt.Comparison
	for range 50 { // answers come while the run is at work, or just paused
		c, _ = repeat(t, record(t, doc, receipt.Options{Embed: 1 << 20}), g, "null", &programs{}, nil)
		holds(t, c, 4)
	}

	bare := record(t, doc, receipt.Options{})
	c, again := repeat(t, bare, g, "null", &programs{}, nil)
	if _, ok := again.Missing["group-1/ask"]; !ok || len(c.Differences) > 0 {
		t.Errorf("without the answer: missing %v, differences %+v", again.Missing, c.Differences)
	}
	c, _ = repeat(t, bare, g, "null", &programs{}, func(r *receipt.Repetition) {
		r.Answers = map[string]json.RawMessage{"go": json.RawMessage(`{"yes":true}`)}
	})
	holds(t, c, 4)
	c, _ = repeat(t, bare, g, "null", &programs{}, func(r *receipt.Repetition) {
		r.Answers = map[string]json.RawMessage{"go": json.RawMessage(`{"yes":false}`)}
	})
	if len(c.Differences) == 0 {
		t.Error("another answer makes no difference")
	}
}

// A task with tools has the answers that it had, at the times at which it had them.
func TestTools(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: tools
tasks:
  agent: {script: {language: python, code: agent}, tools: [tool]}
  tool: {script: {language: python, code: echo}}
flow: agent
`)
	s := recorded(t, g, "null", receipt.Options{})
	c, _ := repeat(t, s, g, "null", &programs{}, nil)
	holds(t, c, 4) // the agent twice, and two calls
	for i := range s.Predicate.Steps {
		if called := s.Predicate.Steps[i].Called; len(called) > 0 {
			called[0] = called[0].Add(time.Second)
		}
	}
	if c, _ = repeat(t, s, g, "null", &programs{}, nil); len(c.Differences) == 0 {
		t.Error("another time makes no difference")
	}
}

// What can't be repeated answers what it did, if the receipt carries that. Else what
// follows from it is not verified, and the rest is.
func TestOutside(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: outside
tasks:
  before: {script: {language: python, code: echo}}
  draws: {script: {language: python, code: random}, grants: {random: secure}}
  after: {script: {language: python, code: echo}}
flow: |
  before >> draws >> after
`)
	doc := finished(t, g, "1", nil)
	p := &programs{}
	c, _ := repeat(t, record(t, doc, receipt.Options{Embed: 1 << 20}), g, "1", p, nil)
	holds(t, c, 2)
	if c.Attested != 1 || p.calls.Load() != 2 {
		t.Errorf("%d steps are attested, %d programs ran, want 1 and 2", c.Attested, p.calls.Load())
	}
	c, again := repeat(t, record(t, doc, receipt.Options{}), g, "1", &programs{}, nil)
	if len(c.Differences) > 0 || c.Repeated != 1 || !slices.Equal(c.Unverified, []string{"after"}) || again.Missing["draws"] == "" {
		t.Errorf("nothing carried: %+v, missing %v", c, again.Missing)
	}
}

// A run that was let go on after it had failed is let go on again.
func TestRetriedRun(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: retried
tasks:
  first: {script: {language: python, code: echo}}
  frail: {script: {language: python, code: frail}, retry: {max: 1}}
flow: |
  first >> frail
`)
	doc := finished(t, g, "1", func(e *engine.Engine, o *engine.Running) *engine.Running {
		if out, err := o.Wait(t.Context()); err != nil || out.Status != engine.StatusFailed {
			t.Errorf("%s, error %v", out.Status, err)
		}
		o, err := e.Retry(t.Context(), "run-1", engine.RetryFrom{})
		if err != nil {
			t.Fatal(err)
		}
		return o
	})
	s := record(t, doc, receipt.Options{})
	if s.Predicate.Status != engine.StatusSucceeded || len(s.Predicate.Retries) != 1 {
		t.Fatalf("%s, retries %v", s.Predicate.Status, s.Predicate.Retries)
	}
	c, _ := repeat(t, s, g, "1", &programs{}, nil)
	holds(t, c, 4)
}

// A run that was canceled from outside is repeated as far as it went.
func TestCanceled(t *testing.T) {
	t.Parallel()
	g := parse(t, `
name: canceled
tasks:
  first: {script: {language: python, code: echo}}
  hang: {script: {language: python, code: hang}}
flow: |
  first >> hang
`)
	p := &programs{hangs: make(chan struct{})}
	doc := finishedBy(t, g, "1", p, func(_ *engine.Engine, o *engine.Running) *engine.Running {
		<-p.hangs
		if err := o.Cancel("enough"); err != nil {
			t.Error(err)
		}
		return o
	})
	s := record(t, doc, receipt.Options{})
	if s.Predicate.Disturbed == "" {
		t.Error("that it was canceled is not told")
	}
	c, _ := repeat(t, s, g, "1", &programs{}, nil)
	if len(c.Differences) > 0 || c.Repeated != 1 {
		t.Errorf("%+v", c)
	}
}
