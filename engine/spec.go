package engine

import "encoding/json"

// Spec is what a graph is built from: plain data, in the order of declaration.
// A flow file is one way to write it, [NewGraph] another.
type Spec struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Input       json.RawMessage `json:"input,omitempty"` // JSON Schema of the run's input; checked by who submits
	Tasks       []Task          `json:"tasks"`
	Groups      []Group         `json:"groups,omitempty"`
	Edges       []Edge          `json:"edges,omitempty"`
	Start       []string        `json:"start,omitempty"` // empty: all nodes without incoming edge
	End         []string        `json:"end,omitempty"`   // empty: all nodes without outgoing edge
	Limits      RunLimits       `json:"limits,omitzero"`
}

// Edge leads from one node (a task or a group) to another of the same scope:
// both outside any group, or both in the same member of one group.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	// When is an expression over result, input and channel; "" is true. It
	// is evaluated once, at commit of the source.
	When string `json:"when,omitempty"`
}

// Group runs its members in parallel and ends with a barrier.
type Group struct {
	ID      string   `json:"id"`
	Members []Member `json:"members"`
	Policy  Policy   `json:"policy,omitzero"`
	// MaxConcurrency caps the members in flight; nil is no cap.
	MaxConcurrency *int `json:"max_concurrency,omitempty"`
	// Supersteps caps the rounds that next_iteration in members may ask for;
	// 0 is the run's MaxCycles.
	Supersteps int `json:"supersteps,omitempty"`
	// Timeout bounds the group with all its rounds: then its members are stopped,
	// and it fails, whatever its policy. 0 is no bound.
	Timeout Duration `json:"timeout,omitempty"`
}

// Member is one branch of a group: a task, a chain, or a nested group.
type Member struct {
	// ID names the member in the group's result: the id of its last node.
	ID    string   `json:"id"`
	Nodes []string `json:"nodes"` // ids of its tasks and groups
}

// Policy says when a group has succeeded. The zero value is strict. At most one
// field is set.
type Policy struct {
	BestEffort bool     `json:"best_effort,omitempty"` // always succeeds
	AtLeast    int      `json:"at_least,omitempty"`    // this many members succeed
	Critical   []string `json:"critical,omitempty"`    // these members succeed
	Custom     string   `json:"custom,omitempty"`      // the name of a registered GroupPolicy
}

// RunLimits bound a run. Zero values are defaults.
type RunLimits struct {
	// MaxSteps is the number of activations that may be committed; 0 is 10 000.
	MaxSteps int `json:"max_steps,omitempty"`
	// MaxCycles is the default of Task.MaxCycles; nil is 10, 0 is no limit.
	MaxCycles *int `json:"max_cycles,omitempty"`
	// Timeout bounds the run; 0 is no bound.
	Timeout Duration `json:"timeout,omitempty"`
}

// Defaults of RunLimits.
const (
	DefaultMaxSteps  = 10_000
	DefaultMaxCycles = 10
)
