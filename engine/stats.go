package engine

import "sync/atomic"

// Stats counts the attempts of a process since its engine was made.
type Stats struct {
	// Processed are those whose end is in the journal: the sum of the next seven.
	// What came too late to count is not among them.
	Processed uint64 `json:"processed"`
	Succeeded uint64 `json:"succeeded"`
	Failed    uint64 `json:"failed"`    // other than by a timeout
	TimedOut  uint64 `json:"timed_out"` // by their own bound, or by that of their activation
	Stopped   uint64 `json:"stopped"`   // as their run or group ended, or never begun
	Returned  uint64 `json:"returned"`  // handed back, for other processes to begin anew
	Paused    uint64 `json:"paused"`    // to wait for an answer
	Called    uint64 `json:"called"`    // to wait for tasks that they have called
	// Active are the attempts that run now.
	Active int `json:"active"`
}

// counters are what Stats and Counts are read from.
type counters struct {
	succeeded, failed, timedOut, stopped, returned, paused, called atomic.Uint64

	stale, leasesLost, deadLetters                 atomic.Uint64 // see Counts
	begun, runsSucceeded, runsFailed, runsCanceled atomic.Uint64
}

// count takes an attempt's end that is in the journal.
func (c *counters) count(e *Event) {
	switch e.Type {
	case EventCompleted:
		c.succeeded.Add(1)
	case EventStopped:
		c.stopped.Add(1)
	case EventReturned:
		c.returned.Add(1)
	case EventPaused:
		c.paused.Add(1)
	case EventCalled:
		c.called.Add(1)
	case EventFailed:
		if e.Error != nil && (e.Error.Kind == KindTimeout || e.Error.Kind == KindDeadline) {
			c.timedOut.Add(1)
			return
		}
		c.failed.Add(1)
	}
}

// Stats tells what this process has done so far.
func (e *Engine) Stats() Stats {
	c := &e.counters
	s := Stats{
		Succeeded: c.succeeded.Load(), Failed: c.failed.Load(), TimedOut: c.timedOut.Load(),
		Stopped: c.stopped.Load(), Returned: c.returned.Load(), Paused: c.paused.Load(), Called: c.called.Load(), Active: e.Executing(),
	}
	s.Processed = s.Succeeded + s.Failed + s.TimedOut + s.Stopped + s.Returned + s.Paused + s.Called
	return s
}
