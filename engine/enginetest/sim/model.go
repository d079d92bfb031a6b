package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// model interprets the rules of a run: slowly, by looking at everything again
// after each event, and without the engine's code. Where a rule leaves the order
// open it takes the journal's; everything else it says by itself, and an event
// that says otherwise breaks the rule. A sub-flow is a model too, in that of the
// run.
type model struct {
	*mWhole
	outer  *mAct // whose sub-flow it is; nil of the run itself
	spec   *engine.Spec
	tasks  map[string]*engine.Task // those of the graph, and those that the run has added
	groups map[string]*engine.Group
	home   map[string]home
	edges  []mEdge
	starts []string

	born     map[string]uint64 // of added tasks: the event that did
	expect   map[string]bool   // will be started or skipped
	fired    map[string]bool   // join any: was started by this round's first edge
	visits   map[string]int
	open     map[string]*mGroup // groups and maps that have begun and not ended
	deferred map[string][]mArrival
	root     *mScope
	input    json.RawMessage
	verdict  *mVerdict
	last     json.RawMessage   // of the last added task that ended
	calls    []engine.TaskCall // that are its only group, of calls
	batch    *mGroup           // that they are
}

// mWhole is what a run shares with its sub-flows.
type mWhole struct {
	top     *model
	lax     *lax // once the run was retried
	live    map[string]*mAct
	blocked []*mAct
	begun   bool
	ended   bool
	held    bool
	steps   int
	seq     uint64
	now     time.Time
	ids     map[string]bool // of all activations that there were
	decided map[string]bool // attempts that are ready, ever
	silent  map[string]bool // activations that were stopped while no worker had them
}

type mVerdict struct {
	status       engine.Status
	reason, task string
	err          *engine.TaskError
	output       json.RawMessage
}

// mScope is the root, a group's member, or a map's item.
type mScope struct {
	up      *mScope
	group   *mGroup
	member  int
	prefix  string
	channel map[string]json.RawMessage
	results map[string]mResult
	ops     []engine.ChannelOp // since the superstep began
	fresh   []string           // tasks that ended since then, in order
	err     *engine.TaskError
	output  json.RawMessage
	again   *mArrival
	started bool
	done    bool
	cut     bool
}

type mResult struct {
	value json.RawMessage
	err   *engine.TaskError
}

type mArrival struct {
	node  string
	input json.RawMessage
	given bool // else the input is what the edges bring
	jump  bool // counts against max_cycles
	hold  *mHold
}

// mHold keeps a task's successors until the tasks that it has added have ended.
type mHold struct {
	up    *mHold
	open  int
	node  string // "" has no successors to let go
	alive []bool
	scope *mScope
}

type mAct struct {
	m        *model // that it is in
	sub      *model // the attempt that runs, of a sub-flow
	id, node string
	scope    *mScope
	item     bool
	input    json.RawMessage
	cycle    int
	attempt  int
	since    uint64
	hold     *mHold
	stopping bool
	retrying bool
	due      time.Time // not before, of the retry or the pause's end
	begun    time.Time // when it became ready
	ready    time.Time // when its present attempt did
	paused   *engine.Pause
	back     bool // ready, and the run is held
	claims   int  // of workers that have begun one of its attempts
	answers  map[string]json.RawMessage
	called   [][]string                 // what its calls came to, by rounds
	calling  bool                       // sub are tasks that it has called
	hasRun   bool                       // an execution of it has called, or was answered
	first    time.Time                  // when its first attempt became ready
	channel  map[string]json.RawMessage // as it was when the attempt became ready
	told     json.RawMessage            // input of a recovery
	recovery *mRecovery
}

type mRecovery struct {
	of       *mAct
	task     string
	rollback bool
	last     *engine.Event
	err      *engine.TaskError
}

type mGroup struct {
	node    string
	act     *mAct
	scope   *mScope
	members []*mScope
	items   []json.RawMessage
	isMap   bool
	base    map[string]json.RawMessage // the channel as the superstep found it
	results map[string]mResult
	failed  bool
	holding bool
	jumps   []mArrival
	round   int
}

// ruled is a broken rule, on its way up.
type ruled struct{ rule, detail string }

func breach(rule, format string, args ...any) {
	panic(ruled{rule, fmt.Sprintf(format, args...)})
}

func newModel(s *engine.Spec) *model {
	whole := &mWhole{live: map[string]*mAct{}, ids: map[string]bool{}, decided: map[string]bool{}, silent: map[string]bool{}}
	whole.top = whole.part(s, "")
	return whole.top
}

// part makes the model of a run or a sub-flow.
func (w *mWhole) part(s *engine.Spec, prefix string) *model {
	m := &model{
		mWhole: w, spec: s, tasks: map[string]*engine.Task{}, groups: map[string]*engine.Group{}, home: map[string]home{},
		born: map[string]uint64{}, expect: map[string]bool{}, fired: map[string]bool{}, visits: map[string]int{},
		open: map[string]*mGroup{}, deferred: map[string][]mArrival{},
		root: &mScope{prefix: prefix, channel: map[string]json.RawMessage{}, results: map[string]mResult{}, started: true},
	}
	for i := range s.Tasks {
		m.tasks[s.Tasks[i].ID] = &s.Tasks[i]
	}
	for i := range s.Groups {
		g := &s.Groups[i]
		m.groups[g.ID] = g
		for k, member := range g.Members {
			for _, id := range member.Nodes {
				m.home[id] = home{g.ID, k}
			}
		}
	}
	for _, e := range s.Edges {
		m.edges = append(m.edges, mEdge{from: e.From, to: e.To, when: e.When})
	}
	m.starts = m.rootStarts()
	m.findBackEdges()
	return m
}

// paused tells that nothing goes on without somebody's answer.
func (m *model) paused() bool {
	if m.lax != nil {
		return m.lax.fold.run.Outcome().Status == engine.StatusPaused && !m.held
	}
	return len(m.questions()) > 0 && len(m.questions()) == len(m.live)-len(m.blocked)-m.flows()
}

// flows is how many sub-flows run.
func (w *mWhole) flows() int {
	n := 0
	for _, a := range w.live {
		if a.sub != nil {
			n++
		}
	}
	return n
}

// questions are the names of the pauses that wait for somebody.
func (m *model) questions() []string {
	var all []string
	if m.lax != nil {
		for _, p := range m.lax.fold.run.Outcome().Pauses {
			all = append(all, p.Activation)
		}
		return all
	}
	for _, id := range m.liveIDs() {
		if p := m.live[id].paused; p != nil && p.Name != "" {
			all = append(all, id)
		}
	}
	return all
}

func (m *model) liveIDs() []string { return slices.Sorted(maps.Keys(m.live)) }

// standing is how a run stands.
type standing struct {
	live  string
	steps int
	ended bool
}

func (m *model) standing() standing {
	var live []string
	for _, id := range m.liveIDs() {
		a, status := m.live[id], engine.StatusPending
		switch {
		case a.sub != nil:
			continue
		case a.paused != nil:
			status = engine.StatusPaused
		case a.retrying:
			status = engine.StatusRetrying
		}
		live = append(live, fmt.Sprintf("%s %d %s", id, a.attempt, status))
	}
	slices.Sort(live)
	return standing{strings.Join(live, ", "), m.steps, m.ended}
}

func (m *model) liveNames() string {
	var all []string
	for _, id := range m.liveIDs() {
		a := m.live[id]
		all = append(all, fmt.Sprintf("%s attempt %d (stopping %t, retrying %t, paused %t)", id, a.attempt, a.stopping, a.retrying, a.paused != nil))
	}
	return fmt.Sprintf("%q", all)
}

// ending tells that nothing may begin in the scope any more.
func (m *model) ending(s *mScope) bool {
	if m.verdict != nil {
		return true
	}
	for ; s.group != nil; s = s.up {
		if s.err != nil || s.done || s.group.failed {
			return true
		}
	}
	return false
}

// within tells whether a scope is another, or in it.
func within(s, outer *mScope) bool {
	for ; s != nil; s = s.up {
		if s == outer {
			return true
		}
	}
	return false
}

// quiet tells that nothing in the scope is live.
func (m *model) quiet(s *mScope) bool {
	for _, a := range m.live {
		if within(a.scope, s) {
			return false
		}
	}
	for _, g := range m.open {
		if within(g.scope, s) {
			return false
		}
	}
	return true
}
