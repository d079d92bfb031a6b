package soak

import (
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// kinds are all that there are.
var kinds = []*kind{
	{
		name: "chain", share: 4, want: gives(plus(5)),
		nodes: func() []engine.Node { return []engine.Node{chain(5, "add")} },
	},
	{
		name: "cell", share: 2, want: gives(plus(2)), builtins: map[string]bool{"guest": true},
		nodes: func() []engine.Node {
			guest := engine.Task{
				ID: "guest", Handler: "wasm", Spec: raw(guestFile),
				Retry: &engine.Retry{Max: 50, Delay: seconds(0.1), MaxDelay: seconds(2), Backoff: 2, On: []string{"crash"}},
			}
			return []engine.Node{engine.Seq(task("a", "add"), guest, task("b", "add"))}
		},
	},
	{
		name: "group", share: 3, nodes: group, // members n, n, n, n and the total 4n
		want: gives(func(n float64) float64 { return 8 * n }),
	},
	{
		name: "nested", share: 1, nodes: nested,
		want: gives(func(n float64) float64 { return 3 * (n + 1) }),
	},
	{
		name: "supersteps", share: 2, nodes: supersteps, // three members, each 3 and 2 in the total
		want: gives(func(float64) float64 { return 15 }),
	},
	{
		name: "map", share: 3, nodes: squares,
		want: gives(func(n float64) float64 { return 4*n*n + 12*n + 14 }),
	},
	{
		name: "retry", share: 3, nodes: retries,
		want: gives(plus(2)),
	},
	{
		name: "timeout", share: 1, nodes: timeouts,
		want: gives(plus(1)),
	},
	{
		name: "loop", share: 1, want: gives(plus(6)),
		nodes: func() []engine.Node { return []engine.Node{engine.Seq(task("a", "loop"), task("b", "add"))} },
	},
	{
		name: "terminate", share: 1, nodes: ending("enough"),
		want: gives(plus(2)),
	},
	{
		name: "quit", share: 1, nodes: ending("quits"),
		want: canceled,
	},
	{
		name: "goto", share: 1, want: gives(plus(2)),
		nodes: func() []engine.Node {
			return []engine.Node{engine.Seq(task("a", "jumps"), task("b", "slow"), task("c", "add"))}
		},
	},
	{
		name: "next", share: 1, want: gives(plus(2)),
		nodes: func() []engine.Node {
			t := task("a", "adds")
			return []engine.Node{engine.Seq(t, task("b", "add"))}
		},
	},
	{
		name: "best-effort", share: 1, nodes: bestEffort,
		want: gives(func(n float64) float64 { return 4 * n }),
	},
	{
		name: "flow", share: 2, nodes: subFlow,
		want: gives(plus(5)),
	},
	{
		name: "claims", share: 3, nodes: claims,
		want: gives(plus(3)),
	},
	{
		name: "fallback", share: 1, nodes: fallback,
		want: gives(plus(1)),
	},
	{
		name: "rollback", share: 2, nodes: rollback,
		want: fails("broken"),
	},
	{
		name: "strict", share: 1, nodes: strict,
		want: fails(engine.KindGroup),
	},
	{
		name: "impatient", share: 1, nodes: impatient,
		want: either(gives(plus(1)), fails(engine.KindQueueTimeout)),
	},
	{
		name: "deadline", share: 1, nodes: deadline,
		want: either(gives(plus(1)), fails(engine.KindDeadline)),
	},
	{
		name: "large", share: 1, nodes: large,
		want: gives(func(float64) float64 { return largeBytes }),
	},
	{
		name: "sleep", share: 1, nodes: sleeps, builtins: map[string]bool{"s": true},
		want: gives(plus(1)),
	},
	{
		name: "pause", share: 2, nodes: pauses, builtins: map[string]bool{"g/left": true, "g/right": true},
		want: gives(func(n float64) float64 { return 2*n + 1 }),
	},
	{
		name: "calls", share: 3, nodes: calls, // n+4, and then three at once
		want: gives(func(n float64) float64 { return 3*(n+4) + 2 }),
	},
	{
		name: "calls-cancel", share: 1, nodes: callsToCancel, steers: cancelMidway,
		want: either(canceled, gives(plus(4))),
	},
	{
		name: "cancel", share: 2, nodes: toCancel, steers: cancelMidway,
		want: either(canceled, gives(plus(4))),
	},
	{
		name: "hold", share: 2, want: gives(plus(6)), steers: holdMidway,
		nodes: func() []engine.Node { return []engine.Node{chain(6, "add")} },
	},
}

func group() []engine.Node {
	var members []engine.Node
	for i := range 4 {
		members = append(members, task(fmt.Sprint("m", i), "count"))
	}
	return []engine.Node{engine.Seq(engine.Par(members...).Named("g"), task("sum", "sum"))}
}

// nested is a group in a member of a group: n+1 three times.
func nested() []engine.Node {
	pair := engine.Par(task("b", "same"), task("c", "same")).Named("pair")
	outer := engine.Par(engine.Seq(task("a", "add"), pair), task("d", "add")).Named("outer")
	return []engine.Node{engine.Seq(outer, task("sum", "sum"))}
}

func supersteps() []engine.Node {
	return []engine.Node{engine.Seq(engine.Par(task("x", "rounds"), task("y", "rounds"), task("z", "rounds")).Named("g"), task("sum", "sum"))}
}

func squares() []engine.Node {
	three := 3
	m := given(task("m", "square"), map[string]string{"n": `"${item}"`})
	m.Map, m.MaxConcurrency = "[input, input + 1, input + 2, input + 3]", &three
	return []engine.Node{engine.Seq(m, task("sum", "sum"))}
}

func retries() []engine.Node {
	f := task("f", "flaky")
	f.Retry = &engine.Retry{Max: 3, Delay: seconds(0.05), Backoff: 2, Jitter: true}
	return []engine.Node{engine.Seq(task("a", "add"), f, task("b", "add"))}
}

// timeouts may take several attempts: one that is suspended may run out of time too.
func timeouts() []engine.Node {
	h := task("h", "hangs")
	h.Timeout, h.Retry = seconds(0.3), &engine.Retry{Max: 30}
	return []engine.Node{engine.Seq(h, task("b", "add"))}
}

func subFlow() []engine.Node {
	inner := engine.Spec{Name: "inner"}
	inner.Connect(chain(3, "add"))
	return []engine.Node{engine.Seq(task("a", "add"), engine.Task{ID: "f", Handler: engine.FlowHandler, Spec: raw(inner)}, task("b", "add"))}
}

// claims are tasks that are to be known to have begun, with bounds that nothing
// reaches.
func claims() []engine.Node {
	a, b, c := task("a", "add"), task("b", "add"), task("c", "add")
	a.Rollback, b.QueueTimeout, c.Deadline = "u", seconds(600), seconds(600)
	return []engine.Node{engine.Seq(a, b, c), task("u", "undo")}
}

func fallback() []engine.Node {
	f := task("f", "fails")
	f.Fallback = "s"
	return []engine.Node{engine.Seq(f, task("b", "add")), task("s", "stands")}
}

func rollback() []engine.Node {
	f := task("f", "fails")
	f.Rollback = "u"
	return []engine.Node{engine.Seq(task("a", "add"), f, task("b", "add")), task("u", "undo")}
}

// ending is a task that ends its run while another runs.
func ending(function string) func() []engine.Node {
	return func() []engine.Node {
		return []engine.Node{engine.Seq(task("a", "add"), task("b", function), task("c", "add")), task("d", "slow")}
	}
}

func bestEffort() []engine.Node {
	g := engine.Par(task("m0", "count"), task("f", "fails"), task("m1", "count")).Named("g").With(engine.Policy{BestEffort: true})
	return []engine.Node{engine.Seq(g, task("sum", "sum"))}
}

// strict is a group of which one fails while the others run.
func strict() []engine.Node {
	s := task("s", "slow")
	s.Rollback = "u"
	return []engine.Node{engine.Par(task("f", "fails"), s, engine.Seq(task("t", "slow"), task("t2", "slow"))).Named("g"), task("u", "undo")}
}

func impatient() []engine.Node {
	a := task("a", "add")
	a.QueueTimeout, a.Rollback = seconds(0.2), "u"
	return []engine.Node{a, task("u", "undo")}
}

func deadline() []engine.Node {
	a := task("a", "slow")
	a.Deadline, a.Rollback = seconds(0.42), "u"
	return []engine.Node{a, task("u", "undo")}
}

func large() []engine.Node {
	l := task("l", "large")
	l.Output = engine.OutputAuto
	return []engine.Node{engine.Seq(l, task("n", "length"))}
}

func sleeps() []engine.Node {
	s := given(engine.Task{ID: "s", Handler: "builtin", Spec: raw("sleep")}, map[string]string{"duration": `0.5`})
	return []engine.Node{engine.Seq(s, given(task("b", "add"), map[string]string{"n": `"${input}"`}))}
}

// pauses are two that wait at the same time, for n and n+1.
func pauses() []engine.Node {
	ask := func(id string) engine.Task {
		return given(engine.Task{ID: id, Handler: "builtin", Spec: raw("pause")}, map[string]string{"name": `"` + id + `"`})
	}
	return []engine.Node{engine.Seq(engine.Par(ask("left"), ask("right")).Named("g"), task("sum", "sum"))}
}

// calls is a task that calls others, some of which fail at first, or are rolled back
// should they be stopped.
func calls() []engine.Node {
	a, again, rest := task("a", "calls"), task("again", "flaky"), task("rest", "slow")
	a.Tools = []string{"more", "again", "rest"}
	again.Retry, rest.Rollback = &engine.Retry{Max: 3, Delay: seconds(0.05)}, "u"
	return []engine.Node{a, task("more", "add"), again, rest, task("u", "undo")}
}

func callsToCancel() []engine.Node {
	a := task("a", "callsOn")
	a.Tools, a.Rollback = []string{"rest"}, "u"
	return []engine.Node{a, task("rest", "slow"), task("u", "undo")}
}

func toCancel() []engine.Node {
	var nodes []engine.Node
	for i := range 4 {
		t := task(fmt.Sprint("t", i), "slow")
		t.Rollback = "u"
		nodes = append(nodes, t)
	}
	return []engine.Node{engine.Seq(nodes...), task("u", "undo")}
}
