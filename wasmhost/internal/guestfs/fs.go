package guestfs

import "time"

// FS is one file tree. Paths are slash-separated and relative to its root, ""
// and "." are the root itself. A path that leads out, by "..", a link or a
// slash at its begin, is EPERM; one that is not UTF-8 is EILSEQ; a name beyond
// 255 bytes, or a path beyond 4095, is ENAMETOOLONG. "name/" must be a
// directory. Errors are those of Linux otherwise.
//
// An FS and its files are used by one goroutine at a time.
type FS interface {
	// Open opens a file or directory. A pipe, socket or device is EPERM.
	Open(path string, flags OpenFlags) (File, Errno)
	// Stat tells of a path; with follow of what a link points to.
	Stat(path string, follow bool) (Stat, Errno)
	Mkdir(path string) Errno
	Rmdir(path string) Errno
	// Unlink removes anything but a directory, which is EISDIR.
	Unlink(path string) Errno
	// Rename moves within this tree, and replaces as POSIX does.
	Rename(from, to string) Errno
	Readlink(path string) (string, Errno)
	// SetTimes sets the times of access and modification; nil leaves one.
	SetTimes(path string, follow bool, access, modify *time.Time) Errno
	// Close releases the tree, not its content. Open files stay usable until
	// they are closed.
	Close() error
}

// File is an open file or directory, without a position.
type File interface {
	Stat() (Stat, Errno)
	// ReadAt reads up to len(p) bytes; 0 and no error at the end.
	ReadAt(p []byte, offset int64) (int, Errno)
	// WriteAt writes all of p or fails; a gap before offset reads as zeros.
	// What changes a file not opened with Write is EBADF, what its quota has
	// no room for ENOSPC.
	WriteAt(p []byte, offset int64) (int, Errno)
	// Append writes at the end, wherever that is by now.
	Append(p []byte) (int, Errno)
	Truncate(size int64) Errno
	Sync() Errno
	// ReadDir lists a directory, sorted by name, without "." and "..".
	ReadDir() ([]DirEntry, Errno)
	SetTimes(access, modify *time.Time) Errno
	Close() Errno
}

// OpenFlags say how to open a file. Without Write it is read only.
type OpenFlags uint8

// Flags of Open. Write and Truncate of a file, and Create of one that is not
// there, are EROFS in a tree that is not writable.
const (
	Write OpenFlags = 1 << iota
	Create
	Exclusive
	Truncate
	Directory // it must be a directory
	NoFollow  // a link at the end of the path is ELOOP
)

// FileType is what a path is, by its WASI preview 1 number.
type FileType uint8

// File types.
const (
	TypeUnknown   FileType = 0
	TypeCharacter FileType = 2
	TypeDirectory FileType = 3
	TypeRegular   FileType = 4
	TypeLink      FileType = 7
)

// Stat tells of a file.
type Stat struct {
	Type   FileType
	Device uint64
	Inode  uint64
	Links  uint64
	Size   int64 // bytes
	Access time.Time
	Modify time.Time
	Change time.Time
}

// DirEntry is one name of a directory.
type DirEntry struct {
	Name  string
	Type  FileType
	Inode uint64
}
