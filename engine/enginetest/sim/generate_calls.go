package sim

import (
	"encoding/json"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// calls draws tools, and lets tasks call them, and some that are on edges too.
func (d *drawer) calls() {
	if !d.chance(0.35) {
		return
	}
	tools := d.tools()
	if d.chance(0.3) {
		tools = append(tools, d.both()...)
	}
	for i := range d.spec.Tasks {
		t := &d.spec.Tasks[i]
		if !slices.Contains([]byte("tfm"), t.ID[0]) || t.Handler != "sim" || slices.Contains(tools, t.ID) || d.r.IntN(3) > 0 {
			continue
		}
		was := *t
		if d.caller(i, tools); !d.builds() { // by the fallback of one of its tools it would call itself
			d.spec.Tasks[i] = was
		}
	}
}

func (d *drawer) builds() bool {
	_, err := d.spec.Build()
	return err == nil
}

// tools draws tasks to be called, of which later ones may call earlier ones.
func (d *drawer) tools() []string {
	var all []string
	for range 1 + d.r.IntN(3) {
		if d.depth < 2 && d.chance(0.1) {
			all = append(all, d.subFlow())
			d.spec.Tasks[len(d.spec.Tasks)-1].Map = ""
			continue
		}
		t, s := engine.Task{ID: d.freeID("u")}, d.script()
		d.channel(&s)
		d.trouble(&t, &s)
		switch {
		case d.chance(0.15):
			s.Iterate, s.Guard = 2+d.r.IntN(3), d.r.IntN(2) == 0
		case d.chance(0.15):
			d.pause(&s, t.ID)
		case d.chance(0.06):
			s.Terminate = true
		case d.chance(0.04):
			s.Cancel = true
		case d.chance(0.1):
			d.asks(&s)
		}
		d.add(t, s)
		if i := len(d.spec.Tasks) - 1; len(all) > 0 && d.r.IntN(4) == 0 {
			d.caller(i, all)
		}
		all = append(all, t.ID)
	}
	return all
}

// both are tasks of the flow that are called besides. One that was only a tool would
// be no start.
func (d *drawer) both() []string {
	for _, t := range d.spec.Tasks {
		onEdge := slices.ContainsFunc(d.spec.Edges, func(e engine.Edge) bool { return e.From == t.ID || e.To == t.ID })
		if onEdge && t.ID[0] == 't' && t.Handler == "sim" && t.Fallback == "" && len(scriptOf(&t).Next) == 0 {
			return []string{t.ID}
		}
	}
	return nil
}

// caller lets a task call tools.
func (d *drawer) caller(i int, tools []string) {
	d.edit(i, func(s *Script) {
		for range 1 + d.r.IntN(3) {
			var round []string
			for range 1 + d.r.IntN(3) {
				id := tools[d.r.IntN(len(tools))]
				if slices.Contains(round, id) && d.asksFor(id) {
					continue // the model tells tasks that are added apart by their names
				}
				round = append(round, id)
				if t := &d.spec.Tasks[i]; !slices.Contains(t.Tools, id) {
					t.Tools = append(t.Tools, id)
				}
			}
			s.Calls = append(s.Calls, round)
		}
	})
}

// asksFor tells that a task adds others.
func (d *drawer) asksFor(id string) bool {
	i := slices.IndexFunc(d.spec.Tasks, func(t engine.Task) bool { return t.ID == id })
	return d.spec.Tasks[i].Handler == "sim" && len(scriptOf(&d.spec.Tasks[i]).Next) > 0
}

// asks lets a tool add a task.
func (d *drawer) asks(s *Script) {
	added := d.script()
	d.channel(&added)
	if d.r.IntN(3) == 0 {
		added.Fail = -1
	}
	s.Next = append(s.Next, engine.NextTask{
		Task: engine.Task{ID: d.freeID("d"), Handler: "sim", Spec: json.RawMessage(encode(added))}, Goto: d.r.IntN(4) == 0,
	})
}
