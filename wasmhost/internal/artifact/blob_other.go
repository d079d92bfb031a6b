//go:build !linux

package artifact

import "os"

func newBlob(dir string) (*blob, error) { return newFileBlob(dir) }

// seal does nothing here: the directory is what keeps others away.
func (b *blob) seal() error { return nil }

// descriptorBlob is nil: no path leads to a descriptor.
func descriptorBlob(*os.File) *blob { return nil }
