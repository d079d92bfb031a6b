package sim

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// script is a script that says something of its own.
func (d *drawer) script() Script { return Script{Salt: d.r.IntN(1000)} }

func (d *drawer) add(t engine.Task, s Script) string {
	t.Handler, t.Spec = "sim", json.RawMessage(encode(s))
	d.spec.Tasks = append(d.spec.Tasks, t)
	return t.ID
}

// task draws a task; member is that of a group it is in, if any.
func (d *drawer) task(group string) string {
	t, s := engine.Task{ID: d.freeID("t")}, d.script()
	d.channel(&s)
	d.trouble(&t, &s)
	if d.chance(0.2) {
		t.Join = engine.JoinAny
	}
	if group == "" && d.chance(0.12) {
		s.Iterate, s.Guard = 2+d.r.IntN(3), d.r.IntN(2) == 0
	}
	if d.chance(0.2) {
		n := 1 + d.r.IntN(4)
		t.MaxCycles = &n
	}
	switch {
	case d.chance(0.03):
		s.Terminate = true
	case d.chance(0.02):
		s.Cancel = true
	case d.chance(0.1):
		d.pause(&s, t.ID)
	}
	return d.add(t, s)
}

func (d *drawer) channel(s *Script) {
	keys := []string{"count", "list", "mark"}
	if d.chance(0.4) {
		s.Read = keys[d.r.IntN(3)]
	}
	for d.chance(0.35) && len(s.Write) < 3 {
		op := engine.ChannelOp{Op: engine.OpAdd, Key: "count", Value: json.RawMessage(strconv.Itoa(1 + d.r.IntN(5)))}
		switch d.r.IntN(5) {
		case 0:
			op = engine.ChannelOp{Op: engine.OpAppend, Key: "list", Value: json.RawMessage(strconv.Itoa(d.r.IntN(100)))}
		case 1:
			op = engine.ChannelOp{Op: engine.OpPrepend, Key: "list", Value: json.RawMessage(strconv.Itoa(d.r.IntN(100)))}
		case 2:
			op = engine.ChannelOp{Op: engine.OpSet, Key: "mark", Value: json.RawMessage(strconv.Itoa(d.r.IntN(100)))}
		case 3:
			op = engine.ChannelOp{Op: engine.OpDelete, Key: "mark"}
		}
		s.Write = append(s.Write, op)
	}
}

// trouble draws failures, and what is done about them.
func (d *drawer) trouble(t *engine.Task, s *Script) {
	if d.chance(0.3) {
		t.Retry = &engine.Retry{Max: d.r.IntN(4), Delay: engine.Duration(d.r.IntN(3)) * engine.Duration(time.Second), Backoff: float64(d.r.IntN(3)), Jitter: d.r.IntN(3) == 0}
		if t.Retry.Backoff < 1 {
			t.Retry.Backoff = 0
		}
		s.Fail = d.r.IntN(4)
	}
	if d.chance(0.06) {
		s.Fail = -1
	}
	if s.Fail != 0 {
		s.Kind = []string{"", "", "", "odd", engine.KindDenied}[d.r.IntN(5)]
		s.Permanent = d.r.IntN(8) == 0
	}
	if d.chance(0.12) {
		t.Timeout = engine.Duration(time.Second) * engine.Duration(1+d.r.IntN(20))
		s.Hang = d.r.IntN(3)
	}
	if d.chance(0.06) {
		t.Deadline = engine.Duration(time.Second) * engine.Duration(5+d.r.IntN(60))
	}
	if d.chance(0.06) {
		t.QueueTimeout = engine.Duration(time.Second) * engine.Duration(5+d.r.IntN(60))
	}
	if d.chance(0.12) {
		t.Fallback = d.recovery("f")
	}
	if d.chance(0.12) {
		t.Rollback = d.recovery("r")
	}
}

func (d *drawer) recovery(prefix string) string {
	s := d.script()
	d.channel(&s)
	if d.r.IntN(4) == 0 {
		s.Fail = -1
	}
	return d.add(engine.Task{ID: d.freeID(prefix)}, s)
}

func (d *drawer) pause(s *Script, id string) {
	s.Pause = &engine.Pause{Name: "ask-" + id}
	switch d.r.IntN(4) {
	case 0:
		s.Pause.Timeout = engine.Duration(time.Minute)
	case 1:
		s.Pause.Timeout, s.Pause.Default = engine.Duration(time.Minute), json.RawMessage(`"default"`)
	case 2:
		s.Pause = &engine.Pause{After: engine.Duration(10 * time.Second)} // a sleep
	}
}

func (d *drawer) mapTask() string {
	t, s := engine.Task{ID: d.freeID("m")}, d.script()
	t.Map = []string{"1..3", "1..5", "[]", "[4, 8]"}[d.r.IntN(4)]
	d.channel(&s)
	d.trouble(&t, &s)
	if d.chance(0.5) {
		t.OnError = engine.OnErrorCollect
	}
	if d.chance(0.4) {
		n := 1 + d.r.IntN(3)
		t.MaxConcurrency = &n
	}
	if d.chance(0.1) {
		s.Iterate, s.Guard = 2, true
	}
	return d.add(t, s)
}

// subFlow draws a task that is a flow.
func (d *drawer) subFlow() string {
	inner := &drawer{r: d.r, spec: engine.Spec{Name: "inner"}, rich: d.rich / 2, depth: d.depth + 1}
	inner.flow()
	t, s := engine.Task{ID: d.freeID("s"), Handler: engine.FlowHandler}, Script{}
	d.trouble(&t, &s) // what its script says is not for it
	if d.chance(0.15) {
		t.Map = []string{"1..3", "[4, 8]"}[d.r.IntN(2)]
	}
	t.Spec = json.RawMessage(encode(inner.spec))
	d.spec.Tasks = append(d.spec.Tasks, t)
	return t.ID
}

func (d *drawer) edit(i int, change func(*Script)) {
	s := scriptOf(&d.spec.Tasks[i])
	change(&s)
	d.spec.Tasks[i].Spec = json.RawMessage(encode(s))
}

// jumps lets a task ask for others: new ones, existing ones, by goto.
func (d *drawer) jumps(i int) {
	t := &d.spec.Tasks[i]
	if t.Handler != "sim" {
		return
	}
	s := scriptOf(t)
	if !d.chance(0.12) || s.Iterate > 0 || t.Map != "" || t.ID[0] != 't' {
		return
	}
	for range 1 + d.r.IntN(2) {
		switch n := (engine.NextTask{}); d.r.IntN(3) {
		case 0:
			n.Task = engine.Task{ID: d.root[d.r.IntN(len(d.root))]}
			s.Next = append(s.Next, n)
		default:
			added := d.script()
			d.channel(&added)
			n.Task = engine.Task{ID: d.freeID("d"), Handler: "sim", Spec: json.RawMessage(encode(added))}
			n.Goto = d.r.IntN(4) == 0
			if d.r.IntN(2) == 0 {
				n.Input = json.RawMessage(`{"asked":true}`)
			}
			s.Next = append(s.Next, n)
		}
	}
	s.Cycle = d.r.IntN(2)
	t.Spec = json.RawMessage(encode(s))
}
