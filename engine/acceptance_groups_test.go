package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
)

// groupsFlow is what one case runs: Go functions as tasks, on an engine of so
// many slots, in a bubble of its own time.
type groupsFlow struct {
	t        *testing.T
	slots    int
	handler  *direct.Handler
	handlers map[string]engine.Handler // beside it
	policies map[string]engine.GroupPolicy
	backend  *engine.Backend
	input    string
	slack    time.Duration

	mu      sync.Mutex // guards what follows
	log     []string   // ids of tasks, as they began
	notices []engine.Notice
	took    time.Duration
}

type groupsCase struct {
	name string
	run  func(t *testing.T, f *groupsFlow)
}

func groupsRunCases(t *testing.T, cases []groupsCase) {
	t.Helper()
	groupsRunOn(t, cases, ground{}, inMemory)
}

func groupsRunOn(t *testing.T, cases []groupsCase, k ground, backend func(*testing.T) *engine.Backend) {
	t.Helper()
	if k.before != nil {
		defer k.before()
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if k.before == nil {
				t.Parallel()
			}
			for _, slots := range []int{1, 4} {
				t.Run(fmt.Sprintf("slots=%d", slots), func(t *testing.T) {
					if k.before == nil {
						t.Parallel()
					} else {
						k.before()
					}
					synctest.Test(t, func(t *testing.T) {
						c.run(t, &groupsFlow{t: t, slots: slots, handler: direct.New(), backend: backend(t), slack: k.slack})
					})
				})
			}
		})
	}
}

// task makes one that logs its start.
func (f *groupsFlow) task(id string, do func(c *direct.Context, in json.RawMessage) (any, error)) engine.Task {
	return direct.Func(f.handler, id, func(c *direct.Context, in json.RawMessage) (any, error) {
		f.mu.Lock()
		f.log = append(f.log, id)
		f.mu.Unlock()
		return do(c, in)
	})
}

// ok makes a task that returns its id after a while.
func (f *groupsFlow) ok(id string, after time.Duration) engine.Task {
	return f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) { return id, groupsWait(c, after) })
}

// fails makes a task that fails after a while.
func (f *groupsFlow) fails(id, message string, after time.Duration) engine.Task {
	return f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
		if err := groupsWait(c, after); err != nil {
			return nil, err
		}
		return nil, errors.New(message)
	})
}

// echo makes a task that returns its input.
func (f *groupsFlow) echo(id string) engine.Task {
	return f.task(id, func(_ *direct.Context, in json.RawMessage) (any, error) { return in, nil })
}

func groupsWait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *groupsFlow) run(nodes ...engine.Node) engine.Outcome {
	f.t.Helper()
	g, err := engine.NewGraph("flow", nodes...)
	if err != nil {
		f.t.Fatal(err)
	}
	return f.runGraph(g)
}

func (f *groupsFlow) runSpec(s engine.Spec) engine.Outcome {
	f.t.Helper()
	g, err := s.Build()
	if err != nil {
		f.t.Fatal(err)
	}
	return f.runGraph(g)
}

func (f *groupsFlow) engine() *engine.Engine {
	f.t.Helper()
	handlers := map[string]engine.Handler{"direct": f.handler}
	maps.Copy(handlers, f.handlers)
	e, err := engine.New(engine.Config{
		Handlers: handlers, Policies: f.policies,
		Backend: f.backend, Concurrency: f.slots,
		Observe: func(n engine.Notice) { f.notices = append(f.notices, n) },
	})
	if err == nil {
		err = e.Join()
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// runGraph forgets what was logged before.
func (f *groupsFlow) runGraph(g *engine.Graph) engine.Outcome {
	f.t.Helper()
	f.log, f.notices = nil, nil
	e := f.engine()
	defer e.Close()
	var input json.RawMessage
	if f.input != "" {
		input = json.RawMessage(f.input)
	}
	begun := time.Now()
	out, err := e.Run(f.t.Context(), g, input)
	if err != nil {
		f.t.Fatal(err)
	}
	f.took = time.Since(begun)
	return out
}

// ran tells how often a task began.
func (f *groupsFlow) ran(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, l := range f.log {
		if l == id {
			n++
		}
	}
	return n
}

func (f *groupsFlow) wantRan(id string, want int) {
	f.t.Helper()
	if got := f.ran(id); got != want {
		f.t.Errorf("%s ran %d times, want %d; log %q", id, got, want, f.log)
	}
}

// wantBefore expects that all of the former began before the latter.
func (f *groupsFlow) wantBefore(latter string, former ...string) {
	f.t.Helper()
	at := slices.Index(f.log, latter)
	for _, id := range former {
		if i := slices.Index(f.log, id); i < 0 || at < 0 || i > at {
			f.t.Errorf("%s did not begin before %s: log %q", id, latter, f.log)
		}
	}
}

func groupsSucceeded(t *testing.T, out engine.Outcome, output string) {
	t.Helper()
	if out.Status != engine.StatusSucceeded {
		t.Fatalf("status %s, %v, want succeeded", out.Status, out.Error)
	}
	if got := string(out.Output); got != output {
		t.Errorf("output %s, want %s", got, output)
	}
}

func groupsFailed(t *testing.T, out engine.Outcome, kind, message string) {
	t.Helper()
	if out.Status != engine.StatusFailed || out.Error == nil {
		t.Fatalf("status %s, error %v, want failed", out.Status, out.Error)
	}
	if got := out.Error; got.Kind != kind || got.Message != message {
		t.Errorf("error %s: %s\nwant  %s: %s", got.Kind, got.Message, kind, message)
	}
}

// TestAcceptanceGroups is section F of the acceptance cases.
func TestAcceptanceGroups(t *testing.T) {
	t.Parallel()
	groupsRunCases(t, groupsCases)
}

// groupsCases are those of section F.
var groupsCases = []groupsCase{
	{"F63 strict", groupsF63},
	{"F63 what failed merges nothing", groupsF63Merge},
	{"F63 a sibling that would take long", groupsF63Slow},
	{"F63 a sibling about to finish", groupsF63Drain},
	{"F63 a chain cut short has not succeeded", groupsF63Chain},
	{"F63 what is inside a failing group stops", groupsF63Inside},
	{"F64 all fail", groupsF64},
	{"F65 best effort", groupsF65},
	{"F66 at least", groupsF66},
	{"F67 critical", groupsF67},
	{"F68 impossible policies", groupsF68},
	{"F69 custom policy", groupsF69},
	{"F69 custom policy over supersteps", groupsF69Supersteps},
	{"F71 groups in a group", groupsF71},
	{"F72 barriers", groupsF72},
	{"F73 commutative writes", groupsF73},
	{"F75 conflict", groupsF75},
	{"F76 lock", groupsF76},
	{"F78 nothing from outside in between", groupsF78},
	{"F78 a goto out of a group waits for its barrier", groupsF78Goto},
	{"F79 nested", groupsF79},
	{"F81b supersteps", groupsF81b},
	{"F81b supersteps of a chain", groupsF81bChain},
	{"F81b limit of supersteps", groupsF81bLimit},
	{"H89 timeout of a group", groupsH89},
	{"F81c max_concurrency", groupsF81c},
	{"F81d map", groupsF81d},
	{"F81d map collects errors", groupsF81dCollect},
	{"F81d map of no list", groupsF81dNoList},
	{"F81d map of 500", groupsF81dMany},
	{"F81e pipeline", groupsF81e},
}

func groupsF63(t *testing.T, f *groupsFlow) {
	t.Helper()
	out := f.run(engine.Seq(engine.Par(f.ok("a", 0), f.fails("b", "no disk", time.Second), f.ok("c", 10*time.Second)).Named("g"), f.ok("after", 0)))
	groupsFailed(t, out, engine.KindGroup, `group "g" failed: b: no disk (succeeded: a)`)
	f.wantRan("after", 0)
	if f.took > 5*time.Second {
		t.Errorf("took %s, want less than 5 s", f.took)
	}
}

// groupsF63Merge has a group inside a tolerant one fail after a member of it has written:
// nothing of that is merged, while what its neighbor writes is.
func groupsF63Merge(t *testing.T, f *groupsFlow) {
	t.Helper()
	writes := func(id string) engine.Task {
		return f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
			return id, errors.Join(c.Set("of_"+id, id), c.Append("list", id))
		})
	}
	inner := engine.Par(writes("lost"), f.fails("bad", "boom", time.Second)).Named("inner")
	read := f.task("read", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var list []string
		_, err := c.Get("list", &list)
		return []any{c.Keys("of_"), list}, err
	})
	out := f.run(engine.Seq(engine.Par(inner, writes("kept")).Named("outer").With(engine.Policy{BestEffort: true}), read))
	f.wantRan("lost", 1)
	groupsSucceeded(t, out, `[["of_kept"],["kept"]]`)
}

func groupsF63Slow(t *testing.T, f *groupsFlow) {
	t.Helper()
	deaf := f.task("deaf", func(*direct.Context, json.RawMessage) (any, error) {
		time.Sleep(10 * time.Second) // does not look at its context
		return nil, nil
	})
	if f.slots == 1 {
		deaf = f.ok("heedful", 10*time.Second)
	}
	out := f.run(engine.Seq(engine.Par(f.fails("bad", "boom", time.Second), deaf).Named("g"), f.ok("after", 0)))
	defer time.Sleep(10 * time.Second) // the deaf one ends before its bubble does
	groupsFailed(t, out, engine.KindGroup, `group "g" failed: bad: boom`)
	f.wantRan("after", 0)
	if f.took > 5*time.Second {
		t.Errorf("took %s, want less than 5 s", f.took)
	}
}

func groupsF63Drain(t *testing.T, f *groupsFlow) {
	t.Helper()
	out := f.run(engine.Par(f.fails("bad", "boom", time.Second), f.ok("soon", 2500*time.Millisecond)).Named("g"))
	want := `group "g" failed: bad: boom`
	if f.slots > 1 { // with one slot it has not begun
		want += ` (succeeded: soon)`
	}
	groupsFailed(t, out, engine.KindGroup, want)
}

func groupsF63Chain(t *testing.T, f *groupsFlow) {
	t.Helper()
	out := f.run(engine.Par(
		engine.Seq(f.ok("a", 0), f.ok("a2", 30*time.Second)),
		engine.Seq(f.ok("b", time.Second), f.ok("b2", 0)),
		f.fails("bad", "boom", 2*time.Second)).Named("g"))
	want := `group "g" failed: bad: boom`
	if f.slots > 1 {
		want += ` (succeeded: b2)`
	}
	groupsFailed(t, out, engine.KindGroup, want)
}

// groupsF63Inside fails a group that holds groups and maps with members which
// have not begun.
func groupsF63Inside(t *testing.T, f *groupsFlow) {
	t.Helper()
	items := f.ok("item", 5*time.Second)
	one := 1
	items.Map, items.MaxConcurrency = "0..99", &one
	inner := engine.Par(f.ok("a", 5*time.Second), f.ok("b", 5*time.Second), f.ok("c", 5*time.Second)).Named("inner").Max(1)
	out := f.run(engine.Par(f.fails("bad", "boom", time.Second), items, engine.Seq(inner, f.ok("after", 0)), engine.Par(f.ok("quick", 0)).Named("whole")).Named("g"))
	want := `group "g" failed: bad: boom`
	if f.slots > 1 {
		want += " (succeeded: whole)"
	}
	groupsFailed(t, out, engine.KindGroup, want)
	if f.ran("item") > 1 || f.ran("a") > 1 || f.ran("b")+f.ran("after") > 0 || f.took > 5*time.Second {
		t.Errorf("took %s, log %q", f.took, f.log)
	}
	for _, n := range f.notices {
		if n.Type == engine.NoticeGroupFinished && n.Task == "inner" && n.Status != engine.StatusCanceled {
			t.Errorf("inner ended as %s, want canceled", n.Status)
		}
	}
}

func groupsF64(t *testing.T, f *groupsFlow) {
	t.Helper()
	members := func(prefix string) engine.Node {
		return engine.Par(f.fails(prefix+"a", "one", time.Second), f.fails(prefix+"b", "two", time.Second), f.fails(prefix+"c", "three", time.Second)).Named("g")
	}
	want := `group "g" failed: a: one; b: two; c: three`
	if f.slots == 1 { // strict: once the first has failed the others do not begin
		want = `group "g" failed: a: one`
	}
	groupsFailed(t, f.run(members("")), engine.KindGroup, want)
	all := members("x").(*engine.Parallel).With(engine.Policy{BestEffort: true})
	groupsSucceeded(t, f.run(all), `{"errors":{"xa":{"kind":"error","message":"one"},"xb":{"kind":"error","message":"two"},"xc":{"kind":"error","message":"three"}}}`)
	last := members("y").(*engine.Parallel).With(engine.Policy{Custom: "at the end"})
	f.policies = map[string]engine.GroupPolicy{"at the end": groupsShare(1)}
	groupsFailed(t, f.run(last), engine.KindGroup, `group "g": policy "at the end" failed: ya: one; yb: two; yc: three`)
}

func groupsF65(t *testing.T, f *groupsFlow) {
	t.Helper()
	after := f.task("after", func(c *direct.Context, in json.RawMessage) (any, error) {
		var a string
		if err := c.Result("a", &a); err != nil || a != "a" {
			t.Errorf("result of a: %q, %v", a, err)
		}
		if err := c.Result("b", &a); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("result of b: %v, want ErrNotFound", err)
		}
		return in, nil
	})
	out := f.run(engine.Seq(engine.Par(f.ok("a", 0), f.fails("b", "boom", 0), f.ok("c", time.Second)).With(engine.Policy{BestEffort: true}), after))
	groupsSucceeded(t, out, `{"a":"a","c":"c","errors":{"b":{"kind":"error","message":"boom"}}}`)
	f.wantRan("after", 1)
}

func groupsF66(t *testing.T, f *groupsFlow) {
	t.Helper()
	policy := engine.Policy{AtLeast: 2}
	out := f.run(engine.Seq(engine.Par(f.ok("a", 0), f.ok("b", 0), f.fails("c", "boom", 0), f.ok("d", 0)).With(policy), f.ok("after", 0)))
	groupsSucceeded(t, out, `"after"`)
	out = f.run(engine.Seq(engine.Par(f.ok("a1", 0), f.fails("b1", "x", time.Second), f.fails("c1", "y", time.Second), f.fails("d1", "z", time.Second)).Named("g").With(policy), f.ok("after1", 0)))
	groupsFailed(t, out, engine.KindGroup, `group "g": at_least 2: 1/2 failed: b1: x; c1: y; d1: z (succeeded: a1)`)
	f.wantRan("after1", 0)
}

func groupsF67(t *testing.T, f *groupsFlow) {
	t.Helper()
	policy := engine.Policy{Critical: []string{"x", "x1"}[:1]}
	out := f.run(engine.Seq(engine.Par(f.ok("x", 0), f.fails("y", "boom", 0)).With(policy), f.ok("after", 0)))
	groupsSucceeded(t, out, `"after"`)
	policy.Critical = []string{"x1"}
	out = f.run(engine.Seq(engine.Par(f.ok("y1", 0), f.fails("x1", "boom", time.Second)).Named("g").With(policy), f.ok("after1", 0)))
	groupsFailed(t, out, engine.KindGroup, `group "g": a critical member failed: x1: boom (succeeded: y1)`)
	f.wantRan("after1", 0)
}

func groupsF68(t *testing.T, f *groupsFlow) {
	t.Helper()
	a, b := f.ok("a", 0), f.ok("b", 0)
	for _, c := range []struct {
		policy engine.Policy
		want   string
	}{
		{engine.Policy{AtLeast: 3}, "groups.g.policy: at_least 3 is impossible with 2 members"},
		{engine.Policy{AtLeast: -1}, "groups.g.policy: at_least -1 is impossible with 2 members"},
		{engine.Policy{Critical: []string{"nobody"}}, `groups.g.policy: critical "nobody" is no member of the group`},
		{engine.Policy{Critical: []string{}}, "groups.g.policy: critical names no member"},
		{engine.Policy{BestEffort: true, AtLeast: 1}, "groups.g.policy: want one of best_effort, at_least, critical, custom"},
	} {
		_, err := engine.NewGraph("flow", engine.Par(a, b).Named("g").With(c.policy))
		if err == nil || err.Error() != c.want {
			t.Errorf("policy %+v: %v, want %s", c.policy, err, c.want)
		}
	}
	g, err := engine.NewGraph("flow", engine.Par(a, b).Named("g").With(engine.Policy{Custom: "unknown"}))
	if err != nil {
		t.Fatal(err)
	}
	e := f.engine()
	defer e.Close()
	_, err = e.Run(t.Context(), g, nil)
	if want := `start "flow": groups.g.policy: no policy "unknown"; there are none`; err == nil || err.Error() != want {
		t.Errorf("unknown policy: %v, want %s", err, want)
	}
	f.wantRan("a", 0)
}

// groupsShare passes when this share of the members has succeeded at the end.
type groupsShare float64

func (s groupsShare) Decide(p engine.GroupProgress) engine.Verdict {
	switch {
	case !p.Ended():
		return engine.Undecided
	case float64(len(p.Succeeded)) >= float64(s)*float64(len(p.Members)):
		return engine.Pass
	}
	return engine.Fail
}

func groupsF69(t *testing.T, f *groupsFlow) {
	t.Helper()
	f.policies = map[string]engine.GroupPolicy{"most": groupsShare(0.7)}
	policy := engine.Policy{Custom: "most"}
	out := f.run(engine.Seq(engine.Par(f.ok("a", 0), f.fails("b", "boom", 0), f.ok("c", 0), f.ok("d", 0)).With(policy), f.ok("after", 0)))
	groupsSucceeded(t, out, `"after"`)
	out = f.run(engine.Seq(engine.Par(f.ok("a1", 0), f.fails("b1", "x", 0), f.ok("c1", 0), f.fails("d1", "y", 0)).Named("g").With(policy), f.ok("after1", 0)))
	groupsFailed(t, out, engine.KindGroup, `group "g": policy "most" failed: b1: x; d1: y (succeeded: a1, c1)`)
	f.wantRan("after1", 0)
}

// groupsNeverSure leaves all undecided, which at the end counts as fail.
type groupsNeverSure struct{ seen func(engine.GroupProgress) }

func (p groupsNeverSure) Decide(g engine.GroupProgress) engine.Verdict {
	p.seen(g)
	if g.Ended() {
		return engine.Pass
	}
	return engine.Undecided
}

func groupsF69Supersteps(t *testing.T, f *groupsFlow) {
	t.Helper()
	ended := 0
	f.policies = map[string]engine.GroupPolicy{"sure": groupsNeverSure{func(g engine.GroupProgress) {
		if g.Ended() {
			ended++
		}
	}}}
	out := f.run(engine.Par(f.counting("a", 3), f.counting("b", 1)).Named("g").With(engine.Policy{Custom: "sure"}))
	groupsSucceeded(t, out, `{"a":3,"b":1}`)
	if f.slack == 0 && ended != 1 { // else it is asked by who drives the run and by who follows it
		t.Errorf("the policy saw all members ended %d times, want once: one that asks for another superstep has not ended", ended)
	}
}

func groupsF71(t *testing.T, f *groupsFlow) {
	t.Helper()
	s := engine.Spec{Name: "flow"}
	s.Connect(engine.Par(engine.Par(f.ok("a", 0), f.ok("b", 0)), engine.Par(f.ok("c", 0), f.ok("d", 0))))
	if len(s.Groups) != 1 || len(s.Groups[0].Members) != 4 {
		t.Errorf("groups %+v, want one of 4 members", s.Groups)
	}
	groupsSucceeded(t, f.runSpec(s), `{"a":"a","b":"b","c":"c","d":"d"}`)
	if len(f.log) != 4 {
		t.Errorf("log %q, want 4 tasks", f.log)
	}
}

func groupsF72(t *testing.T, f *groupsFlow) {
	t.Helper()
	out := f.run(engine.Seq(f.ok("start", 0),
		engine.Par(f.ok("a", 2*time.Second), f.ok("b", time.Second)), f.ok("middle", 0),
		engine.Par(f.ok("c", time.Second), f.ok("d", 0)), f.ok("end", 0)))
	groupsSucceeded(t, out, `"end"`)
	f.wantBefore("a", "start")
	f.wantBefore("b", "start")
	f.wantBefore("middle", "a", "b")
	f.wantBefore("c", "middle")
	f.wantBefore("d", "middle")
	f.wantBefore("end", "c", "d")
	if len(f.log) != 7 {
		t.Errorf("log %q, want 7 tasks", f.log)
	}
}

func groupsF73(t *testing.T, f *groupsFlow) {
	t.Helper()
	var members []engine.Node
	for i := range 8 {
		members = append(members, f.task(fmt.Sprintf("m%d", i), func(c *direct.Context, _ json.RawMessage) (any, error) {
			return nil, errors.Join(groupsWait(c, time.Duration(8-i)*time.Second), c.Add("sum", 1), c.Append("list", 1), c.Prepend("order", i))
		}))
	}
	read := f.task("read", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var sum int
		var list, order []int
		for key, into := range map[string]any{"sum": &sum, "list": &list, "order": &order} {
			if ok, err := c.Get(key, into); !ok || err != nil {
				t.Errorf("key %q: %t, %v", key, ok, err)
			}
		}
		return []any{sum, len(list), order}, nil
	})
	out := f.run(engine.Seq(engine.Par(members...), read))
	groupsSucceeded(t, out, `[8,8,[7,6,5,4,3,2,1,0]]`)
	if len(out.Warnings) > 0 {
		t.Errorf("warnings %q, want none", out.Warnings)
	}
}

func groupsF75(t *testing.T, f *groupsFlow) {
	t.Helper()
	set := func(id string, after time.Duration, writes func(*direct.Context) error) engine.Node {
		return f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
			return nil, errors.Join(groupsWait(c, after), writes(c))
		})
	}
	first := set("first", 0, func(c *direct.Context) error { return errors.Join(c.Set("kept", "k"), c.Set("dropped", "d")) })
	a := set("a", 2*time.Second, func(c *direct.Context) error { // ends last
		return errors.Join(c.Set("k", "a"), c.Set("own", 1), c.Set("own", 2), c.Set("dropped", "again"))
	})
	b := set("b", 0, func(c *direct.Context) error { return errors.Join(c.Set("k", "b"), c.Delete("dropped")) })
	idle := set("idle", time.Second, func(c *direct.Context) error {
		_, err := c.Get("kept", new(string))
		return err
	})
	read := f.task("read", func(c *direct.Context, _ json.RawMessage) (any, error) {
		var k, kept string
		var own int
		for key, into := range map[string]any{"k": &k, "kept": &kept, "own": &own} {
			if ok, err := c.Get(key, into); !ok || err != nil {
				t.Errorf("key %q: %t, %v", key, ok, err)
			}
		}
		return []any{k, kept, own, c.Keys("")}, nil
	})
	out := f.run(engine.Seq(first, engine.Par(a, b, idle).Named("g"), read))
	groupsSucceeded(t, out, `["b","k",2,["k","kept","own"]]`)
	want := []string{
		`group "g": several members set channel key "k"; the last declared wins`,
		`group "g": several members set channel key "dropped"; the last declared wins`,
	}
	if !slices.Equal(out.Warnings, want) {
		t.Errorf("warnings %q, want %q", out.Warnings, want)
	}
	warned := 0
	for _, n := range f.notices {
		if n.Type == engine.NoticeWarning && slices.Contains(want, n.Message) {
			warned++
		}
	}
	if warned != 2 {
		t.Errorf("%d warning notices, want 2", warned)
	}
}

func groupsF76(t *testing.T, f *groupsFlow) {
	t.Helper()
	inside := 0 // guarded by the lock under test: the race detector would tell
	var members []engine.Node
	for _, id := range []string{"a", "b", "c"} {
		members = append(members, f.task(id, func(c *direct.Context, _ json.RawMessage) (any, error) {
			if err := f.backend.Channel.Lock(c, c.Call.Run, "disk", id, time.Minute, time.Minute); err != nil {
				return nil, err
			}
			if inside++; inside != 1 {
				t.Errorf("%d hold the lock", inside)
			}
			err := groupsWait(c, time.Second)
			inside--
			return id, errors.Join(err, f.backend.Channel.Unlock(c, c.Call.Run, "disk", id))
		}))
	}
	groupsSucceeded(t, f.run(engine.Par(members...)), `{"a":"a","b":"b","c":"c"}`)
	if f.took < 3*time.Second || f.took > 3*time.Second+f.slack {
		t.Errorf("took %s, want 3 s: one after the other", f.took)
	}
}

func groupsF78(t *testing.T, f *groupsFlow) {
	t.Helper()
	g := engine.Par(f.ok("a", time.Second), f.ok("b", 2*time.Second), f.ok("c", time.Second)).Named("g")
	out := f.run(engine.Seq(f.ok("start", 0), g, f.ok("after", 0)), engine.Seq(engine.Ref("start"), f.ok("beside", 0), f.ok("next", 0)))
	groupsSucceeded(t, out, `{"after":"after","next":"next"}`)
	f.wantBefore("after", "a", "b", "c")
	if want := []string{"start", "a", "b", "c", "beside", "after", "next"}; f.slots == 1 && !slices.Equal(f.log, want) {
		t.Errorf("log %q, want %q", f.log, want)
	}
}

func groupsF78Goto(t *testing.T, f *groupsFlow) {
	t.Helper()
	leaves := f.task("leaves", func(c *direct.Context, _ json.RawMessage) (any, error) {
		c.Goto(engine.Task{ID: "outside"})
		return "left", nil
	})
	g := engine.Par(leaves, f.ok("b", time.Second), f.ok("c", time.Second)).Named("g")
	out := f.run(engine.Seq(f.ok("start", 0), g, f.ok("after", 0)), engine.Seq(engine.Ref("after"), f.ok("outside", 0)))
	groupsSucceeded(t, out, `"outside"`)
	f.wantBefore("outside", "leaves", "b", "c")
	f.wantRan("after", 0)
	f.wantRan("outside", 1)
}

func groupsF79(t *testing.T, f *groupsFlow) {
	t.Helper()
	inner := engine.Par(f.ok("a", time.Second), engine.Seq(f.ok("b", 0), f.ok("b2", time.Second))).Named("inner")
	middle := engine.Par(inner, f.ok("c", 0)).Named("middle")
	outer := engine.Par(engine.Seq(middle, f.ok("d", 0)), f.ok("e", 3*time.Second)).Named("outer")
	out := f.run(engine.Seq(outer, f.echo("after")))
	groupsSucceeded(t, out, `{"d":"d","e":"e"}`)
	f.wantBefore("d", "a", "b", "b2", "c")
	for _, id := range []string{"a", "b", "b2", "c", "d", "e", "after"} {
		f.wantRan(id, 1)
	}
	var node engine.Node = f.ok("deep", 0)
	for i := range 20 {
		node = engine.Par(node, f.ok(fmt.Sprintf("level%d", i), 0)).Named(fmt.Sprintf("g%d", i))
	}
	if out := f.run(engine.Seq(node, f.ok("end", 0))); out.Status != engine.StatusSucceeded {
		t.Errorf("20 levels: %s, %v", out.Status, out.Error)
	}
	f.wantRan("end", 1)
	if len(f.log) != 22 {
		t.Errorf("log %q, want 22 tasks", f.log)
	}
}

// counting makes a task that runs n times, and sees at each time the sum of all
// the earlier supersteps.
func (f *groupsFlow) counting(id string, n int) engine.Task {
	return f.task(id, func(c *direct.Context, in json.RawMessage) (any, error) {
		round := 1
		if c.Call.Cycle > 1 {
			if err := json.Unmarshal(in, &round); err != nil {
				return nil, err
			}
		}
		sum := 0
		if _, err := c.Get("sum", &sum); err != nil {
			return nil, err
		}
		if err := errors.Join(c.Append(id+"-saw", sum), c.Add("sum", 1)); err != nil {
			return nil, err
		}
		if round < n {
			return round, c.NextIteration(round + 1)
		}
		return round, nil
	})
}

func groupsF81b(t *testing.T, f *groupsFlow) {
	t.Helper()
	read := f.task("read", func(c *direct.Context, in json.RawMessage) (any, error) {
		all := map[string]any{"results": in}
		for _, k := range c.Keys("") {
			var v any
			if _, err := c.Get(k, &v); err != nil {
				return nil, err
			}
			all[k] = v
		}
		return all, nil
	})
	out := f.run(engine.Seq(engine.Par(f.counting("a", 4), f.counting("b", 2), f.counting("c", 1)), read))
	groupsSucceeded(t, out, `{"a-saw":[0,3,5,6],"b-saw":[0,3],"c-saw":[0],"results":{"a":4,"b":2,"c":1},"sum":7}`)
	f.wantRan("a", 4)
	f.wantRan("b", 2)
	f.wantRan("c", 1)
	f.wantRan("read", 1)
	policy := engine.Policy{BestEffort: true}
	out = f.run(engine.Par(f.counting("d", 3), f.fails("e", "boom", 0)).With(policy))
	groupsSucceeded(t, out, `{"d":3,"errors":{"e":{"kind":"error","message":"boom"}}}`)
	f.wantRan("e", 1)
}

func groupsF81bChain(t *testing.T, f *groupsFlow) {
	t.Helper()
	chain := engine.Seq(f.counting("a", 3), f.echo("x"))
	out := f.run(engine.Seq(engine.Par(chain, engine.Par(f.counting("b", 2), f.ok("c", 0)).Named("inner")).Named("g"), f.echo("after")))
	groupsSucceeded(t, out, `{"x":3,"inner":{"b":2,"c":"c"}}`)
	f.wantRan("a", 3)
	f.wantRan("x", 1)
	f.wantRan("b", 2)
	f.wantRan("c", 1)
	f.wantRan("after", 1)
}

func groupsF81bLimit(t *testing.T, f *groupsFlow) {
	t.Helper()
	s := engine.Spec{Name: "flow"}
	s.Connect(engine.Seq(engine.Par(f.counting("a", 100), f.counting("b", 1)).Named("g"), f.ok("after", 0)))
	s.Groups[0].Supersteps = 3
	out := f.runSpec(s)
	groupsFailed(t, out, engine.KindCycleLimit, `group "g" failed: a: group "g": superstep 4 exceeds its limit 3; raise supersteps, or let the members stop asking (succeeded: b)`)
	if out.Reason != engine.ReasonCycleLimit {
		t.Errorf("reason %q, want cycle_limit", out.Reason)
	}
	f.wantRan("a", 3)
	f.wantRan("b", 1)
	f.wantRan("after", 0)
	s.Groups[0].Supersteps = 0 // that of the cycles
	five := 5
	s.Limits.MaxCycles = &five
	if out = f.runSpec(s); out.Reason != engine.ReasonCycleLimit {
		t.Errorf("reason %q, want cycle_limit", out.Reason)
	}
	f.wantRan("a", 5)
}

func groupsF81c(t *testing.T, f *groupsFlow) {
	t.Helper()
	var mu sync.Mutex // guards inside and peak
	inside, peak := 0, 0
	var members []engine.Node
	for i := range 10 {
		members = append(members, f.task(fmt.Sprintf("m%d", i), func(c *direct.Context, _ json.RawMessage) (any, error) {
			mu.Lock()
			inside++
			peak = max(peak, inside)
			mu.Unlock()
			err := groupsWait(c, time.Second)
			mu.Lock()
			inside--
			mu.Unlock()
			return i, err
		}))
	}
	out := f.run(engine.Seq(engine.Par(members...).Max(2), f.ok("after", 0)))
	groupsSucceeded(t, out, `"after"`)
	if want := min(2, f.slots); peak != want || len(f.log) != 11 {
		t.Errorf("peak %d with %d tasks, want %d with 11", peak, len(f.log), want)
	}
	_, err := engine.NewGraph("flow", engine.Par(members...).Named("g").Max(0))
	if want := "groups.g.max_concurrency: must be 1 or more"; err == nil || err.Error() != want {
		t.Errorf("max_concurrency 0: %v, want %s", err, want)
	}
	zero := 0
	item := f.ok("item", 0)
	item.Map, item.MaxConcurrency = "input", &zero
	if _, err = engine.NewGraph("flow", item); err == nil || err.Error() != "tasks.item.max_concurrency: must be 1 or more" {
		t.Errorf("max_concurrency 0 of a map: %v", err)
	}
	peak, f.input = 0, "[1,2,3,4,5,6]"
	two := 2
	again := f.handlerTask("mapped", "m0")
	again.Map, again.MaxConcurrency = "input", &two
	groupsSucceeded(t, f.run(again), "[0,0,0,0,0,0]")
	if want := min(2, f.slots); peak != want {
		t.Errorf("peak of a map %d, want %d", peak, want)
	}
}

// handlerTask is another task of a function.
func (f *groupsFlow) handlerTask(id, fn string) engine.Task {
	return engine.Task{ID: id, Spec: json.RawMessage(`{"func":"` + fn + `"}`)}
}

// doubled makes a map whose later items end first; it fails for negative ones.
func (f *groupsFlow) doubled(id string) engine.Task {
	t := direct.Func(f.handler, id, func(c *direct.Context, n int) (int, error) {
		f.mu.Lock()
		f.log = append(f.log, id)
		f.mu.Unlock()
		if err := groupsWait(c, time.Duration(100-n)*time.Millisecond); err != nil {
			return 0, err
		}
		if n < 0 {
			return 0, fmt.Errorf("%d is negative", n)
		}
		return 2 * n, nil
	})
	t.Map = "input.items"
	return t
}

func groupsF81d(t *testing.T, f *groupsFlow) {
	t.Helper()
	double := f.doubled("double")
	f.input = `{"items":[3,1,4,1,5,9,2,6]}`
	groupsSucceeded(t, f.run(engine.Seq(double, f.echo("after"))), `[6,2,8,2,10,18,4,12]`)
	f.wantRan("double", 8)
	f.wantRan("after", 1)
	f.input = `{"items":[]}`
	groupsSucceeded(t, f.run(engine.Seq(double, engine.Ref("after")), engine.Task{ID: "after"}), `[]`)
	f.wantRan("double", 0)
	f.wantRan("after", 1)
	f.input = `{"items":[null,"x"]}`
	each := f.echo("each")
	each.Map = "input.items"
	groupsSucceeded(t, f.run(each), `[null,"x"]`)
	each.With = map[string]json.RawMessage{"v": json.RawMessage(`"${item}"`), "all": json.RawMessage(`"${len(input.items)}"`)}
	groupsSucceeded(t, f.run(each), `[{"all":2,"v":null},{"all":2,"v":"x"}]`)
}

func groupsF81dCollect(t *testing.T, f *groupsFlow) {
	t.Helper()
	double := f.doubled("double")
	f.input = `{"items":[3,-1,4,-2]}`
	out := f.run(engine.Seq(double, f.ok("after", 0)))
	if out.Status != engine.StatusFailed || !strings.HasPrefix(out.Error.Message, `map "double" failed: `) || !strings.Contains(out.Error.Message, "[1]: -1 is negative") {
		t.Errorf("%s, %v, want it to fail by item 1", out.Status, out.Error)
	}
	f.wantRan("after", 0)
	double.OnError = engine.OnErrorCollect
	out = f.run(engine.Seq(double, engine.Ref("after")), engine.Task{ID: "after"})
	if out.Status != engine.StatusSucceeded {
		t.Fatalf("status %s, %v, want succeeded", out.Status, out.Error)
	}
	f.wantRan("double", 4)
	groupsSucceeded(t, f.run(double), `[{"ok":6},{"error":{"kind":"error","message":"-1 is negative"}},{"ok":8},{"error":{"kind":"error","message":"-2 is negative"}}]`)
}

func groupsF81dNoList(t *testing.T, f *groupsFlow) {
	t.Helper()
	double := f.doubled("double")
	for input, kind := range map[string]string{
		`{"items":null}`: "null", `{}`: "null", `{"items":"abc"}`: "a string", `{"items":{"a":1}}`: "an object", `{"items":true}`: "a boolean", `{"items":1}`: "a number",
	} {
		f.input = input
		out := f.run(engine.Seq(double, engine.Ref("after")), f.handlerTask("after", "double"))
		groupsFailed(t, out, engine.KindInvalidInput, `input of task "double": map "input.items": is `+kind+`, want a list`)
		f.wantRan("double", 0)
	}
}

func groupsF81dMany(t *testing.T, f *groupsFlow) {
	t.Helper()
	var mu sync.Mutex // guards seen
	seen := map[int]int{}
	each := direct.Func(f.handler, "each", func(c *direct.Context, n int) (int, error) {
		mu.Lock()
		seen[n]++
		mu.Unlock()
		return n, groupsWait(c, time.Duration(n%7)*time.Millisecond)
	})
	each.Map = "0..499"
	list := make([]int, 500)
	for i := range list {
		list[i] = i
	}
	want, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	raw := string(want)
	each.Map, f.input = "input", raw
	groupsSucceeded(t, f.run(each), raw)
	for i := range list {
		if seen[i] != 1 {
			t.Errorf("item %d ran %d times, want once", i, seen[i])
		}
	}
}

func groupsF81e(t *testing.T, f *groupsFlow) {
	t.Helper()
	step := func(id string, do func(int) int) engine.Node {
		return direct.Func(f.handler, id, func(_ *direct.Context, n int) (int, error) { return do(n), nil })
	}
	f.input = "5"
	out := f.run(engine.Seq(
		step("double", func(n int) int { return 2 * n }),
		step("add", func(n int) int { return n + 3 }),
		step("square", func(n int) int { return n * n })))
	groupsSucceeded(t, out, "169")
}

// groupsH89: a group that exceeds its timeout fails then; what still runs is
// stopped, what waits never begins, and what comes late counts no more.
func groupsH89(t *testing.T, f *groupsFlow) {
	t.Helper()
	s := &engine.Spec{Name: "flow"}
	group := engine.Par(f.ok("quick", 100*time.Millisecond), f.ok("slow", 5*time.Minute), f.ok("deaf", 5*time.Minute)).Named("g").Max(2)
	s.Connect(engine.Seq(group, f.echo("after")))
	s.Groups[0].Timeout = engine.Duration(2 * time.Second)
	out := f.runSpec(*s)
	if out.Status != engine.StatusFailed || out.Error.Kind != engine.KindTimeout || !strings.Contains(out.Error.Message, "exceeded its timeout of 2s") {
		t.Errorf("outcome %+v, error %v: want the group's timeout", out, out.Error)
	}
	if f.took < 2*time.Second || f.took > 3*time.Second {
		t.Errorf("ended after %s, want 2s and little more", f.took)
	}
	f.wantRan("after", 0)
	for _, policy := range []engine.Policy{{BestEffort: true}, {AtLeast: 1}} {
		s.Groups[0].Policy = policy
		if out := f.runSpec(*s); out.Status != engine.StatusFailed || out.Error.Kind != engine.KindTimeout {
			t.Errorf("policy %+v: outcome %+v, want the group's timeout", policy, out)
		}
	}
	s.Groups[0].Timeout = engine.Duration(15 * time.Minute)
	if out := f.runSpec(*s); out.Status != engine.StatusSucceeded {
		t.Errorf("outcome %+v, want succeeded in time", out)
	}
}
