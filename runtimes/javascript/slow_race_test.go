//go:build race

package javascript_test

// slowMachine says that times mean nothing: the race detector runs.
const slowMachine = true
