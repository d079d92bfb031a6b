package cell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lender is a process of ours in a user and a mount namespace of its own, where
// it may mount though this one may not. It sees all mounts and has no walls, but
// it does nothing else, and hears nobody but us.
type lender struct {
	mu   sync.Mutex // guards what follows, and its connection
	cell *Cell      // nil before it is needed
}

// lendRequest asks for a directory.
type lendRequest struct {
	Path     string
	Writable bool
}

// ask has the lender detach a directory.
func (l *lender) ask(ctx context.Context, p *Pool, dir *os.File, writable bool) (*os.File, error) {
	path, err := pathOf(dir)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cell == nil {
		if l.cell, err = p.startLender(ctx); err != nil {
			return nil, fmt.Errorf("start a process to mount it: %w", err)
		}
	}
	request, err := json.Marshal(lendRequest{path, writable})
	if err != nil {
		return nil, err
	}
	_ = l.cell.end.file.SetDeadline(time.Now().Add(p.config.Start)) // a socket takes one
	f, err := l.converse(request)
	if err != nil {
		d := l.cell.Lost()
		l.cell = nil
		return nil, fmt.Errorf("the process that mounts it: %s: %w", d, err)
	}
	if len(f.Files) != 1 {
		return nil, errors.New(string(f.Data))
	}
	if err := same(dir, f.Files[0]); err != nil {
		closeAll(f.Files)
		return nil, err
	}
	return f.Files[0], nil
}

func (l *lender) converse(request []byte) (Frame, error) {
	if err := l.cell.send(kindLend, request, nil, nil); err != nil {
		return Frame{}, err
	}
	return l.cell.receive()
}

func (p *Pool) startLender(ctx context.Context) (*Cell, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	p.active.Add(1)
	p.mu.Unlock()
	defer p.active.Done()
	w := way{name: "as a lender", flags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS, own: true}
	return p.spawnAndGreet(ctx, w, nil, Want{Self: true, lender: true})
}

// lendAll is a lender's life.
func lendAll(c *Conn, s settings) error {
	// What is mounted outside appears here, but not the reverse.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("follow mounts: %w", err)
	}
	beat()
	go beatAll(s.Heartbeat)
	if err := c.send(kindReady, []byte("{}"), nil, nil); err != nil {
		return err
	}
	for {
		f, err := c.receive()
		if err != nil {
			return err
		}
		var r lendRequest
		if err := json.Unmarshal(f.Header, &r); err != nil {
			return err
		}
		if err := lendOne(c, r); err != nil {
			return err
		}
	}
}

func lendOne(c *Conn, r lendRequest) error {
	fd, err := detach(unix.AT_FDCWD, r.Path, r.Writable)
	if err != nil {
		return c.send(kindLend, nil, []byte(err.Error()), nil)
	}
	dir := os.NewFile(uintptr(fd), r.Path)
	defer closeFiles(dir)
	return c.send(kindLend, nil, nil, []*os.File{dir})
}

// pathOf is where an open directory is now.
func pathOf(dir *os.File) (path string, err error) {
	raw, err := dir.SyscallConn()
	if err != nil {
		return "", err
	}
	if controlled := raw.Control(func(fd uintptr) {
		path, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	}); controlled != nil {
		return "", controlled
	}
	return path, err
}

// same says whether two open directories are one: a path may lead elsewhere by
// now.
func same(a, b *os.File) error {
	was, err := a.Stat()
	if err != nil {
		return err
	}
	is, err := b.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(was, is) {
		return errors.New("another directory is at its path now")
	}
	return nil
}
