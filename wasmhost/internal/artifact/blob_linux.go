package artifact

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// newBlob returns a blob; dir is for where memory files can't be had.
func newBlob(dir string) (*blob, error) {
	if b := newMemoryBlob(); b != nil {
		return b, nil
	}
	return newFileBlob(dir)
}

// newMemoryBlob returns nil where memory files can't be opened by a path, which
// needs /proc.
func newMemoryBlob() *blob {
	fd, err := unix.MemfdCreate("graflow-code", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil
	}
	return throughProc(fd)
}

// descriptorBlob is a blob that shares a file; nil where no path leads to it.
func descriptorBlob(file *os.File) *blob {
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return throughProc(fd)
}

// throughProc is a blob that is opened by its descriptor's path; nil, and the
// descriptor is closed, where that does not lead to it.
func throughProc(fd int) *blob {
	path := fmt.Sprintf("/proc/self/fd/%d", fd)
	b := &blob{file: os.NewFile(uintptr(fd), path), path: path}
	own, err := b.file.Stat()
	if err == nil {
		if there, err := os.Stat(path); err == nil && os.SameFile(own, there) {
			return b
		}
	}
	_ = b.file.Close()
	return nil
}

// seal ends writing, for good and for every process.
func (b *blob) seal() error {
	if b.temp {
		return nil
	}
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	_, err := unix.FcntlInt(b.file.Fd(), unix.F_ADD_SEALS, all)
	return err
}
