package inside

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/pooled"
	"golang.org/x/sys/unix"
)

// DefaultPool is where serve looks for the host.
const DefaultPool = "/run/graflow/" + pooled.SocketName

// serve is the verb serve.
func serve(args []string) int {
	path := DefaultPool
	if len(args) > 0 {
		path = args[0]
	}
	if os.Getpid() != 1 || len(args) > 1 {
		return usage("%s [SOCKET]: has to be the container's first process", VerbServe)
	}
	// A job has the same user. This keeps it from the memory and the files of
	// this process, and so from the jobs that follow it.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return usage("%s: protect this process from its jobs: %v", VerbServe, err)
	}
	spare()
	signals := make(chan os.Signal, 64)
	signal.Notify(signals) // all: a job can send any
	s, err := newServer(path, signals)
	if err == nil {
		err = s.loop()
		_ = s.conn.Close()
	}
	if err != nil {
		errorf(os.Stderr, "%s: %v", VerbServe, err)
		return ExitFailed
	}
	return 0
}

// server runs jobs one after the other.
type server struct {
	conn     *net.UnixConn
	requests chan incoming // closed when the host has gone
	signals  <-chan os.Signal
	pristine pristine
}

// incoming is one line of the host, and the files that came with it.
type incoming struct {
	pooled.Request
	files []int
}

func newServer(path string, signals <-chan os.Signal) (*server, error) {
	s := &server{requests: make(chan incoming), signals: signals}
	var err error
	if s.pristine, err = look(); err != nil {
		return nil, err
	}
	if s.conn, err = net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"}); err != nil {
		return nil, fmt.Errorf("connect to the host: %w", err)
	}
	if err := s.write(pooled.Hello{Protocol: pooled.Protocol}); err != nil {
		return nil, err
	}
	go s.read()
	return s, nil
}

func (s *server) write(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err = s.conn.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("tell the host: %w", err)
	}
	return nil
}

// read passes on the host's lines until it goes.
func (s *server) read() {
	defer close(s.requests)
	r := &rightsReader{conn: s.conn}
	lines := bufio.NewReader(r)
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		in := incoming{files: r.take()}
		if json.Unmarshal(text, &in.Request) != nil {
			return
		}
		s.requests <- in
	}
}

// rightsReader reads a connection and collects the files that come along. A
// request's files come with its first byte, and the host sends no other request
// before the answer but one without files.
type rightsReader struct {
	conn  *net.UnixConn
	files []int
}

func (r *rightsReader) Read(p []byte) (int, error) {
	rights := make([]byte, syscall.CmsgSpace(8*4))
	n, rn, _, _, err := r.conn.ReadMsgUnix(p, rights)
	if n == 0 && err == nil {
		err = io.EOF
	}
	messages, parseErr := syscall.ParseSocketControlMessage(rights[:rn])
	for _, m := range messages {
		files, rightsErr := syscall.ParseUnixRights(&m)
		r.files, parseErr = append(r.files, files...), errors.Join(parseErr, rightsErr)
	}
	if err == nil {
		err = parseErr
	}
	return n, err
}

func (r *rightsReader) take() []int {
	files := r.files
	r.files = nil
	return files
}

// loop runs jobs until the host goes, a SIGTERM comes between two, or what a job
// left can't be removed.
func (s *server) loop() error {
	for {
		select {
		case in, ok := <-s.requests:
			if !ok {
				return nil
			}
			if in.Work == nil {
				continue // to stop a job that has ended by itself
			}
			answer, err := s.serve(in)
			if err == nil {
				err = s.write(answer)
			}
			if err != nil || answer.Spent != "" {
				return err
			}
		case sig := <-s.signals:
			if sig == syscall.SIGTERM || sig == syscall.SIGINT {
				return nil
			}
		}
	}
}

// serve runs one job, and cleans up after it.
func (s *server) serve(in incoming) (pooled.Answer, error) {
	answer := pooled.Answer{ID: in.ID}
	if len(in.files) != 3 {
		return answer, fmt.Errorf("job %d came with %d files, want 3", in.ID, len(in.files))
	}
	problems := os.NewFile(uintptr(in.files[2]), "stderr")
	defer func() {
		for _, fd := range in.files[:2] {
			_ = syscall.Close(fd)
		}
		_ = problems.Close()
	}()
	j := job{
		command: command{
			argv: in.Work.Command, env: environment(os.Environ()).with(in.Work.Env), dir: in.Work.Dir,
			files: [3]uintptr{uintptr(in.files[0]), uintptr(in.files[1]), uintptr(in.files[2])},
		},
		problems: problems,
	}
	killed := kills()
	gone := false
	answer.Code, gone = s.run(j, in)
	answer.OutOfMemory = kills() > killed
	if gone {
		return answer, errors.New("the host has gone while a job ran")
	}
	if err := s.pristine.restore(); err != nil {
		answer.Spent = err.Error()
	}
	return answer, nil
}

// run runs a job to its end, and says whether the host has gone.
func (s *server) run(j job, in incoming) (code int, gone bool) {
	p, err := j.start()
	if err != nil {
		return j.failedStart(err), false
	}
	ended := make(chan int, 1)
	go func() { ended <- p.wait() }()
	stopped := false
	grace := time.NewTimer(time.Hour)
	grace.Stop()
	defer grace.Stop()
	for {
		select {
		case code := <-ended:
			if stopped && code == 0 {
				code = exitSignal + int(syscall.SIGTERM) // what it leaves is not wanted
			}
			return j.finish(context.Background(), code), gone
		case next, ok := <-s.requests:
			if !ok {
				gone, s.requests = true, nil
			} else if next.Work != nil || next.ID != in.ID {
				continue
			}
			stopped = true
			p.signal(syscall.SIGTERM)
			grace.Reset(time.Duration(in.Work.Grace) * time.Millisecond)
		case <-grace.C:
			killChildren()
		case sig := <-s.signals:
			if sig, ok := sig.(syscall.Signal); ok && passedOn(sig) {
				p.signal(sig)
			}
		}
	}
}
