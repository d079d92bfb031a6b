package engine

import (
	"encoding/json"
	"time"
)

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
	claimed  time.Time // when a worker began the present attempt, if that was told
	list     *waitlist // on which it is
	ordinal  uint64    // in order of readiness
	delivery *Delivery // of the present attempt
	timing   *timing
	pause    *pausing // it waits
	answers  map[string]json.RawMessage
	calls    *calling        // of a task that has tools
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
