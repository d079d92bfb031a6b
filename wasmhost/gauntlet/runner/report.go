package runner

import (
	"fmt"
	"time"
)

// Report is what a child saw of one case.
type Report struct {
	Case      string         `json:"case"`
	Refused   string         `json:"refused,omitempty"` // the reason, if the module was
	Admission time.Duration  `json:"admission_ns"`
	Wall      time.Duration  `json:"wall_ns"`   // of the longest call, without what it waited
	Waited    time.Duration  `json:"waited_ns"` // for a cell, at worst
	Calls     int            `json:"calls"`
	Endings   map[string]int `json:"endings"`           // calls by kind of error; "" for those that ended well
	Details   []string       `json:"details,omitempty"` // some messages
	// Growth is by how many bytes the process grew at most; -1 if unknown.
	Growth int64 `json:"growth"`
	// Pulse is how late, at worst, a goroutine woke that sleeps for a moment.
	Pulse time.Duration `json:"pulse_ns"`
	// Collection is how long a garbage collection took at worst.
	Collection time.Duration `json:"collection_ns"`
	// Machine is how late a goroutine of the parent woke meanwhile: what is late
	// in the child for want of a processor is so here too.
	Machine time.Duration `json:"machine_ns"`
	// Others is how long other processes, and other machines on the same processors,
	// had each processor meanwhile.
	Others time.Duration `json:"others_ns"`
	// Afterburn is the processor time that the host took in the moment after
	// the last call, when it should have been idle.
	Afterburn time.Duration `json:"afterburn_ns"`
	// Breaches tells what the guest did outside of its sandbox.
	Breaches []string `json:"breaches,omitempty"`
	// Broken is an error of the host that is no verdict on the guest.
	Broken string `json:"broken,omitempty"`
}

const (
	keptDetails = 3
	detailBytes = 300
)

// ended notes how a call ended.
func (r *Report) ended(end ending, wall time.Duration) {
	r.Calls++
	r.Endings[end.kind]++
	r.Wall, r.Waited = max(r.Wall, wall), max(r.Waited, end.waited)
	if end.detail != "" && len(r.Details) < keptDetails {
		r.Details = append(r.Details, fmt.Sprintf("%s: %.*s", end.kind, detailBytes, end.detail))
	}
}

// broke notes an error of the host.
func (r *Report) broke(err error) {
	if err != nil && r.Broken == "" {
		r.Broken = fmt.Sprintf("%.*s", detailBytes, err.Error())
	}
}
