package inside

import (
	"os"
	"strconv"
	"strings"
)

// kills is how many processes of this container the kernel has ended for want of
// memory, as far as can be told.
func kills() int64 {
	for _, path := range []string{"/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"} {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if count, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
				n, _ := strconv.ParseInt(count, 10, 64)
				return n
			}
		}
	}
	return 0
}
