package soak

import (
	"encoding/json"
	"os"

	"github.com/graflow/graflow-wasm/engine"
)

// reported is the report as JSON. Times are in seconds.
type reported struct {
	Seed    uint64  `json:"seed"`
	Seconds float64 `json:"seconds"`
	Servers int     `json:"servers"`
	Workers int     `json:"workers"`
	Lease   float64 `json:"lease"`

	Faults  map[string]int        `json:"faults"` // by kind
	Runs    int                   `json:"runs"`   // accepted
	Ended   map[engine.Status]int `json:"ended"`
	Tasks   int                   `json:"tasks"`      // activations
	Tries   int                   `json:"attempts"`   // of functions
	Begun   int                   `json:"executions"` // of them
	Again   int                   `json:"executed_again"`
	Unknown int                   `json:"executed_again_without_a_fault"`

	Lost  int `json:"lost"`
	Twice int `json:"committed_twice"`
	Other int `json:"other_rules_broken"`

	Suppressed suppressed `json:"suppressed"`
	Recovery   float64    `json:"longest_recovery"`
	Pause      float64    `json:"longest_pause"`
	Settled    float64    `json:"settled"` // after the last fault; less than 0: not in time
}

// suppressed are results that came twice, and were let in once.
type suppressed struct {
	Stale  int `json:"late_commits"`
	Fenced int `json:"fenced_attempts"`
	Early  int `json:"ended_before_their_lease"`
	Events int `json:"events_without_effect"`
}

// writeJSON writes the report to a file; "" is none.
func (r *report) writeJSON(name string) error {
	if name == "" {
		return nil
	}
	s, c := r.soak, r.counts
	lost, twice := r.broken(ruleLost), r.broken(ruleTwice)
	text, err := json.MarshalIndent(&reported{
		Seed: s.cfg.Seed, Seconds: s.cfg.Duration.Seconds(), Servers: s.cfg.Servers, Workers: s.cfg.Workers, Lease: s.cfg.Lease.Seconds(),
		Faults: r.byWhat(), Runs: c.accepted, Ended: c.byStatus, Tasks: c.activations,
		Tries: r.again.tries, Begun: r.again.executions, Again: r.again.executions - r.again.tries, Unknown: len(r.again.unexplained),
		Lost: lost, Twice: twice, Other: len(r.found) - lost - twice,
		Suppressed: suppressed{r.deeds.counts[stale], r.deeds.counts[fenced], r.deeds.counts[late], c.discarded},
		Recovery:   r.again.recovery.Seconds(), Pause: r.pause().Seconds(), Settled: s.settled.Seconds(),
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o600)
}
