package ops

import (
	"context"
	"encoding/json"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Schedule begins runs at times. One of Cron, Every and At is set.
type Schedule struct {
	Name    string          `json:"name"`
	Target  Target          `json:"target"`
	Input   json.RawMessage `json:"input,omitempty"`
	Cron    string          `json:"cron,omitempty"`      // five fields, or @daily and the like
	Zone    string          `json:"time_zone,omitempty"` // of Cron, as Europe/Berlin; "" is UTC
	Every   engine.Duration `json:"every,omitempty"`
	At      time.Time       `json:"at,omitzero"`
	Overlap Overlap         `json:"overlap,omitempty"`
	Missed  Missed          `json:"missed,omitempty"`
	Paused  bool            `json:"paused,omitempty"`

	// What follows is told, not set.

	Created time.Time `json:"created,omitzero"`
	Next    time.Time `json:"next,omitzero"` // zero: never again, or paused
	Last    time.Time `json:"last,omitzero"` // the time it was due last
	LastRun string    `json:"last_run,omitempty"`
	Fault   string    `json:"fault,omitempty"` // why the last one could not begin
	Begun   int       `json:"begun"`           // runs so far
	Skipped int       `json:"skipped"`         // times that were missed, or that overlapped
}

// Overlap says what becomes of a time at which the run before still goes on.
type Overlap string

// Overlaps.
const (
	OverlapSkip    Overlap = "skip"    // the time is skipped; the default
	OverlapAllow   Overlap = "allow"   // another run begins besides
	OverlapReplace Overlap = "replace" // the run before is canceled
	OverlapWait    Overlap = "wait"    // one run begins once that before has ended
)

// Missed says what becomes of times at which no process was there.
type Missed string

// Misseds.
const (
	MissedSkip Missed = "skip" // they are skipped
	MissedOnce Missed = "once" // one run for all of them; the default
	MissedAll  Missed = "all"  // a run for each, at most 100
)

// Schedules keeps schedules. Without one of a name the error is engine.ErrNotFound.
type Schedules interface {
	List(ctx context.Context) ([]Schedule, error)
	Show(ctx context.Context, name string) (Schedule, error)
	// Put checks and stores a schedule, in place of that of its name; its counters go
	// on. An *Invalid says what is wrong.
	Put(ctx context.Context, s Schedule) (Schedule, error)
	// Pause stops it, or lets it go on; times in between are not missed.
	Pause(ctx context.Context, name string, paused bool) (Schedule, error)
	// Trigger begins a run now.
	Trigger(ctx context.Context, name string) (run string, err error)
	Remove(ctx context.Context, name string) error
}
