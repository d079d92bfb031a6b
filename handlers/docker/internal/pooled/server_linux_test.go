package pooled_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/pooled"
	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestMain(m *testing.M) {
	pooled.SetDrain(200 * time.Millisecond)
	guesttest.Main(m)
}

// peer stands where a container's server does. What the real one does is tested
// with it, in package inside; here it is one that was taken over by a job.
type peer struct {
	tb   testing.TB
	conn *net.UnixConn
}

// meet connects a peer that begins with hello.
func meet(t *testing.T, hello string) (peer, *pooled.Server, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pooled-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener, err := pooled.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(dir, pooled.SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	var said sync.WaitGroup
	said.Go(func() { _, _ = io.WriteString(conn, hello) })
	defer said.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := listener.Accept(ctx)
	if err != nil {
		_ = conn.Close()
		return peer{}, nil, err
	}
	t.Cleanup(func() { s.Close() })
	if _, err := os.Lstat(filepath.Join(dir, pooled.SocketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	return peer{t, conn}, s, nil
}

const hello = `{"protocol":1}` + "\n"

// take receives a request and its files.
func (p peer) take() (pooled.Request, []*os.File) {
	p.tb.Helper()
	text, rights := make([]byte, 1<<16), make([]byte, 256)
	n, rn, _, _, err := p.conn.ReadMsgUnix(text, rights)
	var r pooled.Request
	if err == nil {
		err = json.Unmarshal(text[:n], &r)
	}
	if err != nil {
		p.tb.Error(err)
		return r, nil
	}
	var files []*os.File
	messages, err := syscall.ParseSocketControlMessage(rights[:rn])
	for _, m := range messages {
		fds, rightsErr := syscall.ParseUnixRights(&m)
		err = errors.Join(err, rightsErr)
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "stream"))
		}
	}
	if err != nil {
		p.tb.Error(err)
	}
	return r, files
}

func (p peer) say(text string) { _, _ = io.WriteString(p.conn, text) }

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	for hello, want := range map[string]string{
		`{"protocol":2}` + "\n":            "mount this program",
		"{}\n":                             "protocol 0",
		"rubbish\n":                        "invalid character",
		strings.Repeat("x", 1<<17):         "buffer full",
		strings.Repeat(" ", 1<<17) + hello: "buffer full",
	} {
		if _, _, err := meet(t, hello); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v, want %q", hello, err, want)
		}
	}
}

func TestAcceptCanceled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listener, err := pooled.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := listener.Accept(ctx); !errors.Is(err, cause) {
		t.Errorf("nobody connects: got %v, want the cause", err)
	}
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

// TestAcceptSilent has a peer connect and say nothing.
func TestAcceptSilent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	listener, err := pooled.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", filepath.Join(dir, pooled.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := listener.Accept(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	p, s, err := meet(t, hello)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for range 2 {
			r, files := p.take()
			if len(files) != 3 || r.Work == nil || r.Work.Command[0] != "cmd" {
				t.Errorf("got %+v with %d files", r, len(files))
				continue
			}
			in, err := io.ReadAll(files[0])
			fmt.Fprintf(files[1], "out %s %v", in, err)
			fmt.Fprint(files[2], "err")
			closeAll(files)
			p.say(fmt.Sprintf(`{"id":%d,"code":7}`+"\n", r.ID))
		}
	})
	defer done.Wait()
	file, err := os.Create(filepath.Join(t.TempDir(), "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("file"); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for in, want := range map[io.Reader]string{strings.NewReader("text"): "out text <nil>", file: "out file <nil>"} {
		var stdout, stderr strings.Builder
		exit, err := s.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{"cmd"}}, Stdin: in, Stdout: &stdout, Stderr: &stderr})
		if err != nil || exit.Code != 7 || stdout.String() != want || stderr.String() != "err" {
			t.Errorf("got %+v, %v, %q, %q", exit, err, stdout.String(), stderr.String())
		}
	}
}

// TestRunAgainstTakenOver has a peer answer what it should not.
func TestRunAgainstTakenOver(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"rubbish": "rubbish\n", "another job": `{"id":9,"code":0}` + "\n", "endless": strings.Repeat("x", 1<<20), "nothing": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s, err := meet(t, hello)
			if err != nil {
				t.Fatal(err)
			}
			var done sync.WaitGroup
			done.Go(func() {
				_, files := p.take()
				p.say(answer)
				closeAll(files)
				_ = p.conn.Close()
			})
			defer done.Wait()
			if _, err := s.Run(t.Context(), pooled.Job{}); !errors.Is(err, pooled.ErrGone) {
				t.Errorf("got %v, want ErrGone", err)
			}
			if _, err := s.Run(t.Context(), pooled.Job{}); !errors.Is(err, pooled.ErrGone) {
				t.Errorf("after it: got %v, want ErrGone", err)
			}
		})
	}
}

// TestRunKeptStreams has a peer keep the streams of a job that it calls ended.
func TestRunKeptStreams(t *testing.T) {
	t.Parallel()
	p, s, err := meet(t, hello)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	kept := make(chan struct{})
	done.Go(func() {
		r, files := p.take()
		p.say(fmt.Sprintf(`{"id":%d,"code":0}`+"\n", r.ID))
		<-kept
		closeAll(files)
	})
	defer done.Wait()
	defer close(kept)
	_, err = s.Run(t.Context(), pooled.Job{Stdin: strings.NewReader(strings.Repeat("x", 1<<20)), Stdout: io.Discard})
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want that it gave up", err)
	}
}

// TestRunCanceled reads what a host says of a job that is not wanted any more.
func TestRunCanceled(t *testing.T) {
	t.Parallel()
	p, s, err := meet(t, hello)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	var done sync.WaitGroup
	done.Go(func() {
		r, files := p.take()
		cancel(cause)
		text, err := bufio.NewReader(p.conn).ReadString('\n')
		if want := fmt.Sprintf(`{"id":%d}`+"\n", r.ID); text != want || err != nil {
			t.Errorf("got %q, %v, want %q", text, err, want)
		}
		closeAll(files)
		p.say(fmt.Sprintf(`{"id":%d,"code":143,"spent":"why"}`+"\n", r.ID))
	})
	defer done.Wait()
	exit, err := s.Run(ctx, pooled.Job{})
	if !errors.Is(err, cause) || errors.Is(err, pooled.ErrGone) || exit.Code != 143 {
		t.Errorf("got %+v, %v", exit, err)
	}
	if _, err := s.Run(t.Context(), pooled.Job{}); !errors.Is(err, pooled.ErrGone) {
		t.Errorf("after a spent one: got %v, want ErrGone", err)
	}
}

// TestRunLong sends a job that is more than a socket takes at once.
func TestRunLong(t *testing.T) {
	t.Parallel()
	p, s, err := meet(t, hello)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"A=" + strings.Repeat("x", 4<<20)}
	var done sync.WaitGroup
	done.Go(func() {
		text, err := bufio.NewReader(p.conn).ReadString('\n') // drops the files
		var r pooled.Request
		if err = errors.Join(err, json.Unmarshal([]byte(text), &r)); err != nil || r.Work.Env[0] != env[0] {
			t.Errorf("got %d bytes, %v", len(text), err)
		}
		p.say(fmt.Sprintf(`{"id":%d,"code":0}`+"\n", r.ID))
	})
	defer done.Wait()
	if exit, err := s.Run(t.Context(), pooled.Job{Work: pooled.Work{Env: env}, Stdout: io.Discard}); err != nil || exit.Code != 0 {
		t.Errorf("got %+v, %v", exit, err)
	}
}
