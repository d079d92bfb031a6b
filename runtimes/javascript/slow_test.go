//go:build !race

package javascript_test

const slowMachine = false
