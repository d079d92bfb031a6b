//go:build !linux

package artifact

import "os"

// makePrivate makes this process's own directory, of mode 0700.
func makePrivate() (string, error) { return os.MkdirTemp("", privatePattern) }

// makeScratch makes a directory in private to compile in.
func makeScratch(private string, _ int) (string, error) {
	return os.MkdirTemp(private, scratchPattern)
}
