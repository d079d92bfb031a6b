package soak

import "time"

// aftermath is how long after its end a fault may still be why something is executed
// again: leases run out, leaders are elected.
const aftermath = 30 * time.Second

// again sums up what was executed more than once.
type again struct {
	executions, tries int // executions of functions; different tries among them
	own               int // once more, after a fault of the worker that had it
	others            int // likewise, of another process
	unexplained       []try
	recovery          time.Duration // the longest, from a fault of the worker until the attempt began anew
}

// share is which part of the tries was executed again.
func (a *again) share() float64 {
	if a.tries == 0 {
		return 0
	}
	return 100 * float64(a.executions-a.tries) / float64(a.tries)
}

// explain looks for the faults because of which something was executed again.
func (d *deeds) explain(all []fault) *again {
	a := &again{tries: len(d.executed)}
	for k, times := range d.executed {
		a.executions += len(times)
		for i := 1; i < len(times); i++ {
			from, to := times[i-1].at, times[i].at
			switch {
			case anyOf(all, from, to, times[i-1].worker):
				a.own++
				a.recovery = max(a.recovery, to.Sub(faultBefore(all, from, to, times[i-1].worker)))
			case anyOf(all, from, to, ""):
				a.others++
			default:
				a.unexplained = append(a.unexplained, k)
			}
		}
	}
	return a
}

// anyOf tells whether a fault of a process, or with "" of any, had effects between two
// times.
func anyOf(all []fault, from, to time.Time, target string) bool {
	for _, f := range all {
		over := f.Over.Add(aftermath)
		if f.Over.IsZero() {
			over = to
		}
		if (target == "" || f.Target == target) && !f.Begun.After(to) && !over.Before(from) {
			return true
		}
	}
	return false
}

// faultBefore is when the last fault of a process began before a time, or from if that
// is later.
func faultBefore(all []fault, from, to time.Time, target string) time.Time {
	last := from
	for _, f := range all {
		if f.Target == target && f.Begun.After(last) && f.Begun.Before(to) {
			last = f.Begun
		}
	}
	return last
}
