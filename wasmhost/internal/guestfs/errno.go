package guestfs

import "fmt"

// Errno is an error number of WASI preview 1; 0 is success.
//
// See https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno
type Errno uint16

// The error numbers in use.
const (
	OK           Errno = 0
	E2BIG        Errno = 1
	EACCES       Errno = 2
	EAGAIN       Errno = 6
	EBADF        Errno = 8
	EBUSY        Errno = 10
	EEXIST       Errno = 20
	EFAULT       Errno = 21
	EFBIG        Errno = 22
	EILSEQ       Errno = 25
	EINVAL       Errno = 28
	EIO          Errno = 29
	EISDIR       Errno = 31
	ELOOP        Errno = 32
	EMFILE       Errno = 33
	EMLINK       Errno = 34
	ENAMETOOLONG Errno = 37
	ENOENT       Errno = 44
	ENOMEM       Errno = 48
	ENOSPC       Errno = 51
	ENOSYS       Errno = 52
	ENOTDIR      Errno = 54
	ENOTEMPTY    Errno = 55
	ENOTSOCK     Errno = 57
	ENOTSUP      Errno = 58
	EOVERFLOW    Errno = 61
	EPERM        Errno = 63
	EPIPE        Errno = 64
	ERANGE       Errno = 68
	EROFS        Errno = 69
	ESPIPE       Errno = 70
	EXDEV        Errno = 75
	ENOTCAPABLE  Errno = 76
)

// Error makes an Errno usable as an error in messages.
func (e Errno) Error() string {
	if name := errnoNames[e]; name != "" {
		return name
	}
	return fmt.Sprintf("wasi errno %d", uint16(e))
}

var errnoNames = map[Errno]string{
	OK:           "success",
	E2BIG:        "E2BIG",
	EACCES:       "EACCES",
	EAGAIN:       "EAGAIN",
	EBADF:        "EBADF",
	EBUSY:        "EBUSY",
	EEXIST:       "EEXIST",
	EFAULT:       "EFAULT",
	EFBIG:        "EFBIG",
	EILSEQ:       "EILSEQ",
	EINVAL:       "EINVAL",
	EIO:          "EIO",
	EISDIR:       "EISDIR",
	ELOOP:        "ELOOP",
	EMFILE:       "EMFILE",
	EMLINK:       "EMLINK",
	ENAMETOOLONG: "ENAMETOOLONG",
	ENOENT:       "ENOENT",
	ENOMEM:       "ENOMEM",
	ENOSPC:       "ENOSPC",
	ENOSYS:       "ENOSYS",
	ENOTDIR:      "ENOTDIR",
	ENOTEMPTY:    "ENOTEMPTY",
	ENOTSOCK:     "ENOTSOCK",
	ENOTSUP:      "ENOTSUP",
	EOVERFLOW:    "EOVERFLOW",
	EPERM:        "EPERM",
	EPIPE:        "EPIPE",
	ERANGE:       "ERANGE",
	EROFS:        "EROFS",
	ESPIPE:       "ESPIPE",
	EXDEV:        "EXDEV",
	ENOTCAPABLE:  "ENOTCAPABLE",
}
