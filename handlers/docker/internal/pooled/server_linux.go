package pooled

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// ErrGone is the error of a job whose server went away, or had gone before: its
// container was stopped, ran out of memory, or is spent. Nothing is known of how
// far the job came.
var ErrGone = errors.New("the pool's container is gone")

// patience is how long a server may take to clean up after a job that was
// stopped, beyond the job's grace.
const patience = 15 * time.Second

// Server is the server in one container. It runs one job at a time; the methods
// are safe for concurrent use.
type Server struct {
	conn *net.UnixConn

	mu    sync.Mutex // one job at a time; guards lines, last and gone
	lines *bufio.Reader
	last  int64
	gone  bool
}

// Job is one command to run in the container.
type Job struct {
	Work
	// Stdin is what the command reads. An *os.File is handed over as it is. nil:
	// nothing.
	Stdin io.Reader
	// Stdout and Stderr receive what the job prints. If one fails to write, the
	// job gets EPIPE. nil: dropped.
	Stdout, Stderr io.Writer
}

// Close ends the server, and with it the processes of a job that runs.
func (s *Server) Close() error {
	if err := s.conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run runs a job and returns once it has ended, all of its output was written,
// and the container is clean again. When ctx ends the job is stopped: SIGTERM,
// then after its grace SIGKILL; the error is then the cause of ctx, and the Exit
// is still valid if the server is not gone. Errors: ErrGone, the cause of ctx,
// what reading Stdin or writing Stdout or Stderr gave. After Exit.Spent or
// ErrGone every further job is ErrGone.
func (s *Server) Run(ctx context.Context, job Job) (Exit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return Exit{}, ErrGone
	}
	if ctx.Err() != nil {
		return Exit{}, context.Cause(ctx)
	}
	streams, err := openStreams(job)
	if err != nil {
		return Exit{}, err
	}
	s.last++
	err = s.send(Request{ID: s.last, Work: &job.Work}, streams.theirs())
	streams.handedOver()
	var exit Exit
	if err == nil {
		exit, err = s.await(ctx, job.Grace)
	}
	if err != nil {
		s.gone = true
		_ = s.conn.Close()
		err = fmt.Errorf("%w: %w", ErrGone, err)
	}
	s.gone = s.gone || exit.Spent != ""
	copied := streams.wait()
	if ctx.Err() != nil {
		return exit, errors.Join(context.Cause(ctx), err)
	}
	return exit, errors.Join(err, copied)
}

// send writes a request, with files if it is a job.
func (s *Server) send(r Request, files []int) error {
	text, err := line(r)
	if err != nil {
		return err
	}
	var rights []byte
	if len(files) > 0 {
		rights = syscall.UnixRights(files...)
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
	n, _, err := s.conn.WriteMsgUnix(text, rights, nil)
	if err == nil && n < len(text) { // files go with the first byte
		_, err = s.conn.Write(text[n:])
	}
	return err
}

// await reads the answer to the last request, and stops the job if ctx ends.
func (s *Server) await(ctx context.Context, graceMillis int64) (Exit, error) {
	id, told := s.last, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		grace := time.Duration(graceMillis) * time.Millisecond
		_ = s.conn.SetReadDeadline(time.Now().Add(grace + patience))
		_ = s.send(Request{ID: id}, nil)
	})
	defer func() {
		if !stop() {
			<-told
			_ = s.conn.SetReadDeadline(time.Time{})
		}
	}()
	text, err := s.lines.ReadSlice('\n')
	if err != nil {
		return Exit{}, err
	}
	var a Answer
	if err := json.Unmarshal(text, &a); err != nil {
		return Exit{}, err
	}
	if a.ID != id {
		return Exit{}, fmt.Errorf("the server answered job %d, not %d", a.ID, id)
	}
	return a.Exit, nil
}
