package pooled

import "time"

// SetDrain shortens the wait for output of a job that has ended.
func SetDrain(d time.Duration) { drain = d }
