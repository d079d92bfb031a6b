package ops

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
)

// RunsQuery says which runs to list. The zero value is all.
type RunsQuery struct {
	Statuses []engine.Status // none are any
	Flows    []string        // by name; none are any
	Since    time.Time       // only those that began since then
	Before   string          // where another page ended; "" is the newest
	Limit    int             // of a page; 0 is 100, 1000 the most
}

// RunsPage is a part of a list of runs.
type RunsPage struct {
	Runs []control.Summary `json:"runs"`
	Next string            `json:"next,omitempty"` // RunsQuery.Before of the next page; "" is the end
}

// Target is what to run: one of the fields but Export.
type Target struct {
	Flow   string          `json:"flow,omitempty"`   // the name of a flow that is stored, NAME or NAME@VERSION
	Source string          `json:"source,omitempty"` // the text of a flow file
	Graph  json.RawMessage `json:"graph,omitempty"`  // an engine.Spec
	Module string          `json:"module,omitempty"` // NAME, NAME@VERSION or sha256:… of the registry
	Export string          `json:"export,omitempty"` // of the module; "" is its only task
}

// Submission begins a run.
type Submission struct {
	Target

	Input json.RawMessage `json:"input,omitempty"` // nil is null
	// ID names the run; "" draws one that sorts by time.
	ID string `json:"id,omitempty"`
	// Key makes the submission idempotent: one key, one run. It excludes ID.
	Key     string          `json:"idempotency_key,omitempty"`
	Timeout engine.Duration `json:"timeout,omitempty"` // of the whole run; 0 is what the flow says
	Limits  json.RawMessage `json:"limits,omitempty"`  // of a Module, as in a flow file
	Grants  json.RawMessage `json:"grants,omitempty"`  // likewise
}

// Submitted is a run that was begun, or that was there.
type Submitted struct {
	Run     string        `json:"run"`
	Flow    string        `json:"flow"`
	Status  engine.Status `json:"status"`
	Existed bool          `json:"existed,omitempty"` // the key, or the id, had it begun before
}

// Where to follow a run from, beside the places that Follow tells.
const (
	FollowAll = ""
	FollowNew = "now"
)

// Runs lists, shows, begins and steers runs. Without a run of the id that is given,
// the error is engine.ErrNotFound.
type Runs interface {
	// List lists runs, that which changed last first. A page may be short, even empty,
	// though Next says that there is more.
	List(ctx context.Context, q RunsQuery) (RunsPage, error)
	// Show tells all of a run.
	Show(ctx context.Context, run string) (control.Story, error)
	// Graph is a run's graph.
	Graph(ctx context.Context, run string) (*engine.Graph, error)
	// Events are a run's journal, from the event after a sequence on; limit bounds how
	// many, 0 is all.
	Events(ctx context.Context, run string, after uint64, limit int) ([]*engine.Event, error)
	// Logs are what the tasks of a run have logged so far, as notices of the types
	// task_log, task_progress and warning, with their sequence in the log.
	Logs(ctx context.Context, run string, after uint64) iter.Seq2[engine.Notice, error]
	// Place is where Follow comes to that has told all that has happened in a run so
	// far: who follows the run from there is told what happens from now on.
	Place(ctx context.Context, run string) (string, error)
	// Follow tells what happens in a run, logs included, until it has ended or is
	// paused, which is the outcome, or ctx is done. after is where an earlier Follow
	// came to, FollowAll the beginning of the run, FollowNew only what comes: nothing is
	// missed, and nothing told again but starts of attempts. f is called by one
	// goroutine at a time, each time with a place to go on after.
	Follow(ctx context.Context, run, after string, f func(n engine.Notice, at string)) (engine.Outcome, error)

	// Submit begins a run. An *Invalid says what is wrong with its flow or its input;
	// engine.ErrRunExists that the id is another's.
	Submit(ctx context.Context, s Submission) (Submitted, error)
	// Cancel, Hold, Resume, Answer, Retry and Delete are as those of control.Desk.
	Cancel(ctx context.Context, run, message string) error
	Hold(ctx context.Context, run, message string) error
	Resume(ctx context.Context, run string) error
	Answer(ctx context.Context, run, pause string, answer json.RawMessage) error
	Retry(ctx context.Context, run string, from engine.RetryFrom) error
	Delete(ctx context.Context, run string, force bool) error
	// Fork begins another run, named id or by a drawn name, as of a checkpoint of a
	// run; "" is its latest.
	Fork(ctx context.Context, run, checkpoint, id string) (string, error)
	// Export writes a checkpoint of a run as a document, which Restore begins another
	// run from.
	Export(ctx context.Context, run, checkpoint string) ([]byte, error)
	Restore(ctx context.Context, document []byte, id string) (string, error)
	// OpenFile reads a file that a task of the run has left.
	OpenFile(ctx context.Context, run, digest string) (io.ReadCloser, error)
}
