//go:build !linux

package inside

// Child returns: containers run Linux.
func Child() {}
