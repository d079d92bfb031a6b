package engine

import (
	"encoding/json"
	"time"
)

// Event is one fact in a run's journal. State is the fold of events and of
// nothing else.
type Event struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Type EventType `json:"type"`

	Activation string          `json:"activation,omitempty"`
	Attempt    int             `json:"attempt,omitempty"`
	Started    time.Time       `json:"started,omitzero"`
	Worker     string          `json:"worker,omitempty"` // the process that executed the attempt, where several could
	Value      json.RawMessage `json:"value,omitempty"`
	Blob       bool            `json:"blob,omitempty"`  // Value is a reference to a blob
	Files      []File          `json:"files,omitempty"` // that the attempt left
	Effects    Effects         `json:"effects,omitzero"`
	Error      *TaskError      `json:"error,omitempty"`
	Ledger     json.RawMessage `json:"ledger,omitempty"`
	// Alive is the verdict on each outgoing edge of the task, in order of
	// declaration; nil when no edge has a condition: all are alive.
	Alive []bool `json:"alive,omitempty"`

	Input   json.RawMessage `json:"input,omitempty"`   // of run_started and run_retried
	Message string          `json:"message,omitempty"` // of run_canceled and run_held
	// Reason is, of run_canceled, why; of failed, the kind of the timer that
	// ended what no worker held; of answered, the timer that answered.
	Reason string `json:"reason,omitempty"`

	Pause string            `json:"pause,omitempty"` // of answered: the pause's name
	Task  string            `json:"task,omitempty"`  // of run_retried: from where
	Pins  map[string]string `json:"pins,omitempty"`  // digests of the code of tasks, by name: of run_started, and of completed: for tasks added, and what could not be told before
	Basis *Basis            `json:"basis,omitempty"` // of run_started, of a run that is kept
	Trace string            `json:"trace,omitempty"` // of run_started: Start.Trace; of called: that of the attempt
}

// Basis is what a run is made of, as blobs of the run.
type Basis struct {
	Graph string `json:"graph"` // digest of the graph
	// Events is the digest of the events before run_started, for a run that
	// goes on where another was; "" is none.
	Events string  `json:"events,omitempty"`
	Origin *Origin `json:"origin,omitempty"` // that other run
}

// decides tells that the event is of the chain "".
func (e *Event) decides() bool { return e.Activation == "" || e.Type == EventTimer }

// events is the digest of the events that come before this one; "" is none.
func (e *Event) events() string {
	if e.Basis == nil {
		return ""
	}
	return e.Basis.Events
}

// Origin is the point of another run from which a run goes on.
type Origin struct {
	Run        string `json:"run"`
	Seq        uint64 `json:"seq"`
	Checkpoint string `json:"checkpoint,omitempty"`
}

// EventType says what an Event is.
type EventType string

// Events. Those of an activation form its compare-and-set chain; the others are
// decisions that no fold can derive.
const (
	EventStarted   EventType = "run_started"
	EventCanceled  EventType = "run_canceled" // from outside, or by the run's timeout
	EventTimer     EventType = "timer_fired"  // the delay before an attempt is over, or a group's time
	EventHeld      EventType = "run_held"     // from outside: nothing new begins
	EventReleased  EventType = "run_released" // from outside: the run goes on
	EventRetried   EventType = "run_retried"  // from outside: a run that had ended goes on
	EventCompleted EventType = "completed"    // an attempt succeeded
	EventFailed    EventType = "failed"       // an attempt failed
	EventStopped   EventType = "stopped"      // an attempt was stopped, or never begun, because the engine asked for it
	EventPaused    EventType = "paused"       // an attempt ended because it asks for an answer
	EventCalled    EventType = "called"       // an attempt ended because it has called tasks; it is executed again once they have ended
	EventAnswered  EventType = "answered"     // by somebody, or by a timer; the attempt is executed again
	EventBegun     EventType = "begun"        // a worker has claimed the attempt; another's claim fences it off
	EventReturned  EventType = "returned"     // a worker has handed the attempt back, for another to begin it anew
)

// Command is what follows from a run's state.
type Command struct {
	Kind       CommandKind
	Begin      bool          // of a stop with After: an attempt that has not begun still may
	Begun      bool          // of a stop: the attempt may have begun in another process
	Delivery   *Delivery     // to enqueue
	Activation string        // whose timer to start, or which to stop
	Attempt    int           // that the timer is for
	Rev        uint64        // of a stop: of the delivery
	After      time.Duration // of the timer; of a stop, the time it has to end by itself
	At         time.Time     // of the timer: when it fires, by the clock of the event it follows from
	Reason     string        // of a pause's timer: what it is
}

// CommandKind says what a Command asks for.
type CommandKind uint8

// Commands.
const (
	CommandEnqueue CommandKind = iota
	CommandTimer
	CommandDeadline
	CommandQueueTimeout
	CommandPause   // the timer of a pause
	CommandTimeout // the timer of a sub-flow's attempt
	CommandGroupTimeout
	CommandCheck  // the input of a sub-flow
	CommandForget // the activation has ended: its timers are not wanted any more
	CommandStop
	CommandFinish
)

// Delivery is a ready activation on its way to a worker: all that an attempt
// needs. A backend may encode it.
type Delivery struct {
	Run        string
	Activation string
	Task       *Task
	Vertex     int32 // the task's place in the graph; beyond it, the task was added by the run
	Attempt    int
	Cycle      int
	Earlier    int    // attempts made before the run was retried
	Rev        uint64 // sequence of the last event on the activation's chain
	Sent       uint64 // Rev when it was enqueued; claims change Rev
	Claims     int    // how often a worker has claimed it since
	Seq        uint64 // sequence of the run's event that made it ready
	ready      int64  // when that was, in Unix nanoseconds
	Input      json.RawMessage
	Answers    map[string]json.RawMessage // that the activation's pauses have had
	Called     []Called                   // that the activation has called
	Since      time.Time                  // when it became ready first; zero of a task without tools
	Blobs      []string                   // digests that references in Input and Called stand for
	// Fault, when set, is why the input could not be made: the attempt fails
	// with it before its handler is called.
	Fault *TaskError
	View  View
	of    *origin
	pins  map[string]string // of the run, read only
	// Recovery, when set, tells that Task is the fallback or the rollback of
	// the task at Vertex.
	Recovery *Recovery
}

// origin is what a delivery is of: of a sub-flow its own.
type origin struct {
	graph  *Graph
	input  json.RawMessage
	trace  string // of the run
	caller string // of the attempt that has called it; "": none has
}

// Ready is when the attempt became ready for a worker, by the clock of the process
// that has written what it follows from.
func (d *Delivery) Ready() time.Time { return time.Unix(0, d.ready) }

// Flow is the name of the graph that the task is of.
func (d *Delivery) Flow() string { return d.of.graph.Name() }

// Recovery says for which task another is run.
type Recovery struct {
	Of       *Task
	Rollback bool     // else it is the fallback
	Timeout  Duration // that applies; 0 is no bound
}

// timeout bounds the attempt; 0 is no bound.
func (d *Delivery) timeout() time.Duration {
	if d.Recovery != nil {
		return time.Duration(d.Recovery.Timeout)
	}
	return time.Duration(d.Task.Timeout)
}

// maxCycles is the limit that applies to the task; 0 is none. Of a member that
// has none of its own it is that of its group's supersteps.
func (d *Delivery) maxCycles() int {
	g, t := d.of.graph, d.owner()
	if int(d.Vertex) < len(g.vertices) && t.MaxCycles == nil && t.Map == "" {
		if p := g.vertices[d.Vertex].parent; p >= 0 && g.vertices[p].isGroup() {
			return g.supersteps(g.vertices[p].group)
		}
	}
	return g.maxCycles(t)
}

// owner is the task whose activation it is: that of the graph, also for its
// fallback.
func (d *Delivery) owner() *Task {
	if d.Recovery != nil {
		return d.Recovery.Of
	}
	return d.Task
}

// isRollback tells whether the task's effects and conditions do not count.
func (d *Delivery) isRollback() bool { return d.Recovery != nil && d.Recovery.Rollback }
