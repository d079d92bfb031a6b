package engine

import "time"

// Clock is Timers with a time of their own: of a test in which hours pass at once,
// for one. An engine whose backend has one takes the times of its events from it,
// and bounds attempts by it. Leases, and the patience with a handler that does not
// return, are matters of the process, and by the clock that all have.
type Clock interface {
	Timers
	Now() time.Time
}

// now is the time of what happens.
func (e *Engine) now() time.Time {
	if e.clock != nil {
		return e.clock.Now()
	}
	return time.Now()
}

// until is the time that is left; less than 0 once it has gone by.
func (e *Engine) until(t time.Time) time.Duration {
	if e.clock != nil {
		return t.Sub(e.clock.Now())
	}
	return time.Until(t)
}

// afterFunc calls f in d from now; the returned function stops that.
func (e *Engine) afterFunc(d time.Duration, f func()) (stop func()) {
	if e.clock != nil {
		return e.clock.After(d, f)
	}
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}
