//go:build !linux

package artifact

import "os"

// privateParent is where directories of processes are made.
func privateParent() string { return os.TempDir() }

// makeScratch makes a directory in private to compile in.
func makeScratch(private string, _ int) (string, error) {
	return os.MkdirTemp(private, scratchPattern)
}
