package docker

import "strings"

// envTraceparent has the trace that an attempt is part of, as programs look for one
// that are followed by OpenTelemetry. A task that sets it itself has its own.
const envTraceparent = "TRACEPARENT"

// isTraceparent tells whether a run's trace is one of the W3C's Trace Context: what is
// opaque to the engine can be anything.
func isTraceparent(trace string) bool {
	const form = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"
	if len(trace) != len(form) {
		return false
	}
	for i := range len(form) {
		if digit := strings.IndexByte("0123456789abcdef", trace[i]) >= 0; digit == (form[i] == '-') || !digit && trace[i] != '-' {
			return false
		}
	}
	return true
}
