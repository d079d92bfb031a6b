package inside

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ipcObject is a piece of System V IPC, which outlives its processes.
type ipcObject struct {
	kind string // "shm", "msg", "sem": the table's name in /proc/sysvipc
	id   int
}

// listIPC lists the objects of this container.
func listIPC() (map[ipcObject]bool, error) {
	found := map[ipcObject]bool{}
	for _, kind := range []string{"shm", "msg", "sem"} {
		text, err := os.ReadFile("/proc/sysvipc/" + kind)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without
		}
		if err != nil {
			return nil, err
		}
		rows := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, row := range rows[1:] { // the first is the heading
			fields := strings.Fields(row)
			if len(fields) < 2 {
				return nil, fmt.Errorf("read /proc/sysvipc/%s: %q", kind, row)
			}
			id, err := strconv.Atoi(fields[1])
			if err != nil {
				return nil, fmt.Errorf("read /proc/sysvipc/%s: %w", kind, err)
			}
			found[ipcObject{kind, id}] = true
		}
	}
	return found, nil
}

// clearIPC removes the objects that were not there before.
func (p pristine) clearIPC() error {
	now, err := listIPC()
	if err != nil {
		return err
	}
	for object := range now {
		if p.ipc[object] {
			continue
		}
		if err := object.remove(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EIDRM) {
			return fmt.Errorf("remove %s object %d of a job: %w", object.kind, object.id, err)
		}
	}
	return nil
}

func (o ipcObject) remove() error {
	var errno unix.Errno
	switch o.kind {
	case "shm":
		_, _, errno = unix.Syscall(unix.SYS_SHMCTL, uintptr(o.id), unix.IPC_RMID, 0)
	case "msg":
		_, _, errno = unix.Syscall(unix.SYS_MSGCTL, uintptr(o.id), unix.IPC_RMID, 0)
	case "sem":
		_, _, errno = unix.Syscall(unix.SYS_SEMCTL, uintptr(o.id), 0, unix.IPC_RMID)
	}
	if errno != 0 {
		return errno
	}
	return nil
}
