package artifact

import (
	"errors"
	"os"
)

// blob is native code on its way to wazero. It is written once, sealed, and from
// then on everyone who reads it gets the same bytes: those that are verified are
// those that are loaded.
//
// On Linux it is a sealed memory file, without a name. Elsewhere, or where those
// can't be had, it is a file in this process's own directory of mode 0700.
type blob struct {
	file *os.File
	path string // opens it
	temp bool   // path is a file to remove
}

// newFileBlob returns a blob that is a file in dir.
func newFileBlob(dir string) (*blob, error) {
	f, err := os.CreateTemp(dir, "blob-")
	if err != nil {
		return nil, err
	}
	return &blob{file: f, path: f.Name(), temp: true}, nil
}

// Write appends, until the blob is sealed.
func (b *blob) Write(p []byte) (int, error) { return b.file.Write(p) }

// ReadAt reads at an offset, whatever else is read.
func (b *blob) ReadAt(p []byte, offset int64) (int, error) { return b.file.ReadAt(p, offset) }

// size in bytes.
func (b *blob) size() (int64, error) {
	st, err := b.file.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// link makes name open this blob.
func (b *blob) link(name string) error {
	if b.temp {
		return os.Link(b.path, name)
	}
	return os.Symlink(b.path, name)
}

// linked says whether name still is what link made.
func (b *blob) linked(name string) bool {
	if !b.temp {
		target, err := os.Readlink(name)
		return err == nil && target == b.path
	}
	there, err := os.Lstat(name)
	if err != nil {
		return false
	}
	own, err := b.file.Stat()
	return err == nil && os.SameFile(there, own)
}

// Close frees the blob. No link to it may be left: the number of its descriptor
// is used again.
func (b *blob) Close() error {
	err := b.file.Close()
	if b.temp {
		err = errors.Join(err, os.Remove(b.path))
	}
	return err
}
