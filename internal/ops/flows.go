package ops

import (
	"context"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Flow is a flow that is stored.
type Flow struct {
	Name    string    `json:"name"`
	Version string    `json:"version"` // the beginning of the source's digest
	Stored  time.Time `json:"stored"`
	By      string    `json:"by,omitempty"`
	About   string    `json:"description,omitempty"`
	Tasks   int       `json:"tasks"`
	Source  string    `json:"source,omitempty"` // the text of the flow file; not in lists
}

// Flows keeps flow files under the names of their flows. Each text is a version;
// those of a name are kept, the one stored last is meant by the name alone.
type Flows interface {
	// Validate checks the text of a flow file against what there is to run it: an
	// *Invalid says all that is wrong. The graph is what it says.
	Validate(ctx context.Context, source string) (*engine.Graph, error)
	// Put validates and stores a flow.
	Put(ctx context.Context, source, by string) (Flow, error)
	// List lists the flows by name, the latest version of each.
	List(ctx context.Context) ([]Flow, error)
	// Show is a flow by NAME or NAME@VERSION. engine.ErrNotFound.
	Show(ctx context.Context, ref string) (Flow, error)
	// Remove removes a version, or of a name all. engine.ErrNotFound.
	Remove(ctx context.Context, ref string) error
}
