package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

// readResult reads a result file as JSON, or else as text. Only a regular file
// is taken, and the path's last element must not be a link. Errors that the
// command's author can mend are *failure.
func readResult(path string, most int64) (json.RawMessage, error) {
	data, err := readRegular(path, most)
	if err != nil {
		return nil, err
	}
	switch {
	case len(data) == 0:
		return json.RawMessage("null"), nil
	case !utf8.Valid(data):
		return nil, failuref(KindInvalidOutput, "result file %s: it is neither JSON nor UTF-8 text", path)
	case json.Valid(data):
		return data, nil
	}
	return json.Marshal(string(data))
}

// readRegular reads a regular file of at most most bytes, through the one
// opening that was looked at.
func readRegular(path string, most int64) ([]byte, error) {
	f, size, err := openRegular(func(flags int) (*os.File, error) { return os.OpenFile(path, flags, 0) })
	if err != nil {
		return nil, failuref(KindInvalidOutput, "result file %s: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	var data []byte
	if size <= most {
		data, err = io.ReadAll(io.LimitReader(f, most+1))
	}
	if size > most || int64(len(data)) > most {
		return nil, failuref(KindOutputTooLarge, "result file %s: it has %d bytes, more than the %d of output_bytes", path, max(size, most+1), most)
	}
	if err != nil {
		return nil, failuref(KindInvalidOutput, "result file %s: %w", path, err)
	}
	return data, nil
}

// openRegular opens a regular file, and nothing else: a link isn't followed, a
// FIFO does not block, and no device is touched beyond its opening.
func openRegular(open func(flags int) (*os.File, error)) (*os.File, int64, error) {
	f, err := open(os.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_NOCTTY)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, errors.New("it does not exist: the command must write it")
	case errors.Is(err, syscall.ELOOP):
		return nil, 0, errors.New("it is a symbolic link: want a regular file")
	case errors.Is(err, syscall.ENXIO):
		return nil, 0, errors.New("it is a socket or a device: want a regular file")
	case err != nil:
		return nil, 0, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("it is %s: want a regular file", kindOf(st.Mode()))
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

// kindOf names what is no regular file.
func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	case m&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
