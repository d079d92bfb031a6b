package inside

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// attributes are what a process of the same user can change of this one, and
// what the next job would inherit.
type attributes struct {
	limits  [16]unix.Rlimit
	threads map[threadAttributes]bool // all that some thread has
}

type threadAttributes struct {
	policy, nice, priority, io int
	processors                 unix.CPUSet
}

// ioprioWhoProcess is the kernel's IOPRIO_WHO_PROCESS.
const ioprioWhoProcess = 1

// ownAttributes reads them.
func ownAttributes() (attributes, error) {
	a := attributes{threads: map[threadAttributes]bool{}}
	for i := range a.limits {
		if err := unix.Prlimit(0, i, nil, &a.limits[i]); err != nil {
			return a, fmt.Errorf("read limits of this process: %w", err)
		}
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return a, err
	}
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		if err != nil {
			return a, err
		}
		t, err := threadOf(id)
		if errors.Is(err, unix.ESRCH) { // the thread has ended since
			continue
		}
		if err != nil {
			return a, fmt.Errorf("read attributes of thread %d: %w", id, err)
		}
		a.threads[t] = true
	}
	return a, nil
}

func threadOf(id int) (threadAttributes, error) {
	var t threadAttributes
	schedule, err := unix.SchedGetAttr(id, 0)
	if err != nil {
		return t, err
	}
	t.policy, t.nice, t.priority = int(schedule.Policy), int(schedule.Nice), int(schedule.Priority)
	if err := unix.SchedGetaffinity(id, &t.processors); err != nil {
		return t, err
	}
	io, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ioprioWhoProcess, uintptr(id), 0)
	if errno == 0 { // a seccomp profile may deny it
		t.io = int(io)
	}
	return t, nil
}

func (a attributes) equal(b attributes) bool {
	return a.limits == b.limits && maps.Equal(a.threads, b.threads)
}
