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
	calls []TaskCall  // whose sub-flow executes them; nil of others
	batch *groupRun   // that they are, once it has begun
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
	flows   int                   // of these, how many are sub-flows that run
	blocked waitlist              // of these, those ready beyond max_steps
	waiting int                   // of these, those that wait for somebody's answer
	timed   map[string]timedGroup // groups that have a timer, by activation
	ordinal uint64                // of the next activation that becomes ready
	depth   int                   // of activations that follow from one event without a task between
	later   []later               // those that would be too deep

	gen   int               // how many journals there were, each based on the one before
	stale map[string]uint64 // ends of chains whose last events were discarded

	answered    map[string]bool
	held        bool
	heldBack    waitlist // ready, but the run is held
	checkpoints []CheckpointInfo
	pins        map[string]string
	blobs       map[string]bool // digests of values that are kept as blobs
	files       []TaskFile
	warnings    []string

	commands []Command
	notices  []Notice
	observed bool // notices are wanted
}

// NewRun makes the state of a run before its first event.
func NewRun(id string, g *Graph, policies map[string]GroupPolicy) *Run {
	w := &whole{id: id, policies: policies, live: map[string]*activation{}}
	w.top = w.newRun(g, "", nil)
	return w.top
}

// newRun makes a part of the whole: all of it, or a sub-flow of it whose
// activations' ids have a prefix, of the part outer.
func (w *whole) newRun(g *Graph, prefix string, outer *Run) *Run {
	n := len(g.vertices)
	from := origin{graph: g}
	if outer != nil {
		from.trace, from.caller = outer.trace, outer.caller
	}
	return &Run{
		whole: w, origin: from, find: g.vertexOf, status: StatusPending,
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
	o := Outcome{Run: r.id, Flow: r.graph.Name(), Status: r.status, Steps: r.steps, Warnings: r.warnings, Checkpoints: r.checkpoints, Files: r.files, Output: json.RawMessage("null")}
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
