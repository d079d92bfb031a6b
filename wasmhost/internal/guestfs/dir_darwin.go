package guestfs

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func moreTimes(sys *syscall.Stat_t) (access, change time.Time) {
	return time.Unix(sys.Atimespec.Unix()), time.Unix(sys.Ctimespec.Unix())
}

// setTimes sets the times of an open file, to the microsecond. A time that it
// leaves is read first.
func setTimes(file *os.File, access, modify *time.Time) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	st := statOf(info)
	if access == nil {
		access = &st.Access
	}
	if modify == nil {
		modify = &st.Modify
	}
	times := []unix.Timeval{
		unix.NsecToTimeval(access.UnixNano()),
		unix.NsecToTimeval(modify.UnixNano()),
	}
	return onDescriptor(file, func(fd int) error { return unix.Futimes(fd, times) })
}
