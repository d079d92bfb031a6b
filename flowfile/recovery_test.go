package flowfile_test

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/flowfile"
)

const shop = `name: shop
defaults: {deadline: 1m, queue_timeout: 5s}
tasks:
  pay:
    wasm: shop.wasm#pay
    timeout: 2s
    deadline: 10s
    fallback: invoice
    rollback: {wasm: shop.wasm#refund, with: {order: "${input.id}", why: "${error.kind}"}}
  ship: {wasm: shop.wasm#ship}
  invoice: {wasm: shop.wasm#invoice}
flow: pay >> ship
`

func TestRecovery(t *testing.T) {
	t.Parallel()
	f, err := flowfile.Parse("shop.flow.yaml", []byte(shop))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, task := range f.Spec.Tasks {
		ids = append(ids, task.ID)
	}
	if got, want := strings.Join(ids, " "), "pay pay-rollback ship invoice"; got != want {
		t.Errorf("tasks %s, want %s", got, want)
	}
	pay, ship := f.Spec.Tasks[0], f.Spec.Tasks[2]
	if pay.Fallback != "invoice" || pay.Rollback != "pay-rollback" || pay.Deadline != 10e9 || pay.QueueTimeout != 5e9 {
		t.Errorf("pay: %+v", pay)
	}
	if ship.Deadline != 60e9 || ship.QueueTimeout != 5e9 {
		t.Errorf("ship without the defaults: %+v", ship)
	}
	checkRoundTrip(t, f.Spec)
	schema := compiledSchema(t)
	if err := validate(t, schema, shop); err != nil {
		t.Errorf("the schema says %v", err)
	}
	printed, err := flowfile.Print(engine.Spec{Name: "x", Tasks: []engine.Task{pay}})
	if err != nil || !strings.Contains(string(printed), `"deadline":"10s","queue_timeout":"5s","fallback":"invoice","rollback":"pay-rollback"`) {
		t.Errorf("%v\n%s", err, printed)
	}
}

func TestRecoveryFaults(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for options, want := range map[string]struct {
		fault  string
		schema bool // it sees it too
	}{
		`fallback: c`:                           {`17: no task "c"`, false},
		`fallback: g`:                           {`17: "g" is a group; want a task`, false},
		`rollback: a`:                           {`17: "a" can't stand in for itself`, false},
		`rollback: [b]`:                         {`17: want the name of a task, or a task, as {wasm: module#task}, not a list`, true},
		`fallback: 3`:                           {`17: want the name of a task, or a task, as {wasm: module#task}, not 3`, true},
		`fallback: {builtin: now, timeuot: 1s}`: {`32: task "a-fallback": unknown key "timeuot" (did you mean "timeout"?)`, false},
		`fallback: {}`:                          {`17: task "a-fallback" has no handler; want one of wasm, builtin or the name of a handler`, true},
		`fallback: {builtin: now, map: "[1]"}`:  {`17: task "a-fallback" has a map; want one that runs once`, false},
		`deadline: 3`:                           {`17: want a duration with a unit, as 300ms, 10s, 5m or 1h, not 3`, true},
		`deadline: -3s`:                         {`17: must not be negative; 0 is no bound`, true},
		`queue_timeout: soon`:                   {`22: want a duration with a unit, as 300ms, 10s, 5m or 1h, not "soon"`, true},
		`rolback: b`:                            {`7: task "a": unknown key "rolback" (did you mean "rollback"?)`, false},
	} {
		file := "name: x\ntasks:\n  a: {" + options + ", builtin: now}\n  b: {builtin: now}\n  d: {builtin: now}\nflow: a >> g(b | d)\n"
		_, err := flowfile.Parse("x", []byte(file))
		if err == nil {
			t.Errorf("%s: got no error, want %s", options, want.fault)
			continue
		}
		if got, _, _ := strings.Cut(err.Error(), "\n"); got != "x:3:"+want.fault {
			t.Errorf("%s: got %s, want x:3:%s", options, got, want.fault)
		}
		if err := validate(t, schema, file); (err != nil) != want.schema {
			t.Errorf("%s: the schema says %v", options, err)
		}
	}
}
