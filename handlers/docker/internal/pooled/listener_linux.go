package pooled

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// Listener waits for the server of one container.
type Listener struct {
	socket *net.UnixListener
}

// Listen makes the socket in dir, mode 0666: dir itself keeps strangers out.
func Listen(dir string) (*Listener, error) {
	path := filepath.Join(dir, SocketName)
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for a pool server: %w", err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(fmt.Errorf("open the pool's socket to containers: %w", err), socket.Close())
	}
	return &Listener{socket}, nil
}

// Close removes the socket. It may be called at any time, more than once.
func (l *Listener) Close() error {
	if err := l.socket.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Accept waits until the container's server is ready, and removes the socket
// before anything else can connect. It blocks until then or until ctx ends.
func (l *Listener) Accept(ctx context.Context) (*Server, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	conn, err := l.socket.AcceptUnix()
	if closed := l.Close(); err == nil {
		err = closed
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, fmt.Errorf("wait for a pool server: %w", err)
	}
	s := &Server{conn: conn, lines: bufio.NewReaderSize(conn, mostAnswer)}
	if err := s.greet(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for a pool server: %w", err), s.Close())
	}
	return s, nil
}

// greet reads the server's first line.
func (s *Server) greet(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	defer stop()
	text, err := s.lines.ReadSlice('\n')
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var hello Hello
	if err = errors.Join(err, json.Unmarshal(text, &hello)); err != nil {
		return err
	}
	if hello.Protocol != Protocol {
		return fmt.Errorf("it speaks protocol %d, want %d: mount this program into the container, not another version of it", hello.Protocol, Protocol)
	}
	return nil
}
