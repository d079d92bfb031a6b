package docker

import "golang.org/x/sys/unix"

// inMemory tells whether what is written to a directory stays off disks, but for
// swap.
func inMemory(dir string) bool {
	var stat unix.Statfs_t
	err := unix.Statfs(dir, &stat)
	return err == nil && (stat.Type == unix.TMPFS_MAGIC || stat.Type == unix.RAMFS_MAGIC)
}
