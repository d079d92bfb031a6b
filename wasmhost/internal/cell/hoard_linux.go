package cell

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// hoarded is how many bytes a process holds in files that are nowhere: those in
// memory, which no resource limit adds up. 0 if it can't be told.
func hoarded(pid int) int64 {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	open, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	bytes, seen := int64(0), map[uint64]bool{}
	for _, fd := range open {
		var st unix.Stat_t
		if unix.Stat(dir+fd.Name(), &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 0 || seen[st.Ino] {
			continue
		}
		seen[st.Ino] = true
		bytes += st.Blocks * 512
	}
	return bytes
}
