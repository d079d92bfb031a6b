package ops

import (
	"context"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Worker is a process of the cluster.
type Worker struct {
	Node        string            `json:"node"` // its name
	Host        string            `json:"host,omitempty"`
	PID         int               `json:"pid,omitempty"`
	Version     string            `json:"version,omitempty"`
	Role        string            `json:"role,omitempty"` // server, worker, work-only
	Queues      []string          `json:"queues,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Concurrency int               `json:"concurrency,omitempty"` // attempts at a time, at most
	Running     int               `json:"running"`               // attempts now
	Started     time.Time         `json:"started,omitzero"`
	Draining    bool              `json:"draining,omitempty"` // takes nothing new
	Seen        time.Time         `json:"seen,omitzero"`
}

// Workers lists the processes of a cluster.
type Workers interface {
	List(ctx context.Context) ([]Worker, error)
}

// Queue is how a class of waiting tasks stands.
type Queue struct {
	Queue    string            `json:"queue"`
	Requires map[string]string `json:"requires,omitempty"` // labels of workers
	Priority engine.Priority   `json:"priority"`
	Ready    uint64            `json:"ready"`           // wait for a worker
	InFlight int               `json:"in_flight"`       // workers hold
	Again    int               `json:"delivered_again"` // of those in flight
	Oldest   float64           `json:"oldest_seconds"`  // age of the oldest that waits or is held
	Limit    int               `json:"limit,omitempty"` // of those in flight; 0 is none
}

// Queues lists and bounds queues.
type Queues interface {
	List(ctx context.Context) ([]Queue, error)
	// Limit bounds how many tasks of a queue workers hold at a time; 0 is no bound.
	Limit(ctx context.Context, queue string, n int) error
}

// DeadLetter is a delivery that was given up, under its number.
type DeadLetter struct {
	Number uint64 `json:"number"`
	engine.DeadLetter
}

// DeadLetters lists and settles dead letters. Without one of a number the error is
// engine.ErrNotFound.
type DeadLetters interface {
	// List lists up to limit of them below a number, 0 being none, the newest first.
	List(ctx context.Context, before uint64, limit int) ([]DeadLetter, error)
	Show(ctx context.Context, number uint64) (DeadLetter, error)
	// Retry retries the run of a dead letter from its task, and removes the letter.
	Retry(ctx context.Context, number uint64) (run string, err error)
	Remove(ctx context.Context, number uint64) error
}

// Secret is one that is set. Its value nobody is told.
type Secret struct {
	Name    string    `json:"name"`
	Changed time.Time `json:"changed,omitzero"`
}

// Secrets sets the secrets of tasks, in the store of the process that answers; workers
// elsewhere have their own.
type Secrets interface {
	List(ctx context.Context) ([]Secret, error)
	// Set tells whether there was one of the name.
	Set(ctx context.Context, name string, value []byte) (replaced bool, err error)
	// Remove is engine.ErrNotFound without one of the name.
	Remove(ctx context.Context, name string) error
}
