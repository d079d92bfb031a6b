package cell

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// end is what a Conn reads from and writes to.
type end interface {
	// send sends some of b, which is not empty, and all of the rights.
	send(b, rights []byte) (int, error)
	// receive reads some bytes; 0 is the end.
	receive(b []byte) (int, error)
	// take returns the next n descriptors that came.
	take(n int) ([]*os.File, error)
	close()
}

// socketPair returns the parent's end, which waits as Go's files do, and the
// cell's, which blocks.
func socketPair() (parent *parentEnd, child *os.File, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, fd := range pair {
		// A megabyte without a change of process; less where the system allows less.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1<<20)
	}
	child = os.NewFile(uintptr(pair[1]), "cell's end")
	if err := unix.SetNonblock(pair[0], true); err != nil {
		_ = unix.Close(pair[0])
		return nil, child, err
	}
	parent, err = newParentEnd(os.NewFile(uintptr(pair[0]), "parent's end"))
	return parent, child, err
}

// parentEnd never receives descriptors from a cell: it gives the system no room
// for them, so the system closes those that come.
type parentEnd struct {
	file  *os.File
	raw   syscall.RawConn
	trust *inbox // of descriptors from a process that is no cell, else nil

	in, out    transfer
	sendTry    func(fd uintptr) bool
	receiveTry func(fd uintptr) bool
}

// transfer is one system call that may have to be made again.
type transfer struct {
	b, rights []byte
	n         int
	err       error
}

func newParentEnd(file *os.File) (*parentEnd, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	e := &parentEnd{file: file, raw: raw}
	e.sendTry = func(fd uintptr) bool {
		e.out.n, e.out.err = trySend(int(fd), e.out.b, e.out.rights)
		return !errors.Is(e.out.err, unix.EAGAIN)
	}
	e.receiveTry = func(fd uintptr) bool {
		e.in.n, e.in.err = e.tryReceive(int(fd))
		return !errors.Is(e.in.err, unix.EAGAIN)
	}
	return e, nil
}

func (e *parentEnd) tryReceive(fd int) (int, error) {
	if e.trust != nil {
		return e.trust.receive(fd, e.in.b)
	}
	for {
		n, err := unix.Read(fd, e.in.b)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (e *parentEnd) send(b, rights []byte) (int, error) {
	e.out = transfer{b: b, rights: rights}
	if err := e.raw.Write(e.sendTry); err != nil {
		return 0, err
	}
	return e.out.n, e.out.err
}

func (e *parentEnd) receive(b []byte) (int, error) {
	e.in = transfer{b: b}
	if err := e.raw.Read(e.receiveTry); err != nil {
		return 0, err
	}
	return max(e.in.n, 0), e.in.err
}

func (e *parentEnd) take(n int) ([]*os.File, error) {
	if e.trust != nil {
		return e.trust.take(n)
	}
	if n > 0 {
		return nil, fmt.Errorf("%w: a cell sent %d descriptors", ErrFrame, n)
	}
	return nil, nil
}

func (e *parentEnd) close() { _ = e.file.Close() } // what was written is in the system

// ended says whether the other end is closed, without waiting.
func (e *parentEnd) ended() bool {
	ended := false
	err := e.raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		ended = n == 0 && err == nil || err != nil && err != unix.EAGAIN && err != unix.EINTR
	})
	return ended || err != nil
}

// childEnd blocks a thread, which answers sooner than waiting as Go's files do.
type childEnd struct {
	fd int
	inbox
}

func newChildEnd(fd int) *childEnd { return &childEnd{fd: fd} }

func (e *childEnd) send(b, rights []byte) (int, error) { return trySend(e.fd, b, rights) }

func (e *childEnd) receive(b []byte) (int, error) { return e.inbox.receive(e.fd, b) }

// inbox keeps the descriptors that came and were not taken.
type inbox struct {
	queue []int
	oob   []byte
}

func (i *inbox) receive(fd int, b []byte) (int, error) {
	if i.oob == nil {
		i.oob = make([]byte, unix.CmsgSpace(4*MaxFiles))
	}
	for {
		n, oobn, _, _, err := unix.Recvmsg(fd, b, i.oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, err
		}
		return n, i.keep(i.oob[:oobn])
	}
}

func (i *inbox) keep(oob []byte) error {
	if len(oob) == 0 {
		return nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return err
	}
	for m := range messages {
		fds, err := unix.ParseUnixRights(&messages[m])
		if err != nil {
			return err
		}
		i.queue = append(i.queue, fds...)
	}
	return nil
}

func (i *inbox) take(n int) ([]*os.File, error) {
	if n > len(i.queue) {
		return nil, fmt.Errorf("%w: %d descriptors of %d", ErrFrame, len(i.queue), n)
	}
	var files []*os.File
	for _, fd := range i.queue[:n] {
		files = append(files, os.NewFile(uintptr(fd), "received"))
	}
	i.queue = append(i.queue[:0], i.queue[n:]...)
	return files, nil
}

func (e *childEnd) close() { _ = unix.Close(e.fd) } // what was written is in the system

func trySend(fd int, b, rights []byte) (int, error) {
	for {
		n, err := unix.SendmsgN(fd, b, rights, nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return n, err
		}
	}
}

func keepAlive(f *os.File) { runtime.KeepAlive(f) }
