package lines

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/graflow/graflow-wasm/sdk/abi"
)

// maxConnections is how many connections a task may hold at once.
const maxConnections = 16

// Server answers one attempt's requests. Close ends it.
type Server struct {
	attempt  *attempt
	listener *net.UnixListener
	made     []entry
	cancel   context.CancelFunc // of what the goroutines do that Close waits for
	longRoom chan struct{}      // for one long line
	running  sync.WaitGroup

	mu      sync.Mutex // guards what follows
	closing bool
	peers   map[*peer]struct{}
	sockets int // of the peers
}

// An entry is a file that the server made.
type entry struct {
	path string
	info os.FileInfo
}

// Listen makes the socket and the FIFOs and answers until Close. What it has
// made is gone again if it fails.
func Listen(config Config) (*Server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	limits := config.Limits.withDefaults()
	s := &Server{
		attempt:  &attempt{config: config, limits: limits, calls: map[string]int64{}, files: map[string]abi.File{}},
		cancel:   cancel,
		longRoom: make(chan struct{}, 1),
		peers:    map[*peer]struct{}{},
	}
	if err := s.listen(ctx, config.Dir); err != nil {
		outcome := s.Close()
		return nil, errors.Join(fmt.Errorf("make the socket of a task: %w", err), outcome.Err)
	}
	return s, nil
}

// listen makes the files and starts who reads them.
func (s *Server) listen(ctx context.Context, dir string) error {
	result, err := s.makeFIFO(filepath.Join(dir, ResultName))
	if err != nil {
		return err
	}
	s.start(ctx, newPeer(result, result), s.readResult)
	effects, err := s.makeFIFO(filepath.Join(dir, EffectsName))
	if err != nil {
		return err
	}
	s.start(ctx, newPeer(effects, effects), s.readEffects)
	path := filepath.Join(dir, SocketName)
	if len(path) > 107 {
		return fmt.Errorf("%s: a socket's path has at most 107 bytes: use a shorter directory", path)
	}
	if s.listener, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
		return err
	}
	s.listener.SetUnlinkOnClose(false) // see remove
	if err := s.note(path); err != nil {
		return err
	}
	s.running.Go(func() { s.accept(ctx) })
	return nil
}

// makeFIFO makes a FIFO and opens it for reading, and for writing as well, so
// that it never ends while writers come and go.
func (s *Server) makeFIFO(path string) (*os.File, error) {
	if err := unix.Mkfifo(path, 0o666); err != nil {
		return nil, &os.PathError{Op: "mkfifo", Path: path, Err: err}
	}
	if err := s.note(path); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0) //nolint:gosec // in the attempt's directory
}

// note opens a file just made to everybody, whatever the umask, and remembers
// it.
func (s *Server) note(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	s.made = append(s.made, entry{path, info})
	return os.Chmod(path, 0o666) //nolint:gosec // the task's user is not ours
}

// remove removes what the server made, and nothing that has taken its place.
func (s *Server) remove() error {
	var errs []error
	for _, made := range s.made {
		info, err := os.Lstat(made.path)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			errs = append(errs, err)
		case !os.SameFile(info, made.info):
			errs = append(errs, fmt.Errorf("remove %s: it is another file by now", made.path))
		default:
			errs = append(errs, os.Remove(made.path))
		}
	}
	return errors.Join(errs...)
}

// Close ends the attempt's side and tells what the task left. What had been
// written to the FIFOs and to open connections before counts; what comes later
// does not. Services that are at work have their contexts canceled and are
// waited for. It is called once.
func (s *Server) Close() Outcome {
	s.mu.Lock()
	s.closing = true
	for p := range s.peers {
		p.drain()
	}
	s.mu.Unlock()
	s.cancel()
	if s.listener != nil {
		_ = s.listener.Close() // it fails only if it is closed
	}
	s.running.Wait()
	outcome := s.attempt.outcome()
	outcome.Err = errors.Join(outcome.Err, s.remove())
	return outcome
}

// start runs read for a peer, and closes it after.
func (s *Server) start(ctx context.Context, p *peer, read func(context.Context, *peer)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.socket {
		if s.closing || s.sockets == maxConnections {
			return false
		}
		s.sockets++
	}
	s.peers[p] = struct{}{}
	s.running.Go(func() {
		defer s.finish(p)
		read(ctx, p)
	})
	return true
}

func (s *Server) finish(p *peer) {
	s.mu.Lock()
	delete(s.peers, p)
	if p.socket {
		s.sockets--
	}
	s.mu.Unlock()
	_ = p.file.Close() // nothing is buffered in it
}

// accept takes connections, up to the most at a time, until the attempt ends.
func (s *Server) accept(ctx context.Context) {
	for {
		conn, err := s.listener.AcceptUnix()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // too many open files, for one
			select {
			case <-ctx.Done():
				return
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if !s.attempt.count() {
			_ = conn.Close()
			_ = s.listener.Close() // Close closes it as well
			return
		}
		p := newPeer(conn, conn)
		p.socket = true
		if !s.start(ctx, p, s.readSocket) {
			s.refuse(conn)
		}
	}
}

// refuse turns a connection down. A new socket has room for the answer.
func (s *Server) refuse(conn *net.UnixConn) {
	_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
	err := refuse(abi.Unavailable, "a task has at most %d connections at a time", maxConnections)
	_ = (&answerer{to: conn}).write(reply{err: err}) // who has gone needs no answer
	_ = conn.Close()
}

// readSocket answers what comes over a connection.
func (s *Server) readSocket(ctx context.Context, p *peer) {
	lines := newLineReader(p, s.attempt.mostLine(), s.longRoom)
	defer lines.release()
	answers := answerer{to: p.conn}
	for {
		line, err := lines.next(ctx)
		var r reply
		switch {
		case errors.Is(err, errOverlong):
			r = s.attempt.overlong(line)
		case err != nil:
			return
		default:
			r = s.attempt.serve(ctx, line, lines)
		}
		// Whoever does not wait for answers may have gone, but what it has
		// asked for counts.
		_ = answers.write(r)
		if r.hangUp {
			return
		}
	}
}

// readEffects does what lines in the FIFO for effects ask for. What is wrong with
// them is logged, for want of somebody to answer.
func (s *Server) readEffects(ctx context.Context, p *peer) {
	lines := newLineReader(p, s.attempt.mostLine(), s.longRoom)
	lines.fifo = true
	defer lines.release()
	for {
		line, err := lines.next(ctx)
		var r reply
		switch {
		case errors.Is(err, errOverlong):
			r = s.attempt.overlong(line)
			_ = lines.skipLine() // an error comes again
		case err != nil:
			return
		case len(skip(line)) == 0:
			continue
		default:
			r = s.attempt.serve(ctx, line, lines)
		}
		switch {
		case errors.Is(r.err, errEnded):
			return
		case r.err != nil:
			s.attempt.warn("effects: " + message(r.err))
		}
	}
}

// readResult collects what is written to the FIFO for results.
func (s *Server) readResult(_ context.Context, p *peer) {
	buffer := make([]byte, keptBytes)
	for {
		n, err := p.Read(buffer)
		if !s.attempt.addResult(buffer[:n]) || err != nil {
			return
		}
	}
}

func (a *attempt) addResult(part []byte) bool {
	a.mu.Lock()
	over := int64(len(a.raw)+len(part)) > a.limits.OutputBytes
	if !over {
		a.raw = append(a.raw, part...)
	}
	a.mu.Unlock()
	if over {
		a.end(a.tooLarge())
	}
	return !over
}

func (a *attempt) warn(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.log(slog.LevelWarn, text)
}
