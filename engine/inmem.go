package engine

import (
	"time"
)

// memLeaseTime is how long an attempt in memory may go without an extension.
const memLeaseTime = 10 * time.Second

// InMemory returns a backend that keeps everything in this process.
func InMemory() *Backend {
	return &Backend{
		Journal: newMemJournal(),
		Queue:   newMemQueue(memLeaseTime),
		Timers:  runtimeTimers{},
		Channel: newMemChannel(),
		Blobs:   newMemBlobs(),
	}
}

// runtimeTimers are the Go runtime's.
type runtimeTimers struct{}

var _ Timers = runtimeTimers{}

func (runtimeTimers) After(d time.Duration, f func()) func() {
	t := time.AfterFunc(d, f)
	return func() { t.Stop() }
}
