package engine

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"
)

// Handler runs one attempt of a task. Handle is called concurrently.
//
// It returns the attempt's result, or an error: a [*TaskError] keeps its kind,
// any other error has the kind "error". Of a failed attempt's Result only a
// requested cancel counts. A handler stops soon after ctx is done and returns;
// what it returns then is dropped.
type Handler interface {
	Handle(ctx context.Context, call *Call) (Result, error)
}

// Checker is a Handler that can tell whether a task's spec, limits and grants
// are ones it accepts. It is asked before a run starts; it may be slow.
type Checker interface {
	Check(ctx context.Context, task *Task) error
}

// Call is all that an attempt may see.
type Call struct {
	Run        string
	Flow       string // the graph's name
	Task       *Task  // read only
	Activation string
	Recovers   string // the task whose fallback or rollback it is; "" of others
	Attempt    int    // 1-based
	// MaxAttempts is 1 + retries.
	MaxAttempts int
	Cycle       int // 1-based visit of this task
	MaxCycles   int // 0: no limit
	Input       json.RawMessage
	View        *View // results and channel as of when the activation became ready
	// Answers are those that the activation's pauses have had, by name.
	Answers map[string]json.RawMessage
	// Called are the tasks that earlier executions of the activation have called,
	// and how they ended, in order. A task that has Tools finds them, and Since:
	// when it became ready first, as the journal has it.
	Called []Called
	Since  time.Time
	// Tools are the tasks that it may call, as the graph has them.
	Tools []*Task
	Sink  Sink // never nil
	// Files keeps the run's files; nil for a call that no engine makes.
	Files Files
	// Pins are the digests of code that the run was pinned to when it began, by
	// name, as the handler's Pin told them. Read only.
	Pins map[string]string
	// Trace is the Start.Trace of the run, or what Config.Probe made of it for this
	// attempt; Caller is that of the attempt that has called the task, "" of others.
	// Ready is when the attempt became ready for a worker.
	Trace, Caller string
	Ready         time.Time
}

// CanIterate tells whether the task may ask for another iteration.
func (c *Call) CanIterate() bool { return c.MaxCycles == 0 || c.Cycle < c.MaxCycles }

// Sink takes what a running attempt tells to whoever watches. It is for eyes
// only: nothing of it changes a run.
type Sink interface {
	Log(level slog.Level, message string)
	Progress(done, total float64, note string)
}

// Result is what an attempt ends with: its value, and its effects.
type Result struct {
	Value   json.RawMessage // nil is null
	Effects Effects
	Files   []File // that the attempt leaves with its run
	// Pins are digests of code that the run is to be pinned to from now on, by name:
	// of what nobody could tell when it began. The first one of a name counts.
	Pins   map[string]string
	Ledger json.RawMessage // what the attempt used, in the handler's terms; may be nil
	trace  string          // of the attempt, as Config.Probe has it
}

// Effects are all that a task says besides its value. They are buffered while
// it runs and committed with its value in one event, or dropped.
type Effects struct {
	Channel   []ChannelOp `json:"channel,omitempty"`
	Next      []NextTask  `json:"next,omitempty"`
	Iterate   *Iteration  `json:"iterate,omitempty"`
	Terminate *string     `json:"terminate,omitempty"` // message
	Cancel    *string     `json:"cancel,omitempty"`    // message
	// Pause ends the attempt as paused. All other effects, but a cancel, are
	// dropped; once there is an answer the task is executed again.
	Pause *Pause `json:"pause,omitempty"`
	// Calls ends the attempt as one that waits for tasks that it has called, all at
	// once. Effects count as with Pause; once all tasks have ended the task is
	// executed again.
	Calls []TaskCall `json:"calls,omitempty"`
	// Checkpoints name the point of the journal at which the task has ended.
	Checkpoints []Checkpoint `json:"checkpoints,omitempty"`
}

// Pause asks for an answer before a task goes on.
type Pause struct {
	// Name is what an answer is given to; "" asks nobody, and waits only for
	// Until or After.
	Name string `json:"name,omitempty"`
	// Message tells whoever is asked what it is about.
	Message string `json:"message,omitempty"`
	// Schema is a JSON Schema of the answer; nil takes any.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Timeout bounds the wait: then the answer is Default, or without one the
	// task fails with KindPauseTimeout. 0 is no bound.
	Timeout Duration        `json:"timeout,omitempty"`
	Default json.RawMessage `json:"default,omitempty"`
	// Until and After end the wait by themselves, with the answer null, at a
	// time and after a time. The zero values do not.
	Until time.Time `json:"until,omitzero"`
	After Duration  `json:"after,omitempty"`
}

// Checkpoint names a point of a run's journal, to go on from.
type Checkpoint struct {
	Name string          `json:"name,omitempty"` // "" is numbered: checkpoint-1
	Meta json.RawMessage `json:"meta,omitempty"` // of the user's, JSON
}

// NextTask asks for a task to run after this one.
type NextTask struct {
	// Task is a new task when it has a handler, a reference to an existing
	// one when it has only an ID. A new task whose id exists already refers
	// to the existing one.
	Task  Task            `json:"task"`
	Input json.RawMessage `json:"input,omitempty"` // nil: the caller's value
	Goto  bool            `json:"goto,omitempty"`  // the caller's successors are dead
}

// Iteration asks for the same task again.
type Iteration struct {
	Data json.RawMessage `json:"data,omitempty"` // its input; nil is null
}

// ChannelOp is one buffered write of the run's channel.
type ChannelOp struct {
	Op    Op              `json:"op"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value,omitempty"`
}

// Op is a kind of channel write.
type Op string

// Channel writes. Add, Append and Prepend commute at a barrier.
const (
	OpSet     Op = "set"
	OpDelete  Op = "delete"
	OpAdd     Op = "add"     // a number to a number; a missing key counts as 0
	OpAppend  Op = "append"  // an element to a list; a missing key counts as []
	OpPrepend Op = "prepend" // likewise, in front
)

// TaskError is the error of an attempt. Err, when set, is the cause in this
// process; it does not travel.
type TaskError struct {
	Kind       string        `json:"kind"`
	Message    string        `json:"message"`
	Stack      string        `json:"stack,omitempty"`
	Task       string        `json:"task,omitempty"`
	Activation string        `json:"activation,omitempty"`
	Attempt    int           `json:"attempt,omitempty"`
	Attempts   int           `json:"attempts,omitempty"`
	Permanent  bool          `json:"permanent,omitempty"` // never retried
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// Fallback and Rollback are the errors of the task's fallback and of its
	// rollback, if they failed too.
	Fallback *TaskError `json:"fallback,omitempty"`
	Rollback *TaskError `json:"rollback,omitempty"`
	Err      error      `json:"-"`
}

// Kinds of errors. Handlers may use others.
const (
	KindError        = "error"
	KindTimeout      = "timeout"       // of an attempt
	KindDeadline     = "deadline"      // of an activation with its retries
	KindQueueTimeout = "queue_timeout" // of the wait for a worker
	KindRunTimeout   = "run_timeout"   // of the run
	KindCanceled     = "canceled"
	KindInvalidInput = "invalid_input"
	KindDenied       = "denied"
	KindCycleLimit   = "cycle_limit"
	KindStepLimit    = "step_limit"
	KindGroup        = "group"
	KindPanic        = "panic"
	KindPauseTimeout = "pause_timeout" // nobody answered a pause in time
	KindWorkerLost   = "worker_lost"   // too many workers were lost with the attempt
	KindDiverged     = "diverged"      // a task executed again has called otherwise than before
)

// Error implements error.
func (e *TaskError) Error() string { return e.Message }

// Unwrap returns the cause in this process.
func (e *TaskError) Unwrap() error { return e.Err }
