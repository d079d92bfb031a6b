package lines

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A peer is what a task writes to: a connection, or a FIFO. Once it is drained
// it ends after what had been written by then, whoever still holds it open.
type peer struct {
	file   file
	conn   io.Writer // where answers go
	socket bool

	drained atomic.Bool
	ending  bool // left counts; of the reading goroutine
	left    int
}

// A file is a *net.UnixConn or an *os.File.
type file interface {
	io.ReadCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	SyscallConn() (syscall.RawConn, error)
}

var (
	_ file = (*net.UnixConn)(nil)
	_ file = (*os.File)(nil)
)

func newPeer(f file, answers io.Writer) *peer { return &peer{file: f, conn: answers} }

// drain makes reads end, from any goroutine. Answers are not waited for from
// here on.
func (p *peer) drain() {
	p.drained.Store(true)
	past := time.Unix(1, 0)
	_ = p.file.SetReadDeadline(past) // these fail on closed files alone
	_ = p.file.SetWriteDeadline(past)
}

// over tells whether the peer is being drained.
func (p *peer) over() bool { return p.drained.Load() }

// Read implements io.Reader.
func (p *peer) Read(b []byte) (int, error) {
	if !p.ending {
		n, err := p.file.Read(b)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := p.count(); err != nil {
			return 0, err
		}
	}
	if p.left == 0 {
		return 0, io.EOF
	}
	n, err := p.readNow(b[:min(len(b), p.left)])
	if p.left -= n; errors.Is(err, unix.EAGAIN) || err == nil && n == 0 {
		return 0, io.EOF
	}
	return n, err
}

// count finds how much there is to read before the end.
func (p *peer) count() error {
	p.ending = true
	if err := p.file.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	return p.control(func(fd int) (err error) {
		p.left, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err
	})
}

// readNow reads what is there.
func (p *peer) readNow(b []byte) (n int, err error) {
	err = p.control(func(fd int) error {
		for {
			n, err = unix.Read(fd, b)
			if !errors.Is(err, unix.EINTR) {
				n = max(n, 0)
				return err
			}
		}
	})
	return n, err
}

func (p *peer) control(do func(fd int) error) error {
	raw, err := p.file.SyscallConn()
	if err != nil {
		return err
	}
	var done error
	if err := raw.Control(func(fd uintptr) { done = do(int(fd)) }); err != nil { //nolint:gosec // a descriptor is small
		return err
	}
	return done
}
