package estimate_test

import (
	"time"

	"golang.org/x/sys/unix"
)

// threadTime is what this thread has run, whatever else the machine does.
func threadTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
