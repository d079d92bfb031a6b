package flowtest_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/flowtest"
)

// write puts a flow and its test file into a directory, and returns the test file.
func write(t *testing.T, flow, tests string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"x.flow.yaml": flow, "x.test.yaml": tests} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "x.test.yaml")
}

func load(t *testing.T, flow, tests string) *flowtest.File {
	t.Helper()
	f, err := flowtest.Load(write(t, flow, tests))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// deeds is a handler of tasks that are not mocked, in place of a sandbox: a task's
// spec is what it does.
type deeds struct{}

func (deeds) Handle(ctx context.Context, call *engine.Call) (engine.Result, error) {
	switch string(call.Task.Spec) {
	case `"hang"`:
		<-ctx.Done()
		return engine.Result{}, context.Cause(ctx)
	case `"deaf"`: // to its context, for longer than the engine's patience
		<-ctx.Done()
		<-time.After(200 * time.Millisecond)
		return engine.Result{}, errors.New("too late")
	case `"echo"`:
		return engine.Result{Value: call.Input}, nil
	}
	return engine.Result{}, errors.New("no such deed: " + string(call.Task.Spec))
}

func (deeds) Check(_ context.Context, t *engine.Task) error {
	if string(t.Spec) == `"missing"` {
		return errors.New("there is no such module")
	}
	return nil
}

func runner() *flowtest.Runner {
	return flowtest.New(flowtest.Config{
		Handlers: map[string]engine.Handler{"real": deeds{}}, CheckSchema: flowfile.CheckSchema, Patience: time.Minute,
	})
}

// outcome runs all cases of a file and tells what each came to: "ok", or what differs.
func outcome(t *testing.T, f *flowtest.File) []string {
	t.Helper()
	var all []string
	for _, c := range f.Cases {
		r, err := runner().Run(t.Context(), f, c)
		if err != nil {
			t.Fatal(err)
		}
		text := "ok"
		if !r.Passed {
			text = strings.TrimSpace(flowtest.Explain(r, nil))
		}
		all = append(all, c.Name+": "+text)
	}
	return all
}

func passes(t *testing.T, flow, tests string) {
	t.Helper()
	for _, text := range outcome(t, load(t, flow, tests)) {
		if !strings.HasSuffix(text, ": ok") {
			t.Error(text)
		}
	}
}

const orderFlow = `
name: order
tasks:
  reserve: {handler: real, handler_kwargs: missing, retry: {max: 3, delay: 10m, backoff: 2, on: [busy], max_delay: 2h}}
  pay: {handler: real, handler_kwargs: missing, timeout: 1m, deadline: 10m, retry: {max: 1, on: [timeout]}, fallback: invoice}
  invoice: {handler: real, handler_kwargs: missing}
  approve: {builtin: pause, with: {name: approve, schema: {type: boolean}, timeout: 24h, default: false}}
  ship: {builtin: now}
  refuse: {handler: real, handler_kwargs: echo}
flow: |
  reserve >> pay >> approve >> ship
  approve >> refuse
edges:
  - {from: approve, to: ship, when: result}
  - {from: approve, to: refuse, when: not result}
`

// TestTime has a flow that takes days come out at once, at times that are exact.
func TestTime(t *testing.T) {
	t.Parallel()
	passes(t, orderFlow, `
now: 2026-03-01T12:00:00Z
mocks:
  reserve: {value: {item: lamp}}
  pay: {value: {by: card}}
cases:
  - name: answered after two hours
    answers: {approve: {value: true, after: 2h}}
    expect: {output: "2026-03-01T14:00:00Z", took: 2h, order: [reserve, pay, approve, ship]}
  - name: nobody answers
    mocks: {refuse: {value: refused}}
    expect: {output: refused, took: 24h, ran: [refuse, approve, pay, reserve], tasks: {ship: {status: skipped}, refuse: {input: false}}}
  - name: waits for an answer
    expect: {status: paused, pauses: [approve], took: 0s}
  - name: a reservation is retried
    mocks:
      reserve:
        - {error: {kind: busy, message: the warehouse is busy}, times: 2}
        - {error: {kind: busy, retry_after: 1h30m}}
        - {value: 1}
    answers: {approve: {value: true}}
    expect: {took: 2h, tasks: {reserve: {attempts: 4, runs: 1}}}
  - name: another error is not
    mocks: {reserve: {error: sold out}}
    expect: {error: {kind: error, task: reserve, message: sold out}, order: [reserve]}
  - name: payments that hang time out
    mocks:
      pay: {takes: 1h, value: 1}
      invoice: {value: {by: invoice}}
    answers: {approve: {value: true}}
    expect: {took: 2m, tasks: {pay: {output: {by: invoice}, why: after reserve}}}
  - name: canceled while it waits
    cancel_after: 3h
    expect: {status: canceled, message: by the test, took: 3h}
`)
}

// TestParallel has members of a group sleep side by side, though they run one at a
// time.
func TestParallel(t *testing.T) {
	t.Parallel()
	flow := `
name: group
tasks:
  a: {builtin: now}
  b: {builtin: now}
  c: {builtin: now}
  d: {builtin: now}
flow: a >> work(b | c) >> d
`
	passes(t, flow, `
mocks: {a: {value: 1}, b: {takes: 2h, value: 2}, c: {takes: 3h, value: 3}}
cases:
  - name: both at once
    expect: {took: 3h, order: [a, b, c, d], output: "2026-01-01T03:00:00Z"}
  - name: one worker
    concurrency: 1
    expect: {took: 5h}
`)
}

// TestReallyRuns has tasks without a mock run, with time going on as it does.
func TestReallyRuns(t *testing.T) {
	t.Parallel()
	flow := `
name: real
tasks:
  hang: {handler: real, handler_kwargs: hang, timeout: 20ms, fallback: echo}
  deaf: {handler: real, handler_kwargs: deaf, timeout: 20ms, fallback: echo}
  echo: {handler: real, handler_kwargs: echo}
  late: {builtin: sleep, with: {duration: 48h}}
flow: hang >> deaf >> late
`
	passes(t, flow, `
cases:
  - name: attempts are ended
    expect:
      tasks:
        hang: {output_has: {error: {kind: timeout}}}
        deaf: {output_has: {error: {kind: timeout}}}
        late: {runs: 1}
`)
}

// TestSubFlows mocks tasks inside of sub-flows, and sub-flows as a whole.
func TestSubFlows(t *testing.T) {
	t.Parallel()
	flow := `
name: outer
tasks:
  in:
    flow:
      tasks:
        first: {handler: real, handler_kwargs: missing}
        second: {handler: real, handler_kwargs: echo}
      flow: first >> second
  each: {handler: real, handler_kwargs: missing, map: tasks.in}
flow: in >> each
`
	passes(t, flow, `
mocks:
  each:
    - {input: 1, value: one}
    - {input: 2, value: two}
cases:
  - name: inside
    mocks: {in/first: {value: [2, 1]}}
    expect: {output: [two, one], tasks: {in/second: {input: [2, 1], why: after first}, each: {runs: 2}}}
  - name: as a whole
    mocks: {in: {value: [1]}}
    expect: {output: [one], ran: [in, each]}
`)
}

// TestEffects mocks what tasks ask for besides their value.
func TestEffects(t *testing.T) {
	t.Parallel()
	flow := `
name: effects
tasks:
  a: {handler: real, handler_kwargs: missing}
  b: {handler: real, handler_kwargs: missing}
flow: a >> b
`
	passes(t, flow, `
cases:
  - name: channel, files and checkpoints
    mocks:
      a: {value: 1, effects: {channel: [{op: add, key: n, value: 2}], checkpoints: [{name: half}]}, files: {report.txt: "hello\n"}, log: [one line]}
      b: {value: 2, effects: {channel: [{op: add, key: n, value: 3}]}}
    expect: {channel: {n: 5}, checkpoints: [half], files: {a/report.txt: "hello\n"}, output: 2}
  - name: ends early
    mocks: {a: {value: 1, effects: {terminate: enough}}}
    expect: {reason: terminated, message: enough, order: [a], tasks: {b: {runs: 0}}}
  - name: a task asks a person
    mocks:
      a: [{effects: {pause: {name: who}}}, {value: done}]
      b: {value: 2}
    answers: {who: {value: me, after: 5m}}
    expect: {took: 5m}
`)
}
