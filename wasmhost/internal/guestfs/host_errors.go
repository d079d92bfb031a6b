package guestfs

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// fromHost translates an error of package os or io/fs. What it does not know
// is EIO.
func fromHost(err error) Errno {
	var number syscall.Errno
	var own Errno
	switch {
	case err == nil:
		return OK
	case errors.As(err, &own):
		return own
	case errors.As(err, &number):
		return fromNumber(number)
	case errors.Is(err, fs.ErrClosed):
		return EBADF
	case escapes(err):
		return EPERM
	}
	return fromKind(err)
}

// escapes reports whether os.Root refused to be left; it has no error value
// for that.
func escapes(err error) bool {
	var path *fs.PathError
	if errors.As(err, &path) {
		return strings.Contains(path.Err.Error(), "escapes")
	}
	var link *os.LinkError
	return errors.As(err, &link) && strings.Contains(link.Err.Error(), "escapes")
}

func fromNumber(number syscall.Errno) Errno {
	if runtime.GOOS == "windows" {
		if e, ok := ofWindows[number]; ok {
			return e
		}
	}
	if e, ok := ofPOSIX[number]; ok {
		return e
	}
	return fromKind(number)
}

// fromKind goes by the few kinds of error that every system and io/fs know.
func fromKind(err error) Errno {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ENOENT
	case errors.Is(err, fs.ErrExist):
		return EEXIST
	case errors.Is(err, fs.ErrPermission):
		return EACCES
	case errors.Is(err, fs.ErrInvalid):
		return EINVAL
	case errors.Is(err, errors.ErrUnsupported):
		return ENOTSUP
	}
	return EIO
}

// ofPOSIX are numbers by names that package syscall has on Windows too, where
// it makes them up.
var ofPOSIX = map[syscall.Errno]Errno{
	syscall.EACCES:       EACCES,
	syscall.EAGAIN:       EAGAIN,
	syscall.EBADF:        EBADF,
	syscall.EBUSY:        EBUSY,
	syscall.EDQUOT:       ENOSPC,
	syscall.EEXIST:       EEXIST,
	syscall.EFBIG:        EFBIG,
	syscall.EILSEQ:       EILSEQ,
	syscall.EINVAL:       EINVAL,
	syscall.EIO:          EIO,
	syscall.EISDIR:       EISDIR,
	syscall.ELOOP:        ELOOP,
	syscall.EMFILE:       EMFILE,
	syscall.EMLINK:       EMLINK,
	syscall.ENAMETOOLONG: ENAMETOOLONG,
	syscall.ENFILE:       EMFILE,
	syscall.ENOENT:       ENOENT,
	syscall.ENOMEM:       ENOMEM,
	syscall.ENOSPC:       ENOSPC,
	syscall.ENOSYS:       ENOSYS,
	syscall.ENOTDIR:      ENOTDIR,
	syscall.ENOTEMPTY:    ENOTEMPTY,
	syscall.ENOTSUP:      ENOTSUP,
	syscall.ENXIO:        EPERM, // a pipe without a reader, a socket
	syscall.EOVERFLOW:    EOVERFLOW,
	syscall.EPERM:        EPERM,
	syscall.EROFS:        EROFS,
	syscall.ESPIPE:       ESPIPE,
	syscall.ETXTBSY:      EBUSY,
	syscall.EXDEV:        EXDEV,
}

// ofWindows are system error codes by number, as package syscall names them on
// Windows alone: https://learn.microsoft.com/windows/win32/debug/system-error-codes
var ofWindows = map[syscall.Errno]Errno{
	2:    ENOENT,       // ERROR_FILE_NOT_FOUND
	3:    ENOENT,       // ERROR_PATH_NOT_FOUND
	4:    EMFILE,       // ERROR_TOO_MANY_OPEN_FILES
	5:    EACCES,       // ERROR_ACCESS_DENIED
	6:    EBADF,        // ERROR_INVALID_HANDLE
	8:    ENOMEM,       // ERROR_NOT_ENOUGH_MEMORY
	14:   ENOMEM,       // ERROR_OUTOFMEMORY
	17:   EXDEV,        // ERROR_NOT_SAME_DEVICE
	19:   EROFS,        // ERROR_WRITE_PROTECT
	32:   EBUSY,        // ERROR_SHARING_VIOLATION
	33:   EBUSY,        // ERROR_LOCK_VIOLATION
	39:   ENOSPC,       // ERROR_HANDLE_DISK_FULL
	80:   EEXIST,       // ERROR_FILE_EXISTS
	87:   EINVAL,       // ERROR_INVALID_PARAMETER
	112:  ENOSPC,       // ERROR_DISK_FULL
	123:  ENOENT,       // ERROR_INVALID_NAME: no file can have it
	145:  ENOTEMPTY,    // ERROR_DIR_NOT_EMPTY
	161:  ENOENT,       // ERROR_BAD_PATHNAME
	183:  EEXIST,       // ERROR_ALREADY_EXISTS
	206:  ENAMETOOLONG, // ERROR_FILENAME_EXCED_RANGE
	267:  ENOTDIR,      // ERROR_DIRECTORY
	1295: ENOSPC,       // ERROR_DISK_QUOTA_EXCEEDED
	1314: EPERM,        // ERROR_PRIVILEGE_NOT_HELD
	1921: ELOOP,        // ERROR_CANT_RESOLVE_FILENAME
}
