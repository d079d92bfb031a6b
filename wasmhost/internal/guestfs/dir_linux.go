package guestfs

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func moreTimes(sys *syscall.Stat_t) (access, change time.Time) {
	return time.Unix(sys.Atim.Unix()), time.Unix(sys.Ctim.Unix())
}

// setTimes sets the times of an open file. It takes Linux 5.8 or later.
func setTimes(file *os.File, access, modify *time.Time) error {
	spec := func(t *time.Time) (unix.Timespec, error) {
		if t == nil {
			return unix.Timespec{Nsec: unix.UTIME_OMIT}, nil
		}
		return unix.TimeToTimespec(*t)
	}
	a, err := spec(access)
	if err != nil {
		return err
	}
	m, err := spec(modify)
	if err != nil {
		return err
	}
	return onDescriptor(file, func(fd int) error {
		return unix.UtimesNanoAt(fd, "", []unix.Timespec{a, m}, unix.AT_EMPTY_PATH)
	})
}
