package pooled

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// drain is how long output may still come after a job's end. Its processes are
// dead by then, so that only what they wrote is on its way.
var drain = 10 * time.Second // less in tests

// streams are the standard streams of one job: our ends and those of the job.
type streams struct {
	ours   []*os.File // pipes that are copied to or from
	job    []*os.File // stdin, stdout, stderr
	mine   []*os.File // those of job that are ours to close
	copies sync.WaitGroup

	mu  sync.Mutex // guards err
	err error
}

func openStreams(j Job) (*streams, error) {
	s := &streams{}
	in, err := s.input(j.Stdin)
	if err == nil {
		s.job = append(s.job, in)
		for _, w := range []io.Writer{j.Stdout, j.Stderr} {
			var out *os.File
			if out, err = s.output(w); err != nil {
				break
			}
			s.job = append(s.job, out)
		}
	}
	if err != nil {
		s.handedOver()
		return nil, errors.Join(fmt.Errorf("make the streams of a job: %w", err), s.wait())
	}
	return s, nil
}

// input is what a job reads from r.
func (s *streams) input(r io.Reader) (*os.File, error) {
	if file, ok := r.(*os.File); ok {
		return file, nil
	}
	if r == nil {
		return s.null(os.O_RDONLY)
	}
	theirs, ours, err := s.pipe(0o444)
	if err != nil {
		return nil, err
	}
	s.mine, s.ours = append(s.mine, theirs), append(s.ours, ours)
	s.copies.Go(func() {
		_, err := io.Copy(ours, r)
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) { // a job need not read
			s.note(err)
		}
		_ = ours.Close()
	})
	return theirs, nil
}

// output is what a job writes for w.
func (s *streams) output(w io.Writer) (*os.File, error) {
	if w == nil {
		return s.null(os.O_WRONLY)
	}
	ours, theirs, err := s.pipe(0o222)
	if err != nil {
		return nil, err
	}
	s.mine, s.ours = append(s.mine, theirs), append(s.ours, ours)
	s.copies.Go(func() {
		_, err := io.Copy(w, ours)
		s.note(err)
		_ = ours.Close()
	})
	return theirs, nil
}

func (s *streams) null(flag int) (*os.File, error) {
	f, err := os.OpenFile(os.DevNull, flag, 0)
	if err == nil {
		s.mine = append(s.mine, f)
	}
	return f, err
}

// pipe makes a pipe. Its mode lets the container's user, who is another than
// ours, open the end that it has once more, as /dev/stdout.
func (s *streams) pipe(mode os.FileMode) (r, w *os.File, err error) {
	if r, w, err = os.Pipe(); err != nil {
		return nil, nil, err
	}
	if err := r.Chmod(mode); err != nil {
		return nil, nil, errors.Join(err, r.Close(), w.Close())
	}
	return r, w, nil
}

// theirs are the job's ends, in blocking mode as programs expect.
func (s *streams) theirs() []int {
	var fds []int
	for _, f := range s.job {
		fds = append(fds, int(f.Fd()))
	}
	return fds
}

// handedOver closes our copies of the job's ends, whose last writers are then in
// the container.
func (s *streams) handedOver() {
	for _, f := range s.mine {
		_ = f.Close()
	}
}

// wait waits until all was copied, and returns the first error of it.
func (s *streams) wait() error {
	for _, f := range s.ours {
		_ = f.SetDeadline(time.Now().Add(drain))
	}
	s.copies.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *streams) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("copy a stream of a job: %w", err)
	}
}
