package inside

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// checkReadOnly refuses a directory of code that could be written here.
func checkReadOnly(dir string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return fmt.Errorf("directory of compiled code: %w", err)
	}
	if fs.Flags&unix.ST_RDONLY == 0 {
		return fmt.Errorf("directory of compiled code %s: it is not mounted read-only", dir)
	}
	return nil
}
