package cell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Conn is one end of a connection between a cell and its parent. Write is safe
// for concurrent use; Read is for one goroutine at a time.
type Conn struct {
	end  end
	most uint64 // bytes of a frame
	bad  atomic.Pointer[error]

	write sync.Mutex // guards what follows
	out   []byte     // a small frame

	in          []byte // bytes read ahead: in[first:last]
	first, last int
}

const (
	readAhead = 64 << 10
	smallest  = 64 << 10 // frames up to this are sent and kept in one piece
)

func newConn(e end, most int64) *Conn {
	return &Conn{end: e, most: uint64(most), in: make([]byte, readAhead)}
}

// Write sends a frame; header and data may be used again when it returns. It
// blocks while the other end does not read. Descriptors that it sends stay the
// caller's to close. An error means that the other end is gone, or that the frame
// exceeds what any end takes; nothing is sent then.
func (c *Conn) Write(kind byte, header, data []byte, files ...*os.File) error {
	if kind >= KindReserved {
		return fmt.Errorf("write frame: kind %d is reserved", kind)
	}
	return c.send(kind, header, data, files)
}

func (c *Conn) send(kind byte, header, data []byte, files []*os.File) error {
	if len(files) > MaxFiles || len(header) > maxHeader {
		return fmt.Errorf("write frame: %w: header of %d bytes and %d descriptors", ErrTooLarge, len(header), len(files))
	}
	c.write.Lock()
	defer c.write.Unlock()
	p := prefix{kind: kind, files: len(files), header: uint64(len(header)), data: uint64(len(data))}
	c.out = append(c.out[:0], make([]byte, prefixSize)...)
	p.put(c.out)
	small := prefixSize+len(header)+len(data) <= smallest
	parts := [][]byte{header, data}
	if small {
		c.out = append(append(c.out, header...), data...)
		parts = nil
	}
	if err := c.sendFirst(c.out, files); err != nil {
		return fmt.Errorf("write frame: %w", gone(err))
	}
	for _, part := range parts {
		if err := c.sendAll(part); err != nil {
			return fmt.Errorf("write frame: %w", gone(err))
		}
	}
	return nil
}

// maxHeader keeps headers in their 4 bytes on every system.
const maxHeader = 1 << 30

// sendFirst sends descriptors with the first bytes.
func (c *Conn) sendFirst(b []byte, files []*os.File) error {
	if len(files) == 0 {
		return c.sendAll(b)
	}
	fds := make([]int, len(files))
	for i, f := range files {
		raw, err := f.SyscallConn()
		if err != nil {
			return err
		}
		if err := raw.Control(func(fd uintptr) { fds[i] = int(fd) }); err != nil {
			return err
		}
	}
	n, err := c.end.send(b, unix.UnixRights(fds...))
	for i := range files {
		keepAlive(files[i])
	}
	if err != nil {
		return err
	}
	return c.sendAll(b[n:])
}

func (c *Conn) sendAll(b []byte) error {
	for len(b) > 0 {
		n, err := c.end.send(b, nil)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// Read returns the next frame, which is the caller's. io.EOF is the end between
// two frames, io.ErrUnexpectedEOF within one; ErrFrame and ErrTooLarge are for
// good. While a frame arrives it takes at most four times the bytes that came,
// and 64 KiB.
func (c *Conn) Read() (Frame, error) {
	f, err := c.receive()
	if err == nil && f.Kind >= KindReserved {
		closeAll(f.Files)
		f, err = Frame{}, c.broken(fmt.Errorf("%w: kind %d is reserved", ErrFrame, f.Kind))
	}
	return f, err
}

func (c *Conn) receive() (Frame, error) {
	if bad := c.bad.Load(); bad != nil {
		return Frame{}, *bad
	}
	if err := c.need(prefixSize); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) && c.last == c.first {
			err = io.EOF
		}
		return Frame{}, fmt.Errorf("read frame: %w", err)
	}
	p, err := parsePrefix(c.in[c.first:], c.most)
	if err != nil {
		return Frame{}, c.broken(err)
	}
	c.first += prefixSize
	f := Frame{Kind: p.kind}
	if f.Files, err = c.end.take(p.files); err != nil {
		return Frame{}, c.broken(err)
	}
	if f.Header, f.Data, err = c.body(p); err != nil {
		closeAll(f.Files)
		return Frame{}, fmt.Errorf("read frame: %w", err)
	}
	return f, nil
}

// broken ends reading for good.
func (c *Conn) broken(err error) error {
	err = fmt.Errorf("read frame: %w", err)
	c.bad.Store(&err)
	return err
}

// violation is how the other end broke the protocol, nil if it did not.
func (c *Conn) violation() error {
	if bad := c.bad.Load(); bad != nil {
		return *bad
	}
	return nil
}

func (c *Conn) body(p prefix) (header, data []byte, err error) {
	if n := p.header + p.data; n <= smallest {
		whole, err := c.bytes(int(n))
		if err != nil {
			return nil, nil, err
		}
		return whole[:p.header:p.header], whole[p.header:], nil
	}
	if header, err = c.bytes(int(p.header)); err != nil {
		return nil, nil, err
	}
	data, err = c.bytes(int(p.data))
	return header, data, err
}

// bytes reads n bytes. It takes memory as they arrive.
func (c *Conn) bytes(n int) ([]byte, error) {
	b := make([]byte, min(n, smallest))
	have := 0
	for {
		if c.last > c.first {
			took := copy(b[have:], c.in[c.first:c.last])
			c.first += took
			have += took
		}
		if have == n {
			return b, nil
		}
		if have == len(b) {
			grown := make([]byte, min(n, 4*len(b)))
			copy(grown, b)
			b = grown
			continue
		}
		if rest := b[have:]; len(rest) >= readAhead {
			took, err := c.some(rest)
			if err != nil {
				return nil, err
			}
			have += took
		} else if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// need reads ahead until there are n bytes, at most prefixSize.
func (c *Conn) need(n int) error {
	for c.last-c.first < n {
		if err := c.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads ahead as much as there is.
func (c *Conn) fill() error {
	if c.first > 0 {
		c.last = copy(c.in, c.in[c.first:c.last])
		c.first = 0
	}
	n, err := c.some(c.in[c.last:])
	c.last += n
	return err
}

func (c *Conn) some(b []byte) (int, error) {
	n, err := c.end.receive(b)
	if err = gone(err); err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

// gone makes all ways in which the other end is no more look alike.
func gone(err error) error {
	for _, way := range []error{syscall.ECONNRESET, syscall.EPIPE, os.ErrClosed} {
		if errors.Is(err, way) {
			return io.ErrUnexpectedEOF
		}
	}
	return err
}

func (c *Conn) close() { c.end.close() }

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // nothing was written to it
	}
}
