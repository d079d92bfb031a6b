package cell

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Lend returns a descriptor of dir that can be sent to a cell: from it the cell
// reaches what is in dir, with what is mounted there, and nothing above, however it
// tries; nothing there is executable, and nothing can be changed unless writable
// is set. The caller closes it.
//
// It needs the right to mount, or to make user namespaces. Where there is neither,
// the descriptor is a plain one, confined is false, and a cell that was taken over
// can climb from it to all that this process's user may read.
func (p *Pool) Lend(ctx context.Context, dir *os.File, writable bool) (lent *os.File, confined bool, err error) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return nil, false, fmt.Errorf("lend %s: %w", dir.Name(), err)
	}
	fd := -1
	if controlled := raw.Control(func(own uintptr) { fd, err = detach(int(own), "", writable) }); controlled != nil {
		err = controlled
	}
	switch {
	case err == nil:
		return os.NewFile(uintptr(fd), dir.Name()), true, nil
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOSYS):
		return nil, false, fmt.Errorf("lend %s: %w", dir.Name(), err)
	}
	if w, _, _ := p.choice.now(); w.flags&unix.CLONE_NEWUSER != 0 {
		if lent, err = p.lender.ask(ctx, p, dir, writable); err != nil {
			return nil, false, fmt.Errorf("lend %s: %w", dir.Name(), err)
		}
		return lent, true, nil
	}
	if lent, err = plain(dir); err != nil {
		return nil, false, fmt.Errorf("lend %s: %w", dir.Name(), err)
	}
	return lent, false, nil
}

// detach returns a mount of a directory, and of what is mounted in it, that is
// nowhere: it has no parent to climb to.
func detach(dir int, path string, writable bool) (int, error) {
	fd, err := unix.OpenTree(dir, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return -1, err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV | unix.MOUNT_ATTR_NOEXEC}
	if !writable {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		_ = unix.Close(fd) // nothing was written to it
		return -1, fmt.Errorf("restrict it: %w", err)
	}
	return fd, nil
}

func plain(dir *os.File) (*os.File, error) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	if controlled := raw.Control(func(own uintptr) {
		fd, err = unix.Openat(int(own), ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	}); controlled != nil {
		return nil, controlled
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), dir.Name()), nil
}
