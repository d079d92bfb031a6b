//go:build !linux

package estimate_test

import "time"

var started = time.Now()

// threadTime is the time: the machine has to be quiet.
func threadTime() time.Duration { return time.Since(started) }
