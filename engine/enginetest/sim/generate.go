package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Generate draws a case: its flow, its workers, and its weather.
func Generate(seed uint64) Case {
	r := rand.New(rand.NewPCG(seed, 1))
	d := &drawer{r: r, spec: engine.Spec{Name: "sim-" + strconv.FormatUint(seed, 10)}, rich: r.Float64()}
	d.flow()
	c := Case{
		Seed: seed, Spec: d.spec, Input: json.RawMessage(strconv.Itoa(r.IntN(10))),
		Workers: 1 + r.IntN(4), Shared: r.IntN(2) == 0, Weather: drawWeather(r),
	}
	switch r.IntN(6) {
	case 0:
		c.Retry = "-"
	case 1:
		c.Retry = d.root[r.IntN(len(d.root))]
	}
	if r.IntN(8) == 0 {
		c.Forgetful = true
		c.Weather.Faults = slices.DeleteFunc(c.Weather.Faults, func(f Fault) bool { return !slices.Contains(mild, f) })
		if len(c.Weather.Faults) == 0 {
			c.Weather.Rate = 0
		}
	}
	return c
}

// mild are the faults that a run survives without its journal.
var mild = []Fault{ShortRead, AckLost, AckForgotten, Duplicate, Late, LeaseLost, Stubborn, TimerNow, ClockJump, Cancel, Hold, Release, Answer, WrongAnswer}

// drawWeather is fair, foul in one way, or foul in all.
func drawWeather(r *rand.Rand) Weather {
	w := Weather{Chaos: 50 + r.IntN(400), Unfair: []float64{0, 0.3, 1}[r.IntN(3)]}
	w.Rate = []float64{0, 0.05, 0.15, 0.4}[r.IntN(4)]
	for f := None + 1; f < faults; f++ {
		if f != Freeze && f != Thaw { // see Rivals
			w.Faults = append(w.Faults, f)
		}
	}
	if r.IntN(2) == 0 { // a few kinds, often
		r.Shuffle(len(w.Faults), func(i, j int) { w.Faults[i], w.Faults[j] = w.Faults[j], w.Faults[i] })
		w.Faults = w.Faults[:1+r.IntN(5)]
	}
	return w
}

// drawer draws a flow.
type drawer struct {
	r     *rand.Rand
	spec  engine.Spec
	rich  float64 // how many features its tasks have, of 1
	tasks int
	root  []string // ids of the outermost nodes
	depth int      // of sub-flows
}

// chance is true so often, in flows with all features.
func (d *drawer) chance(p float64) bool { return d.r.Float64() < p*d.rich }

func (d *drawer) flow() {
	for range 1 + d.r.IntN(9-3*d.depth) {
		d.root = append(d.root, d.node(0))
	}
	d.connect(d.root)
	d.backEdges()
	d.spec.Limits.MaxSteps = 60
	if d.chance(0.08) {
		d.spec.Limits.MaxSteps = 2 + d.r.IntN(8)
	}
	if d.chance(0.05) {
		d.spec.Limits.Timeout = engine.Duration(time.Minute)
	}
	if d.chance(0.3) {
		n := 1 + d.r.IntN(4)
		d.spec.Limits.MaxCycles = &n
	}
	for i, n := 0, len(d.spec.Tasks); i < n; i++ {
		d.jumps(i)
	}
	d.calls()
}

// node draws a task, a map or a group.
func (d *drawer) node(depth int) string {
	switch {
	case depth < 2 && d.chance(0.35):
		return d.group(depth)
	case d.chance(0.15):
		return d.mapTask()
	case d.depth < 2 && d.chance(0.12):
		return d.subFlow()
	}
	return d.task("")
}

func (d *drawer) freeID(prefix string) string {
	d.tasks++
	return prefix + strconv.Itoa(d.tasks)
}

func (d *drawer) group(depth int) string {
	g := engine.Group{ID: d.freeID("g")}
	iterates := d.chance(0.3)
	for range 1 + d.r.IntN(4) {
		g.Members = append(g.Members, d.member(g.ID, depth, iterates))
	}
	n := len(g.Members)
	switch d.r.IntN(5) {
	case 0:
		g.Policy.BestEffort = true
	case 1:
		g.Policy.AtLeast = 1 + d.r.IntN(n)
	case 2:
		g.Policy.Critical = []string{g.Members[d.r.IntN(n)].ID}
	}
	if d.chance(0.3) {
		limit := 1 + d.r.IntN(2)
		g.MaxConcurrency = &limit
	}
	if iterates {
		g.Supersteps = d.r.IntN(5)
	}
	d.spec.Groups = append(d.spec.Groups, g)
	return g.ID
}

// member draws a chain, whose first task may ask for supersteps, or one node.
func (d *drawer) member(group string, depth int, iterates bool) engine.Member {
	var m engine.Member
	for i := range 1 + d.r.IntN(2) {
		id := ""
		if i > 0 || !iterates {
			id = d.inner(group, depth)
		} else {
			id = d.task(group)
			if d.r.IntN(2) == 0 {
				d.edit(len(d.spec.Tasks)-1, func(s *Script) {
					s.Iterate, s.Guard, s.Pause, s.Terminate, s.Cancel = 2+d.r.IntN(2), d.r.IntN(2) == 0, nil, false, false
				})
			}
		}
		if i > 0 {
			d.spec.Edges = append(d.spec.Edges, engine.Edge{From: m.ID, To: id, When: d.when(m.ID)})
		}
		m.ID = id
		m.Nodes = append(m.Nodes, id)
	}
	return m
}

func (d *drawer) inner(group string, depth int) string {
	if d.chance(0.2) {
		return d.node(depth + 1)
	}
	return d.task(group)
}

// connect draws edges from nodes to later ones.
func (d *drawer) connect(nodes []string) {
	dense := d.r.Float64() * 0.8
	for i := range nodes {
		for j := i + 1; j < len(nodes); j++ {
			if d.r.Float64() < dense {
				d.spec.Edges = append(d.spec.Edges, engine.Edge{From: nodes[i], To: nodes[j], When: d.when(nodes[i])})
			}
		}
	}
	d.r.Shuffle(len(d.spec.Edges), func(i, j int) { d.spec.Edges[i], d.spec.Edges[j] = d.spec.Edges[j], d.spec.Edges[i] })
}

// Conditions of generated edges, and what they say of a value.
var conditions = map[string]func(value json.RawMessage) bool{
	"":                func(json.RawMessage) bool { return true },
	"true":            func(json.RawMessage) bool { return true },
	"false":           func(json.RawMessage) bool { return false },
	"result % 2 == 0": func(v json.RawMessage) bool { return number(v)%2 == 0 },
	"result % 3 != 0": func(v json.RawMessage) bool { return number(v)%3 != 0 },
}

func number(v json.RawMessage) int {
	n, err := strconv.Atoi(string(v))
	if err != nil {
		panic(fmt.Sprintf("a condition on %s", v))
	}
	return n
}

func holds(when string, value json.RawMessage) bool { return conditions[when](value) }

// when draws a condition on what a node returns.
func (d *drawer) when(from string) string {
	if !d.chance(0.4) {
		return ""
	}
	all := []string{"true", "false", "result % 2 == 0", "result % 3 != 0"}
	if !strings.HasPrefix(from, "t") {
		all = all[:2]
	}
	return all[d.r.IntN(len(all))]
}

// backEdges closes cycles among the outermost nodes. The starts are named then.
func (d *drawer) backEdges() {
	if !d.chance(0.4) {
		return
	}
	for _, id := range d.root {
		entered := false
		for _, e := range d.spec.Edges {
			entered = entered || e.To == id
		}
		if !entered {
			d.spec.Start = append(d.spec.Start, id)
		}
	}
	taken := map[[2]string]bool{}
	for range 1 + d.r.IntN(2) {
		i, j := d.r.IntN(len(d.root)), d.r.IntN(len(d.root))
		if i > j {
			i, j = j, i
		}
		if taken[[2]string{d.root[j], d.root[i]}] {
			continue
		}
		taken[[2]string{d.root[j], d.root[i]}] = true
		when := d.when(d.root[j])
		if when == "" && d.root[j][0] == 't' {
			when = "result % 3 != 0"
		}
		d.spec.Edges = append(d.spec.Edges, engine.Edge{From: d.root[j], To: d.root[i], When: when})
	}
}
