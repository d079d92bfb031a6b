package guestfs

import (
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/windows"
)

// noWait: what could make an opening wait here is not in a directory.
const noWait = 0

// rename makes room for a directory, as POSIX does, if an empty one is there.
func (d *dirTree) rename(from, to location, is FileType) Errno {
	old, e := d.lookEntry(to)
	switch {
	case e == ENOENT:
	case e != OK:
		return e
	case is == TypeDirectory && old.Type != TypeDirectory:
		return ENOTDIR
	case is != TypeDirectory && old.Type == TypeDirectory:
		return EISDIR
	case is == TypeDirectory && !d.same(from, old):
		if err := d.root.Remove(to.String()); err != nil {
			return fromHost(err)
		}
	}
	return fromHost(d.root.Rename(from.String(), to.String()))
}

func (d *dirTree) same(at location, as Stat) bool {
	st, e := d.lookEntry(at)
	return e == OK && st.Inode == as.Inode && st.Device == as.Device
}

// appendHost writes where the file ended a moment ago.
func (f *dirFile) appendHost(p []byte) (int, error) {
	info, err := f.file.Stat()
	if err != nil {
		return 0, err
	}
	return f.file.WriteAt(p, info.Size())
}

func appending(*dirFile, bool) error { return nil }

func statOf(info fs.FileInfo) Stat {
	st := portableStat(info)
	if sys, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
		st.Access = time.Unix(0, sys.LastAccessTime.Nanoseconds())
	}
	return st
}

// identify adds device and inode, which Windows tells of open files only.
func (d *dirTree) identify(at location, st *Stat) {
	if st.Type != TypeRegular && st.Type != TypeDirectory {
		return
	}
	file, err := d.root.Open(at.String())
	if err != nil {
		return // not readable: it stays without
	}
	defer func() { _ = file.Close() }()
	identifyOpen(file, st)
}

func identifyOpen(file *os.File, st *Stat) {
	var info windows.ByHandleFileInformation
	if onHandle(file, func(h windows.Handle) error { return windows.GetFileInformationByHandle(h, &info) }) != nil {
		return
	}
	st.Device = uint64(info.VolumeSerialNumber)
	st.Inode = uint64(info.FileIndexHigh)<<32 | uint64(info.FileIndexLow)
	st.Links = uint64(info.NumberOfLinks)
}

func onHandle(file *os.File, do func(windows.Handle) error) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if raw.Control(func(h uintptr) { failed = do(windows.Handle(h)) }) != nil {
		return fs.ErrClosed // nothing else goes wrong there
	}
	return failed
}

// setTimes sets the times of an open file that was opened for writing.
func setTimes(file *os.File, access, modify *time.Time) error {
	return onHandle(file, func(h windows.Handle) error {
		return windows.SetFileTime(h, nil, fileTime(access), fileTime(modify))
	})
}

func fileTime(t *time.Time) *windows.Filetime {
	if t == nil {
		return nil
	}
	ft := windows.NsecToFiletime(t.UnixNano())
	return &ft
}
