//go:build race

package runner

// Race tells whether this program is built with the race detector, which makes
// everything slower by more than the bounds allow for.
const Race = true
