package engine

// Counts are what befell a process since its engine was made, beside the ends of its
// attempts.
type Counts struct {
	// Stale are attempts whose end was dropped, since their activation had gone on
	// without them; LeasesLost those ended here before another worker got them.
	Stale, LeasesLost uint64
	// DeadLetters are the deliveries and the runs that this process has given up.
	DeadLetters uint64
	// Begun are the runs that were begun here, whoever drives them; the next three are
	// ends of runs that this process drives, and Driven is how many it does now.
	Begun, Succeeded, Failed, Canceled uint64
	Driven                             int
}

// Counts tells what has befallen this process so far.
func (e *Engine) Counts() Counts {
	c := &e.counters
	return Counts{
		Stale: c.stale.Load(), LeasesLost: c.leasesLost.Load(), DeadLetters: c.deadLetters.Load(), Begun: c.begun.Load(),
		Succeeded: c.runsSucceeded.Load(), Failed: c.runsFailed.Load(), Canceled: c.runsCanceled.Load(), Driven: len(e.allRunning()),
	}
}

// finished takes a run's end.
func (c *counters) finished(s Status) {
	switch s {
	case StatusSucceeded:
		c.runsSucceeded.Add(1)
	case StatusFailed:
		c.runsFailed.Add(1)
	case StatusCanceled:
		c.runsCanceled.Add(1)
	}
}
