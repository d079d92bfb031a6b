package engine

import (
	"context"
	"encoding/json"
	"time"
)

// Cluster is what processes that share a backend say to one another. All of it is
// safe for concurrent use.
//
// The journal alone decides what is so: signals and hints may be lost, and cost
// time, not truth.
type Cluster interface {
	// Own takes a share of the runs that have not ended, to drive them, until ctx
	// is done. Each has one owner at a time but for a while after one was lost; what
	// an owner that is late decides conflicts in the journal. When it returns, the
	// share is others'.
	Own(ctx context.Context, o Owner) error
	// Mark records how a run of this process's share stands, for lists.
	Mark(ctx context.Context, m Mark) error
	// Signal tells all workers something, soon, at most once.
	Signal(ctx context.Context, s Signal) error
	// Signals calls f for each signal, in order, until ctx is done. It calls lost
	// when some may have been missed.
	Signals(ctx context.Context, f func(Signal), lost func()) error
	// Watch calls moved soon after a run's log has grown, possibly more often,
	// until ctx is done.
	Watch(ctx context.Context, run string, moved func()) error
	// Bury keeps a delivery that nobody will make again, with the reason.
	Bury(ctx context.Context, l DeadLetter) error
	// Tell keeps a notice of a running attempt for a while, for those who look: a
	// log line, or its progress. It does not wait.
	Tell(n Notice)
}

// Owner drives runs. Its methods return soon.
type Owner interface {
	// Moved tells that a run of this process's share has new events, or that it has
	// come to this process. It is called again for each event.
	Moved(run string)
	// Gone tells that a run belongs to another process now.
	Gone(run string)
}

// Mark is how a run stands, and since when.
type Mark struct {
	Run     string    `json:"run"`
	Flow    string    `json:"flow"`
	Status  Status    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Tasks   int       `json:"tasks"`           // activations committed
	Waits   string    `json:"waits,omitempty"` // the pauses that wait for an answer
	Error   string    `json:"error,omitempty"`
	// Seq is the sequence of the event as of which it stands so: a mark does not
	// replace one of a later event. 0 is not known.
	Seq uint64 `json:"seq,omitempty"`
}

// Signal is what an owner tells the workers of a run.
type Signal struct {
	Kind       SignalKind `json:"kind"`
	Run        string     `json:"run"`
	Activation string     `json:"activation,omitempty"` // "": all of the run
	Rev        uint64     `json:"rev,omitempty"`        // of the delivery meant
}

// SignalKind says what a signal is for.
type SignalKind string

// Signals.
const (
	SignalStop     SignalKind = "stop"     // the attempt is to end, and to commit that
	SignalDeadline SignalKind = "deadline" // likewise: the activation has run out of time
	SignalHold     SignalKind = "hold"     // nothing new of the run begins
	SignalRelease  SignalKind = "release"  // it may again
	SignalEnded    SignalKind = "ended"    // the run has: what is queued of it is void
)

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	Run        string          `json:"run,omitempty"`
	Activation string          `json:"activation,omitempty"`
	Task       string          `json:"task,omitempty"`
	Attempt    int             `json:"attempt,omitempty"`
	Rev        uint64          `json:"rev,omitempty"`
	Delivered  int             `json:"delivered,omitempty"` // times
	Reason     string          `json:"reason"`
	Time       time.Time       `json:"time"`
	Data       json.RawMessage `json:"data,omitempty"` // what could not be read, as a JSON string
}
