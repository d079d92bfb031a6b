package artifact

import (
	"os"

	"golang.org/x/sys/unix"
)

// sharedMemory is a file system in memory that every Linux has. wazero syncs the
// files that it writes, which on a disk takes longer than compiling a small
// module.
const sharedMemory = "/dev/shm"

// privateParent is where directories of processes are made.
func privateParent() string {
	if info, err := os.Stat(sharedMemory); err == nil && info.IsDir() {
		return sharedMemory
	}
	return os.TempDir()
}

// makeScratch makes a directory to compile a module of size bytes in: in private
// if it has room for far more code than the module will become.
func makeScratch(private string, size int) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(private, &fs); err == nil {
		room := fs.Bavail * uint64(fs.Bsize) / 2
		if room > codeRoom+codePerByte*uint64(size) {
			return os.MkdirTemp(private, scratchPattern)
		}
	}
	return os.MkdirTemp("", privatePattern)
}

// Native code takes about 5 bytes for one of a module; a container has perhaps 64
// MiB of shared memory.
const (
	codeRoom    = 4 << 20
	codePerByte = 16
)
