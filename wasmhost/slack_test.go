//go:build !race

package wasmhost_test

import "time"

// slack is how late a call may return after its limit.
const slack = 100 * time.Millisecond
