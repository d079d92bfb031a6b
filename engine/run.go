package engine

import (
	"encoding/json"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Run is the state of one execution of a graph: the fold of its events. Apply
// and Decide are pure: they read no clock, no network and no random source, so
// every replica derives the same commands from the same events. A Run is not
// safe for concurrent use.
type Run struct {
	*whole
	origin
	outer *activation // whose sub-flow it is; nil of the whole
	began time.Time   // of a sub-flow
	moved bool        // an event of a sub-flow's activations has come

	status   Status
	vertices []vertex        // the graph's, then those added by the run
	overlay  map[place]int32 // where the latter are
	find     func(string) (int32, bool)
	subs     map[int32]*Graph // of the latter
	nodes    []node           // by vertex
	edges    []edgeState      // by edge
	root     *scope
	verdict  *verdict        // set once the run is ending
	last     json.RawMessage // value of the last task added at run time that ended
}

// whole is what a run shares with its sub-flows, each of which is a Run too.
type whole struct {
	id       string
	top      *Run
	policies map[string]GroupPolicy

	seq     uint64
	tick    uint64 // events applied
	now     *Event
	since   time.Time // when it was started, or retried
	steps   int
	earlier int // steps before the run was retried
	retries int

	live    map[string]*activation
	flows   int      // of these, how many are sub-flows that run
	blocked waitlist // of these, those ready beyond max_steps
	waiting int      // of these, those that wait for somebody's answer
	ordinal uint64   // of the next activation that becomes ready
	depth   int      // of activations that follow from one event without a task between
	later   []later  // those that would be too deep

	gen   int               // how many journals there were, each based on the one before
	stale map[string]uint64 // ends of chains whose last events were discarded

	answered    map[string]bool
	held        bool
	heldBack    waitlist // ready, but the run is held
	checkpoints []CheckpointInfo
	pins        map[string]string
	blobs       map[string]bool // digests of values that are kept as blobs
	warnings    []string

	commands []Command
	notices  []Notice
	observed bool // notices are wanted
}

// node is the state of a vertex.
type node struct {
	expect     bool // its edges will start it, or it will be skipped
	fired      bool // join any: this round has started it
	unresolved int32
	alive      int32
	visits     int32
	group      *groupRun // its live activation, if it is a group or a map
	deferred   []arrival // activations of it that wait for that one to end
	born       uint64    // tick of the event that added it; 0: of the graph
	by         int32     // of one that was added: who asked for it
}

// edgeState is what is known of an edge.
type edgeState uint8

const (
	edgeIdle    edgeState = iota // its source is not in play
	edgePending                  // its source will resolve it
	edgeAlive
	edgeDead
)

// activation is one scheduled execution of a task.
type activation struct {
	id       string
	run      *Run
	vertex   int32
	isItem   bool // of a map
	override bool // the input does not come from edges
	given    bool // the input is data from a task, which With and Params do not change
	retrying bool
	stopping bool
	scope    *scope
	cycle    int
	attempt  int
	earlier  int // attempts before the run was retried
	rev      uint64
	gen      int       // of the journal that rev is of
	sent     bool      // a worker may have had it
	list     *waitlist // on which it is
	ordinal  uint64    // in order of readiness
	delivery *Delivery // of the present attempt
	timing   *timing
	pause    *pausing // it waits
	answers  map[string]json.RawMessage
	item     json.RawMessage // of a map
	input    json.RawMessage
	since    uint64
	holder   *holder
	recovery *recovery // of what the activation is the fallback or rollback; nil of a task's own
	sub      *Run      // the present attempt, of a sub-flow; the last one's, once that has failed
}

// timing is when an activation's timers fire; zero is never.
type timing struct {
	retry, deadline, queued time.Time
	timeout                 time.Time // of a sub-flow's attempt
}

// clock returns the activation's timing, to be set.
func (act *activation) clock() *timing {
	if act.timing == nil {
		act.timing = &timing{}
	}
	return act.timing
}

// arrival is what starts a vertex.
type arrival struct {
	vertex   int32
	input    json.RawMessage // when override
	override bool
	given    bool
	cause    cause
	why      string
	holder   *holder
}

type cause uint8

const (
	causeEdge cause = iota
	causeJump       // goto, back edge, iteration: counted against max_cycles
)

// scope holds activations that end together: the run's root, or one member of
// a group.
type scope struct {
	parent *scope
	group  *groupRun // nil at the root
	member int
	prefix string // of activation ids
	live   int    // activations and groups in it that have not ended

	channel  values
	results  results
	ops      []ChannelOp // since the superstep began, for the barrier
	finished []finishedVertex

	err     *TaskError
	output  json.RawMessage
	iterate *arrival // the superstep asked for
	done    bool
	cut     bool // stopped before all of it had run
	broken  []broken
}

// later is an activation that waits until the stack is short again.
type later struct {
	run     *Run
	scope   *scope
	arrival arrival
}

// maxDepth is how many activations follow from one another, no task between, on
// one stack: of groups and maps that hold nothing.
const maxDepth = 100

// broken is what of a scope did not end well: what a retry of the run does again.
type broken struct {
	act    *activation // failed, or stopped
	done   *Event      // of act: it has succeeded, but nothing could follow
	again  *arrival    // refused; of act if that is a map's item
	group  *groupRun   // failed, or stopped
	passed bool        // of group: it has succeeded, but nothing could follow
}

type finishedVertex struct {
	vertex int32
	result *result
}

// holder holds the successors of a task until the tasks that it added have
// ended.
type holder struct {
	parent *holder
	open   int
	vertex int32
	alive  []bool
	scope  *scope
}

// verdict is how a run is ending.
type verdict struct {
	status  Status
	reason  string
	message string
	task    string
	err     *TaskError
	output  json.RawMessage
}

// NewRun makes the state of a run before its first event.
func NewRun(id string, g *Graph, policies map[string]GroupPolicy) *Run {
	w := &whole{id: id, policies: policies, live: map[string]*activation{}}
	w.top = w.newRun(g, "")
	return w.top
}

// newRun makes a part of the whole: all of it, or a sub-flow of it whose
// activations' ids have a prefix.
func (w *whole) newRun(g *Graph, prefix string) *Run {
	n := len(g.vertices)
	return &Run{
		whole: w, origin: origin{graph: g}, find: g.vertexOf, status: StatusPending,
		vertices: g.vertices[:n:n],
		nodes:    make([]node, n),
		edges:    make([]edgeState, len(g.edges)),
		root:     &scope{prefix: prefix},
	}
}

// Seq is the sequence of the last event that was applied.
func (r *Run) Seq() uint64 { return r.seq }

// Status is the run's state.
func (r *Run) Status() Status { return r.status }

// Decide returns the commands that follow from the events applied since it was
// last called, in order.
func (r *Run) Decide() []Command {
	c := r.commands
	r.commands = nil
	return c
}

// reuse takes the memory of commands back that have been carried out.
func (r *Run) reuse(commands []Command) {
	if r.commands == nil && cap(commands) <= maxReused {
		clear(commands)
		r.commands = commands[:0]
	}
}

// maxReused is how many commands' memory is kept.
const maxReused = 64

// vertexOf finds a vertex by id, added ones included.
func (r *Run) vertexOf(id string) (int32, bool) {
	if v, ok := r.graph.index[id]; ok {
		return v, true
	}
	for v := len(r.vertices) - 1; v >= len(r.graph.vertices); v-- { // the one that was added last
		if r.vertices[v].id == id {
			return int32(v), true
		}
	}
	return 0, false
}

// place is where in a run a task was added: at the root, or in a member of a group
// or an item of a map.
type place struct {
	id     string
	parent int32 // the group's or map's vertex; -1 at the root
	member int
}

// place is where a vertex is.
func (v *vertex) place() place { return place{v.id, v.parent, int(v.member)} }

// in is the place of a task of that id in the scope.
func (s *scope) in(id string) place {
	if s.group == nil {
		return place{id, -1, 0}
	}
	return place{id, s.group.vertex, s.member}
}

// reach finds a vertex by id as the tasks of a scope do: of the graph, or added in
// the scope or in one around it.
func (r *Run) reach(s *scope, id string) (int32, bool) {
	if v, ok := r.graph.index[id]; ok {
		return v, true
	}
	for ; s != nil; s = s.parent {
		if v, ok := r.overlay[s.in(id)]; ok {
			return v, true
		}
	}
	return 0, false
}

func (r *Run) note(n Notice) {
	if !r.observed {
		return
	}
	n.Seq, n.Time, n.Run = r.now.Seq, r.now.Time, r.id
	r.notices = append(r.notices, n)
}

func (r *Run) warn(message string) {
	r.warnings = append(r.warnings, message)
	r.note(Notice{Type: NoticeWarning, Message: message})
}

// activationID is structural: the scope's prefix, the task's id, its visit.
func (s *scope) activationID(id string, visit int32) string {
	if visit > 1 {
		return s.prefix + id + "#" + strconv.Itoa(int(visit))
	}
	if s.prefix == "" {
		return id
	}
	return s.prefix + id
}

// Outcome tells how the run ended; before that, how it stands.
func (r *Run) Outcome() Outcome {
	o := Outcome{Run: r.id, Flow: r.graph.Name(), Status: r.status, Steps: r.steps, Warnings: r.warnings, Checkpoints: r.checkpoints, Output: json.RawMessage("null")}
	switch v := r.verdict; {
	case v != nil:
		o.Reason, o.Message, o.Task, o.Error = v.reason, v.message, v.task, v.err
		if v.output != nil {
			o.Output = v.output
		}
	case r.status == StatusSucceeded:
		o.Output, o.Reason = r.output()
	case r.held:
		o.Status, o.Reason, o.Pauses = StatusPaused, ReasonHeld, r.pauses()
	case r.paused():
		o.Status, o.Pauses = StatusPaused, r.pauses()
	}
	if r.status != StatusSucceeded {
		o.Pending = r.pending()
	}
	return o
}

// output is that of the end reached, or an object of several.
func (r *Run) output() (json.RawMessage, string) {
	var reached []int32
	for _, v := range r.graph.ends {
		if res := r.root.results.get(v); res != nil && res.err == nil {
			reached = append(reached, v)
		}
	}
	switch len(reached) {
	case 0:
		if r.last != nil {
			return r.last, ""
		}
		return json.RawMessage("null"), ReasonNoEnd
	case 1:
		return r.root.results.get(reached[0]).value, ""
	}
	return r.object(r.root, reached), ""
}

// object is {id: result} of vertices.
func (r *Run) object(s *scope, vs []int32) json.RawMessage {
	out := []byte{'{'}
	for _, v := range vs {
		res := s.results.get(v)
		if res == nil || res.err != nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = strconv.AppendQuote(out, r.vertices[v].id)
		out = append(out, ':')
		out = append(out, res.value...)
	}
	return append(out, '}')
}

// pending lists what was ready or running and did not end, then the tasks that
// were still to come.
func (r *Run) pending() []string {
	var ready []string
	for id := range r.live {
		ready = append(ready, id)
	}
	sort.Strings(ready)
	for v := range r.nodes {
		if id := r.vertices[v].id; r.nodes[v].expect && r.live[id] == nil {
			ready = append(ready, id)
		}
	}
	return ready
}

// groupName is the group, the map or the sub-flow that the scope belongs to, for
// notices.
func (s *scope) groupName() string {
	if s.group != nil {
		return s.group.act.id
	}
	return strings.TrimSuffix(s.prefix, "/")
}
