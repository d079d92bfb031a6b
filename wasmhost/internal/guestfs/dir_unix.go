//go:build unix

package guestfs

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// noWait opens pipes and devices without waiting for somebody, and without
// making a terminal ours.
const noWait = unix.O_NONBLOCK | unix.O_NOCTTY

// rename moves by the directories that hold both names. [os.Root.Rename]
// refuses to replace an empty directory, which POSIX allows.
func (d *dirTree) rename(from, to location, _ FileType) Errno {
	fromDir, fromName, _ := from.entry()
	toDir, toName, _ := to.entry()
	source, err := d.root.OpenFile(fromDir.String(), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fromHost(err)
	}
	defer func() { _ = source.Close() }()
	target, err := d.root.OpenFile(toDir.String(), os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return fromHost(err)
	}
	defer func() { _ = target.Close() }()
	return fromHost(onDescriptor(source, func(s int) error {
		return onDescriptor(target, func(t int) error {
			return unix.Renameat(s, fromName, t, toName)
		})
	}))
}

// onDescriptor runs do while the file can't be closed.
func onDescriptor(file *os.File, do func(fd int) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if raw.Control(func(fd uintptr) { failed = do(int(fd)) }) != nil {
		return fs.ErrClosed // nothing else goes wrong there
	}
	return failed
}

// appendHost writes all of p at the end, in one step for the system: other
// programs and calls may append to the same file.
func (f *dirFile) appendHost(p []byte) (int, error) {
	if err := appending(f, true); err != nil {
		return 0, err
	}
	return f.file.Write(p)
}

// appending switches the descriptor to append, or back: while it appends,
// Linux writes at the end wherever it is told to.
func appending(f *dirFile, on bool) error {
	if f.appends == on {
		return nil
	}
	err := onDescriptor(f.file, func(fd int) error {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		if err != nil {
			return err
		}
		flags &^= unix.O_APPEND
		if on {
			flags |= unix.O_APPEND
		}
		_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags)
		return err
	})
	if err == nil {
		f.appends = on
	}
	return err
}

// identify and identifyOpen have nothing to add to what statOf knows.
func (d *dirTree) identify(location, *Stat) {}

func identifyOpen(*os.File, *Stat) {}

func statOf(info fs.FileInfo) Stat {
	st := portableStat(info)
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		//nolint:unconvert // the types differ between systems
		st.Device, st.Inode, st.Links = uint64(sys.Dev), uint64(sys.Ino), uint64(sys.Nlink)
		st.Access, st.Change = moreTimes(sys)
	}
	return st
}
