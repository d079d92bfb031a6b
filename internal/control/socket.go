package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
)

// socketFile is the socket's name in the directory; where the path of the
// directory is too long for a socket, it is a symbolic link to one elsewhere.
const socketFile = "control.sock"

// maxSocketPath is the longest path of a socket in bytes: macOS takes 103, Linux
// 107.
const maxSocketPath = 100

// prefix begins the names of the directories in which sockets are made.
const prefix = ".graflow-control-"

// Listen opens the socket of a directory for this user alone, in place of one
// that a process has left behind. The caller is the only one that has the
// directory open. Closing the listener removes the socket.
func Listen(dir string) (net.Listener, error) {
	l, err := listen(dir)
	if err != nil {
		return nil, fmt.Errorf("listen in %s: %w", dir, err)
	}
	return l, nil
}

func listen(dir string) (net.Listener, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, socketFile)
	discard(name)
	if runtime.GOOS == "windows" { // which has no modes, and renames no sockets
		return net.Listen("unix", name)
	}
	// A socket is made in a directory that nobody else may enter: it can't be
	// made with its mode.
	private, err := os.MkdirTemp(dir, prefix)
	if err != nil {
		return nil, err
	}
	linked := len(filepath.Join(private, "s")) > maxSocketPath
	if linked {
		if err := os.Remove(private); err != nil {
			return nil, err
		}
		if private, err = os.MkdirTemp("", prefix); err != nil {
			return nil, err
		}
	}
	l, err := bind(private, name, linked)
	if err != nil || !linked {
		err = errors.Join(err, os.RemoveAll(private))
	}
	if err != nil {
		return nil, err
	}
	return &listener{Listener: l, remove: sync.OnceFunc(func() { discard(name) })}, nil
}

// bind makes the socket in a private directory, and gives it its name.
func bind(private, name string, linked bool) (net.Listener, error) {
	made := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	err = os.Chmod(made, 0o600)
	switch {
	case err != nil:
	case linked:
		err = os.Symlink(made, name)
	default:
		err = os.Rename(made, name)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// discard removes a socket, and where it is a link what that leads to. What is
// not there need not be removed.
func discard(name string) {
	if made, err := os.Readlink(name); err == nil {
		if private := filepath.Dir(made); strings.HasPrefix(filepath.Base(private), prefix) {
			_ = os.Remove(made)    // gone already, perhaps
			_ = os.Remove(private) // likewise
		}
	}
	_ = os.Remove(name) // if it can't be removed, it can't be made anew
	left, _ := os.ReadDir(filepath.Dir(name))
	for _, e := range left {
		if strings.HasPrefix(e.Name(), prefix) { // of a process that was killed just then
			_ = os.RemoveAll(filepath.Join(filepath.Dir(name), e.Name()))
		}
	}
}

// listener removes its socket when it is closed.
type listener struct {
	net.Listener

	remove func()
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.remove() // first: later it may be another process's
	return l.Listener.Close()
}

func dial(ctx context.Context, dir string) (net.Conn, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(dir, socketFile)
	if made, err := os.Readlink(name); err == nil {
		name = made
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", name)
}
