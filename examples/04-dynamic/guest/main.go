// Command guest shows tasks that decide at run time what happens next: a loop
// between two tasks, an iteration of one, an early end, a cancellation.
package main

import (
	"fmt"
	"math"

	"github.com/graflow/graflow-wasm/sdk"
)

func main() {}

// notesKey is the channel key under which the tool leaves its notes.
const notesKey = "notes"

// wantNotes is how many tool results the agent wants.
const wantNotes = 2

// Answer is what the agent found.
type Answer struct {
	Notes    []string `json:"notes"`
	Complete bool     `json:"complete"` // false if it ran out of cycles
}

var agent = sdk.Task("agent", "asks the tool until it knows enough", func(c *sdk.Context, _ any) (Answer, error) {
	notes, _, err := sdk.Get[[]string](c, notesKey)
	if err != nil {
		return Answer{}, err
	}
	if notes == nil {
		notes = []string{}
	}
	answer := Answer{Notes: notes, Complete: len(notes) >= wantNotes}
	if answer.Complete || !c.CanIterate() {
		return answer, nil
	}
	c.Log("agent knows %d of %d, asks the tool", len(notes), wantNotes)
	return answer, c.Goto("tool")
})

var tool = sdk.Task("tool", "finds something out for the agent", func(c *sdk.Context, _ any) (string, error) {
	note := fmt.Sprintf("finding %d", c.Cycle())
	if err := c.Channel().Append(notesKey, note); err != nil {
		return "", err
	}
	return note, c.Goto("agent")
})

// Guess is a number and the current guess at its square root.
type Guess struct {
	X float64 `json:"x,omitempty" doc:"the guess; n if absent"`
	N float64 `json:"n" doc:"the number, positive"`
}

// Root is a guess and how many cycles it took.
type Root struct {
	Root   float64 `json:"root"`
	Cycles int     `json:"cycles"`
}

var refine = sdk.Task("refine", "Newton's square root, one step a cycle", func(c *sdk.Context, in Guess) (Root, error) {
	if in.N <= 0 {
		return Root{}, sdk.Permanent(sdk.Fail(sdk.KindInvalidInput, "n is %v, want more than 0", in.N))
	}
	if in.X <= 0 {
		in.X = in.N
	}
	root := Root{Root: in.X, Cycles: c.Cycle()}
	next := (in.X + in.N/in.X) / 2
	// From the second guess on they fall, until rounding stops them: a large n
	// never gets as close as 1e-12.
	stuck := c.Cycle() > 1 && next >= in.X
	if stuck || math.Abs(in.X*in.X-in.N) < 1e-12 {
		return root, nil
	}
	if !c.CanIterate() {
		return root, sdk.Permanent(sdk.Fail("no_convergence", "still at %v after %d cycles", in.X, root.Cycles))
	}
	return root, c.NextIteration(Guess{X: next, N: in.N})
})

// Lookup is a question whose answer may be known already.
type Lookup struct {
	Cached bool `json:"cached,omitempty"`
	Value  any  `json:"value,omitempty" doc:"the cached value"`
}

var cache = sdk.Task("cache", "ends the run early when the answer is cached", func(c *sdk.Context, in Lookup) (any, error) {
	if !in.Cached {
		return in.Value, nil
	}
	return in.Value, c.Terminate("cache hit")
})

var validate = sdk.Task("validate", "cancels the run when its data is bad", func(c *sdk.Context, in map[string]any) (map[string]any, error) {
	value, found := in["n"]
	n, isNumber := value.(float64)
	switch {
	case !found:
		return in, c.Cancel("bad data: n is missing, want a number")
	case !isNumber:
		return in, c.Cancel(fmt.Sprintf("bad data: n is %v, want a number", value))
	case n < 0:
		return in, c.Cancel(fmt.Sprintf("bad data: n is %v, want 0 or more", n))
	}
	return in, nil
})

//go:wasmexport agent
func _agent() int32 { return agent.Run() }

//go:wasmexport tool
func _tool() int32 { return tool.Run() }

//go:wasmexport refine
func _refine() int32 { return refine.Run() }

//go:wasmexport cache
func _cache() int32 { return cache.Run() }

//go:wasmexport validate
func _validate() int32 { return validate.Run() }
