package soak

import (
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// sound makes the evidence of a run of two tasks, retried once and claimed once, with
// which nothing is wrong.
func sound(t *testing.T) *evidence {
	t.Helper()
	k := &kind{name: "two", want: gives(plus(2)), nodes: func() []engine.Node {
		a := task("a", "add")
		a.Retry = &engine.Retry{Max: 1}
		return []engine.Node{engine.Seq(a, task("b", "add"))}
	}}
	events := []*engine.Event{
		{Type: engine.EventStarted, Input: raw(5)},
		{Type: engine.EventBegun, Activation: "a", Attempt: 1},
		{Type: engine.EventReturned, Activation: "a", Attempt: 1},
		{Type: engine.EventFailed, Activation: "a", Attempt: 1, Error: &engine.TaskError{Kind: "error", Message: "no"}},
		{Type: engine.EventTimer, Activation: "a", Attempt: 2},
		{Type: engine.EventCompleted, Activation: "a", Attempt: 2, Value: raw(6)},
		{Type: engine.EventBegun, Activation: "b", Attempt: 1},
		{Type: engine.EventCompleted, Activation: "b", Attempt: 1, Value: raw(7)},
	}
	now := time.Now()
	for i, e := range events {
		e.Seq, e.Time, e.Started = uint64(10+3*i), now.Add(time.Duration(i)), now
	}
	v := &evidence{
		run:  &submitted{id: "r", kind: k, n: 5, accepted: true, asked: now, ended: now.Add(time.Second)},
		mark: engine.Mark{Run: "r", Status: engine.StatusSucceeded, Ended: now},
		deeds: &deeds{executed: map[try][]execution{
			{"r", "a", 1}: {{"w", now}}, {"r", "a", 2}: {{"w", now}}, {"r", "b", 1}: {{"w", now}},
		}},
	}
	v.refold(t, events)
	v.run.told = v.history.Outcome
	return v
}

// refold makes the history of a log, as an engine does.
func (v *evidence) refold(t *testing.T, events []*engine.Event) {
	t.Helper()
	g, err := v.run.kind.graph()
	if err != nil {
		t.Fatal(err)
	}
	h := &engine.History{Run: v.run.id, Graph: g, Events: events}
	run := engine.NewRun(v.run.id, g, nil)
	for _, e := range events {
		run.Apply(e)
		if run.Outcome().Status == engine.StatusSucceeded && len(h.Notices) == 0 {
			h.Notices = []engine.Notice{{Type: engine.NoticeRunFinished, Seq: e.Seq}}
		}
	}
	h.Outcome = run.Outcome()
	v.history = h
}

func TestCheck(t *testing.T) {
	t.Parallel()
	at := func(v *evidence, i int) *engine.Event { return v.history.Events[i] }
	for name, test := range map[string]struct {
		spoil func(v *evidence)
		want  []string // rules, sorted
	}{
		"sound":               {func(*evidence) {}, nil},
		"not accepted":        {func(v *evidence) { v.run.accepted, v.history, v.run.ended = false, nil, time.Time{} }, nil},
		"it is not there":     {func(v *evidence) { v.history = nil }, []string{ruleLost}},
		"it has not ended":    {func(v *evidence) { v.run.ended = time.Time{} }, []string{ruleLost}},
		"another output":      {func(v *evidence) { v.run.told.Output = raw(8) }, []string{ruleFold, ruleOutcome}},
		"another status":      {func(v *evidence) { v.run.told.Status = engine.StatusFailed }, []string{ruleFold, ruleIndex, ruleOutcome}},
		"the list is behind":  {func(v *evidence) { v.mark = engine.Mark{Status: engine.StatusRunning} }, []string{ruleIndex}},
		"nobody executed it":  {func(v *evidence) { delete(v.deeds.executed, try{"r", "b", 1}) }, []string{ruleExecution}},
		"the log has no end":  {func(v *evidence) { v.history.Notices = nil }, []string{ruleFold}},
		"it ends twice":       {func(v *evidence) { v.history.Notices = append(v.history.Notices, v.history.Notices[0]) }, []string{ruleFold}},
		"committed twice":     {func(v *evidence) { v.add(5, *at(v, 5)) }, []string{ruleTwice}},
		"fails and completes": {func(v *evidence) { at(v, 4).Type, at(v, 4).Attempt = engine.EventCompleted, 1 }, []string{ruleChain, ruleTwice}},
		"begun after its end": {func(v *evidence) { v.add(5, *at(v, 6)); at(v, 6).Activation, at(v, 6).Attempt = "a", 2 }, []string{ruleChain}},
		"attempt left out": {func(v *evidence) {
			at(v, 5).Attempt = 3
			v.deeds.executed[try{"r", "a", 3}] = v.deeds.executed[try{"r", "a", 2}]
		}, []string{ruleChain}},
		"no attempt failed": {func(v *evidence) { at(v, 3).Type = engine.EventReturned }, []string{ruleChain}},
		"out of order":      {func(v *evidence) { at(v, 6).Seq = at(v, 5).Seq }, []string{ruleChain}},
		"two starts":        {func(v *evidence) { v.add(0, *at(v, 0)) }, []string{ruleChain}},
		"goes on after its end": {func(v *evidence) {
			e := *at(v, 1)
			e.Activation = "c"
			v.add(7, e)
		}, []string{ruleAfter}},
		"answered unasked": {func(v *evidence) { at(v, 1).Type = engine.EventAnswered }, []string{ruleChain}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := sound(t)
			test.spoil(v)
			got := []string{}
			for _, f := range v.check() {
				got = append(got, f.Rule)
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) && len(got)+len(test.want) > 0 {
				t.Errorf("found %v, want %v", v.check(), test.want)
			}
		})
	}
}

// add puts an event behind that of an index.
func (v *evidence) add(after int, e engine.Event) {
	e.Seq = v.history.Events[after].Seq + 1
	v.history.Events = slices.Insert(v.history.Events, after+1, &e)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	d := &deeds{executed: map[try][]execution{
		{"r", "a", 1}: {{"w1", at(100)}, {"w2", at(110)}}, // w1 was killed meanwhile
		{"r", "b", 1}: {{"w2", at(100)}, {"w1", at(110)}}, // likewise, not its worker
		{"r", "c", 1}: {{"w2", at(300)}, {"w1", at(310)}}, // long after
		{"r", "d", 1}: {{"w1", at(10)}, {"w1", at(20)}},   // before
		{"r", "e", 1}: {{"w1", at(50)}},
	}}
	a := d.explain([]fault{{"worker killed", "w1", at(105), at(106)}})
	if a.executions != 9 || a.tries != 5 || a.own != 1 || a.others != 1 || len(a.unexplained) != 2 || a.share() != 80 {
		t.Errorf("explained as %+v, %v %%", a, a.share())
	}
	if a := d.explain([]fault{{What: "worker suspended", Target: "w2", Begun: at(15)}}); a.own != 2 || len(a.unexplained) != 0 {
		t.Errorf("a fault that is not over explains %+v", a)
	}
}

func TestLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := newLedger(dir, "worker-1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.write(begun, "r", "g/m[1]", 3); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.write(stale, "r", "a", 1); err != nil {
		t.Fatal(err)
	}
	d, err := readLedgers(dir)
	if err != nil {
		t.Fatal(err)
	}
	times := d.executed[try{"r", "g/m[1]", 3}]
	if len(d.executed) != 1 || len(times) != 2 || times[0].worker != "worker-1" || d.counts[stale] != 1 {
		t.Errorf("read %+v", d)
	}
}

// TestKinds runs each kind without a cluster: what the soak wants of it is what an
// engine makes of it.
func TestKinds(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			l, err := newLedger(t.TempDir(), "worker")
			if err != nil {
				t.Fatal(err)
			}
			guests := t.TempDir()
			if err := writeGuest(guests); err != nil {
				t.Fatal(err)
			}
			cells, err := newCellar(t.Context(), guests, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer cells.close()
			h, err := handlers(l, cells)
			if err != nil {
				t.Fatal(err)
			}
			e, err := engine.New(engine.Config{Handlers: h})
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			g, err := k.graph()
			if err != nil {
				t.Fatal(err)
			}
			o, err := e.Start(t.Context(), g, engine.Start{ID: k.name, Input: json.RawMessage("7")})
			if err != nil {
				t.Fatal(err)
			}
			out, err := o.Wait(t.Context())
			if out.Status == engine.StatusPaused {
				for _, p := range out.Pauses {
					if err := o.Resume(p.Name, raw(map[string]float64{"left": 7, "right": 8}[p.Name])); err != nil {
						t.Fatal(err)
					}
				}
				<-o.Done()
				out, err = o.Wait(t.Context())
			}
			if what := k.want(7, &out); what != "" || err != nil {
				t.Errorf("%s, %v", what, err)
			}
			if what := k.want(8, &out); what == "" && out.Status == engine.StatusSucceeded && k.name != "supersteps" && k.name != "large" {
				t.Errorf("%s is taken for the outcome of another number", told(&out))
			}
		})
	}
}
