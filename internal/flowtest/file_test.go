package flowtest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/flowtest"
)

const smallFlow = `name: small
input: {type: object, required: [n]}
tasks:
  fetch: {handler: real, handler_kwargs: missing}
  store: {handler: real, handler_kwargs: echo}
flow: fetch >> store
`

// TestFaults wants all that is wrong with a test file told at once, each at its place.
func TestFaults(t *testing.T) {
	t.Parallel()
	_, err := flowtest.Load(write(t, smallFlow, `nwo: 1
mocks:
  fecth: {value: 1}
cases:
  - name: a
    input: {m: 1}
    mocks: {store: {value: 1, error: no}, fetch: []}
    expect: {status: odd, order: [stroe], took: 5, tasks: {fetch: {runs: -1}}}
  - name: a
    input: {n: 1}
    now: yesterday
    mocks: {store: {times: 0, effects: {chanel: 1}}}
    cancel_after: soon
  - input: {n: 1}
    expect: [1]
`))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		`x.test.yaml:1:1: test file: unknown key "nwo" (did you mean "now"?)` + "\n    nwo: 1\n    ^",
		`x.test.yaml:3:3: mocks: the flow small has no task "fecth" (did you mean "fetch"?)`,
		`x.test.yaml:6:12: the input does not fit the flow: `,
		`x.test.yaml:7:20: mock: a value or an error, not both`,
		`x.test.yaml:7:50: mock of fetch: the list is empty`,
		`x.test.yaml:8:22: want one of succeeded, failed, canceled, paused, not "odd"`,
		`x.test.yaml:8:35: the flow small has no task "stroe" (did you mean "store"?)`,
		`x.test.yaml:8:49: want a duration with a unit, as 300ms, 10s, 5m or 1h, not 5`,
		`x.test.yaml:8:74: want a whole number of 0 or more, not -1`,
		`x.test.yaml:9:5: another case is called "a", in line 5`,
		`x.test.yaml:11:10: want a time as 2026-01-02T15:04:05Z, not "yesterday"`,
		`x.test.yaml:12:28: want a whole number of 1 or more, or any, not 0`,
		`x.test.yaml:12:40: effects: json: unknown field "chanel"`,
		`x.test.yaml:13:19: want a duration`,
		`x.test.yaml:14:5: a case needs a name`,
		`x.test.yaml:15:13: expect: want a mapping, not a list`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got\n%v\nwhich does not have %s", err, want)
		}
	}
}

func TestFlowOfAFile(t *testing.T) {
	t.Parallel()
	name := write(t, smallFlow, "flow: sub/other.flow.yaml\ncases: [{name: a}]\n")
	_, err := flowtest.Load(name)
	if err == nil || !strings.Contains(err.Error(), "x.test.yaml:1:7: there is no flow file") {
		t.Errorf("got %v", err)
	}
	dir := filepath.Join(filepath.Dir(name), "sub")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.flow.yaml"), []byte("name: other\ntasks: {a: {builtin: now}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := flowtest.Load(name)
	if err != nil || f.Graph.Name() != "other" {
		t.Errorf("got %v, %v", f, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.flow.yaml"), []byte("name: other\ntasks: {a: {builtn: now}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = flowtest.Load(name); err == nil || !strings.Contains(err.Error(), "other.flow.yaml:2:") {
		t.Errorf("got %v, want what is wrong with the flow", err)
	}
}

func TestNameFor(t *testing.T) {
	t.Parallel()
	for flow, want := range map[string]string{
		"a/b.flow.yaml": "a/b.test.yaml", "b.flow.yml": "b.test.yaml", "b.flow.json": "b.test.yaml", "b.yaml": "b.test.yaml", "b.test.yaml": "b.test.yaml", "b.test.yml": "b.test.yml",
	} {
		if got := flowtest.NameFor(flow); got != want {
			t.Errorf("%s: got %s, want %s", flow, got, want)
		}
	}
}

// TestCaseFaults has cases fail for what is wrong with themselves.
func TestCaseFaults(t *testing.T) {
	t.Parallel()
	f := load(t, smallFlow, `mocks:
  fetch: [{value: 1}]
cases:
  - name: unused
    input: {n: 1}
    mocks:
      store: [{value: 1}, {value: 2}, {input: 9, value: 3}]
    answers: {nobody: {value: 1}}
  - name: too few
    input: {n: 1}
    mocks: {fetch: [{input: {n: 7}, value: 1}]}
  - name: not there
    input: {n: 1}
    mocks: {fetch: {error: {kind: again}}}
    expect: {status: succeeded, output: 7}
`)
	got := strings.Join(outcome(t, f), "\n")
	for _, want := range []string{
		"the mock of store in line 7 was not used\n", "the answer to nobody in line 8 was not asked for",
		`the mock of fetch has no reply left for attempt 1 of fetch, whose input is {"n":1}`, "the mock of fetch in line 11 was not used",
		"not there: status: expected \"succeeded\", got \"failed\"\nerror: ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwhich does not have %s", got, want)
		}
	}
	if n := strings.Count(got, "the mock of store in line 7 was not used"); n != 2 {
		t.Errorf("%d replies of a list count as not used, want 2", n)
	}
}

// TestUnmocked has a task without a mock fail that can't be executed, but only once
// the run comes to it.
func TestUnmocked(t *testing.T) {
	t.Parallel()
	f := load(t, smallFlow, "cases: [{name: a, input: {n: 1}, expect: {status: failed}}]\n")
	if got := outcome(t, f)[0]; !strings.Contains(got, "task fetch has no mock, and can't be executed: there is no such module") {
		t.Errorf("got %s", got)
	}
}

func TestUnused(t *testing.T) {
	t.Parallel()
	f := load(t, smallFlow, "mocks:\n  fetch: {value: 1}\n  store: [{value: 1}, {input: 2, value: 2}]\ncases:\n  - {name: a, input: {n: 1}}\n")
	faults := f.Unused(results(t, f))
	if len(faults) != 1 || !strings.Contains(faults[0], "x.test.yaml:3:23: the mock of store was used in no case") {
		t.Errorf("got %q", faults)
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	flow := `
name: cover
tasks:
  a: {builtin: pause, with: {name: which}}
  b: {builtin: now}
  c: {builtin: now}
  d: {builtin: now}
  in: {flow: {tasks: {e: {builtin: now}, f: {builtin: now}}, flow: e >> f}}
  back: {builtin: now}
flow: |
  a >> b >> in
  a >> g(c | d) >> back
edges:
  - {from: a, to: b, when: result == 1}
  - {from: a, to: g, when: result == 2}
`
	f := load(t, flow, "cases:\n  - {name: one, answers: {which: {value: 1}}}\n  - {name: two, answers: {which: {value: 2}}}\n")
	all := results(t, f)
	var sum flowtest.Coverage
	sum.Add(all[0].Cover)
	got := sum.Report()
	if strings.Join(got.MissedTasks, " ") != "back c d" || strings.Join(got.MissedEdges, ", ") != "a -> g, g -> back" || got.TasksCovered != 5 || got.EdgesCovered != 3 {
		t.Errorf("one case: got %+v", got)
	}
	sum.Add(all[1].Cover)
	if got = sum.Report(); len(got.MissedTasks)+len(got.MissedEdges) != 0 || got.Tasks != 8 || got.Edges != 5 {
		t.Errorf("both cases: got %+v", got)
	}
}

// TestDiffs expects otherwise of everything, and wants each told.
func TestDiffs(t *testing.T) {
	t.Parallel()
	f := load(t, smallFlow, `cases:
  - name: all wrong
    input: {n: 1}
    mocks:
      fetch:
        - {error: {kind: odd, message: no luck}, times: 2}
        - {value: 1}
      store: {value: {a: 1, b: [1, 2]}, effects: {channel: [{op: set, key: k, value: 2}], checkpoints: [{name: half}]}, files: {f.txt: one}}
    expect:
      reason: terminated
      message: enough
      output: {a: 1}
      output_has: {b: [1]}
      order: [store]
      ran: [store]
      tasks: {store: {status: skipped, why: start, runs: 2, attempts: 0, input: 1, input_has: {n: 1}, output: 1.5, output_has: {c: null}, error: odd}}
      channel: {k: 1, other: 1}
      checkpoints: []
      pauses: [x]
      warnings: [w]
      files: {store/f.txt: two, store/g.txt: three}
      took: 1h
  - name: other errors
    input: {n: 1}
    mocks: {fetch: {error: {kind: odd, message: no luck}}}
    expect: {error: {kind: even, task: store, message: luckily, attempts: 2}, output: null}
`)
	got := strings.Join(outcome(t, f), "\n")
	for _, want := range []string{
		"the mock of fetch in line 6 was used 1 of 2 times", "the mock of fetch in line 7 was not used",
		`reason: expected "terminated", got ""`, `message: expected a part "enough", got ""`,
		`output: expected {"a":1}, got null`, `output_has: expected a part {"b":[1]}, got null`,
		`order: expected ["store"], got ["fetch"]`, `ran: expected ["store"], got ["fetch"]`,
		`tasks.store.status: expected "skipped", got ""`, `tasks.store.why: expected a part "start", got ""`, "tasks.store.runs: expected 2, got 0",
		"tasks.store.input: expected 1, got null", `tasks.store.input_has: expected a part {"n":1}, got null`, "tasks.store.output: expected 1.5, got null",
		`tasks.store.error: expected a part {"message":"odd"}, got null`, "channel.k: expected 1, got null", "channel.other: expected 1, got null",
		`pauses: expected ["x"], got []`, `warnings: expected ["w"], got []`, `files.store/f.txt: expected "two", got null`, `took: expected "1h0m0s", got "0s"`,
		`error.kind: expected "even", got "odd"`, `error.task: expected "store", got "fetch"`, `error.message: expected a part "luckily", got "no luck"`, "error.attempts: expected 2, got 1",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwhich does not have %s", got, want)
		}
	}
}

// TestValues compares JSON as JSON.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value, expected   string
		equal, containing bool
	}{
		{`{"a": 1, "b": [1, {"c": 2}]}`, `{"b": [1.0, {"c": 2}], "a": 1e0}`, true, true},
		{`{"a": 1, "b": 2}`, `{"a": 1}`, false, true},
		{`{"a": 1}`, `{"a": 1, "b": null}`, false, false},
		{`[{"a": 1, "b": 2}]`, `[{"a": 1}]`, false, true},
		{`[1, 2]`, `[1]`, false, false},
		{`[1, 2]`, `[2, 1]`, false, false},
		{`9007199254740993`, `9007199254740992`, false, false},
		{`-0`, `0`, true, true},
		{`0.1`, `0.10`, true, true},
		{`"1"`, `1`, false, false},
		{`null`, `null`, true, true},
		{`false`, `null`, false, false},
		{`{}`, `[]`, false, false},
	} {
		for key, want := range map[string]bool{"output": test.equal, "output_has": test.containing} {
			f := load(t, smallFlow, "cases:\n  - {name: x, input: {n: 1}, mocks: {fetch: {value: 0}, store: {value: "+test.value+"}}, expect: {"+key+": "+test.expected+"}}\n")
			if got := strings.HasSuffix(outcome(t, f)[0], ": ok"); got != want {
				t.Errorf("%s, %s %s: got %v, want %v", test.value, key, test.expected, got, want)
			}
		}
	}
}
