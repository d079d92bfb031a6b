//go:build race

package wasmhost_test

import "time"

// slack is larger under the race detector, which slows the host's own code.
const slack = 500 * time.Millisecond
