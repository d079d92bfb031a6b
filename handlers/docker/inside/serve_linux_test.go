package inside_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/pooled"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// pool is a container with a server in it.
type pool struct {
	*attempt
	server *pooled.Server
	ended  chan struct{} // closed when the container has gone
	code   int           // of the container, then
	stderr bytes.Buffer
}

func startPool(tb testing.TB, more ...string) *pool {
	tb.Helper()
	p := &pool{attempt: begin(tb, lines.Config{}), ended: make(chan struct{})}
	listener, err := pooled.Listen(p.dir)
	if err != nil {
		tb.Fatal(err)
	}
	args := append(p.hardened(more...), dockertest.Busybox(tb), mounted, inside.Word, inside.VerbServe)
	cmd := exec.Command(docker(tb), args...)
	cmd.Stderr = &p.stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait()
		p.code = cmd.ProcessState.ExitCode()
	}()
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	defer cancel()
	if p.server, err = listener.Accept(ctx); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { // the host's going is the container's end
		_ = p.server.Close()
		<-p.ended
	})
	return p
}

// job is a result of a job.
type jobResult struct {
	pooled.Exit
	stdout, stderr string
	err            error
}

func (p *pool) job(ctx context.Context, work pooled.Work) jobResult {
	var stdout, stderr strings.Builder
	exit, err := p.server.Run(ctx, pooled.Job{Work: work, Stdout: &stdout, Stderr: &stderr})
	return jobResult{exit, stdout.String(), stderr.String(), err}
}

// succeed runs a command that has to end with code and leave the container usable.
func (p *pool) succeed(tb testing.TB, code int, command ...string) jobResult {
	tb.Helper()
	got := p.job(tb.Context(), pooled.Work{Command: command, Env: environment()})
	if got.err != nil || got.Code != code || got.Spent != "" {
		tb.Fatalf("%q: got %+v", command, got)
	}
	return got
}

func TestPoolSharesNothing(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	first := p.job(t.Context(), pooled.Work{
		Command: []string{mounted, "litter"}, Dir: "/tmp",
		Env: environment("LEFT=1", inside.EnvResultFile+"=/tmp/.left"),
	})
	if first.err != nil || first.Code != 0 || first.Spent != "" {
		t.Fatalf("got %+v", first)
	}
	if found := p.succeed(t, 0, mounted, "find"); found.stdout != "" {
		t.Errorf("the next job found\n%s", found.stdout)
	}
	if o := p.attempt.server.Close(); string(o.Output) != `"by a job"` {
		t.Errorf("got output %q", o.Output)
	}
}

// TestLitter holds the test above to account: without a server, all of it is there.
func TestLitter(t *testing.T) {
	t.Parallel()
	got := begin(t, lines.Config{}).shell([]string{"LEFT=1"}, mounted+" litter && cd /tmp && chmod 700 deep && exec "+mounted+" find")
	for _, want := range []string{
		"file /tmp/.left", "file /out/deep", "file /dev/shm/.left", "file /dev/mqueue/left",
		"ipc shm", "ipc msg", "ipc sem", "process /proc/", "environment LEFT", "directory /tmp",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("got %s, want %q in it: %s", got.stdout, want, got.stderr)
		}
	}
}

func TestPoolJobs(t *testing.T) {
	t.Parallel()
	p := startPool(t, "--env=FROM=container", "--env=OVER=container")
	p.succeed(t, 7, "sh", "-c", "exit 7")
	p.succeed(t, 137, mounted, "kill", "9", "self")
	if got := p.succeed(t, 127, "no-such-command"); !strings.Contains(got.stderr, "is not in PATH") {
		t.Errorf("got %q", got.stderr)
	}
	p.succeed(t, 126, "/etc/passwd")
	if got := p.job(t.Context(), pooled.Work{Command: []string{"pwd"}, Dir: "/no/such"}); got.Code != 125 || !strings.Contains(got.stderr, "working directory") {
		t.Errorf("got %+v", got)
	}
	got := p.job(t.Context(), pooled.Work{
		Command: []string{"sh", "-c", `echo $FROM $OVER $MINE; pwd >/dev/stderr; cat`}, Dir: "/tmp", Env: []string{"OVER=job", "MINE=x"},
	})
	if got.stdout != "container job x\n" || got.stderr != "/tmp\n" || got.err != nil {
		t.Errorf("got %+v", got)
	}
	var out strings.Builder
	exit, err := p.server.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{"cat"}}, Stdin: strings.NewReader(strings.Repeat("x", 1<<20)), Stdout: &out})
	if err != nil || exit.Code != 0 || out.Len() != 1<<20 {
		t.Errorf("got %d bytes, %+v, %v", out.Len(), exit, err)
	}
	exit, err = p.server.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{"true"}}, Stdin: strings.NewReader(strings.Repeat("x", 1<<20))})
	if err != nil || exit.Code != 0 {
		t.Errorf("a job that reads nothing: got %+v, %v", exit, err)
	}
	exit, err = p.server.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{"yes"}}, Stdout: failing{}})
	if !errors.Is(err, errFull) || exit.Code == 0 {
		t.Errorf("a writer that fails: got %+v, %v", exit, err)
	}
	p.succeed(t, 0, "true")
}

var errFull = errors.New("full")

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errFull }

// TestPoolHostile has jobs do what they can to those after them.
func TestPoolHostile(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	p.succeed(t, 5, "sh", "-c", "sleep 1000 & kill -9 -1; exit 5")
	for _, signal := range []string{"9", "19", "11", "6", "4", "1"} { // STOP, SEGV, ABRT, ILL, HUP
		p.job(t.Context(), pooled.Work{Command: []string{mounted, "kill", signal, "1"}})
	}
	if got := p.succeed(t, 0, mounted, "spy"); got.stdout != "" {
		t.Errorf("a job %s", got.stdout)
	}
	p.succeed(t, 0, mounted, "find")
	p.succeed(t, 143, "sh", "-c", mounted+" forkbomb & sleep 1; kill -TERM $$")
	p.succeed(t, 0, mounted, "find")
	if got := p.job(t.Context(), pooled.Work{Command: []string{mounted, "hog"}}); got.Code != 137 || !got.OutOfMemory || got.err != nil {
		t.Errorf("out of memory: got %+v", got)
	}
	if got := p.succeed(t, 0, "true"); got.OutOfMemory {
		t.Error("the next job is out of memory as well")
	}
	p.succeed(t, 0, "sh", "-c", "head -c 100000000 /dev/zero >/tmp/full; head -c 100000000 /dev/zero >/out/full; true")
	p.succeed(t, 0, "sh", "-c", "head -c 10000000 /dev/zero >/tmp/x")
}

// TestPoolMeddled has jobs change what the next one would inherit: the container
// is used no more.
func TestPoolMeddled(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"limits", "nice", "processors"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			p := startPool(t)
			p.succeed(t, 0, "true")
			got := p.job(t.Context(), pooled.Work{Command: []string{mounted, "meddle", what}})
			if got.Code != 0 || got.err != nil || !strings.Contains(got.Spent, "limits or the priority") {
				t.Errorf("got %+v", got)
			}
			if got := p.job(t.Context(), pooled.Work{Command: []string{"true"}}); !errors.Is(got.err, pooled.ErrGone) {
				t.Errorf("the next job: got %+v", got)
			}
			<-p.ended
		})
	}
}

func TestPoolCanceled(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	cause := errors.New("enough")
	for _, tt := range []struct {
		deed string
		code int
	}{{"wait", 3}, {"ignore", 137}} {
		ctx, cancel := context.WithCancelCause(t.Context())
		var stdout waiting
		stdout.first = func() { cancel(cause) }
		exit, err := p.server.Run(ctx, pooled.Job{Work: pooled.Work{Command: []string{mounted, tt.deed}, Grace: 500}, Stdout: &stdout})
		cancel(nil)
		if !errors.Is(err, cause) || errors.Is(err, pooled.ErrGone) || exit.Code != tt.code {
			t.Errorf("%s: got %+v, %v; want code %d", tt.deed, exit, err, tt.code)
		}
		p.succeed(t, 0, "true")
	}
	canceled, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if got := p.job(canceled, pooled.Work{Command: []string{"true"}}); !errors.Is(got.err, cause) {
		t.Errorf("got %+v", got)
	}
	p.succeed(t, 0, "true")
}

// waiting calls first when something is written.
type waiting struct {
	first func()
	text  bytes.Buffer
}

func (w *waiting) Write(p []byte) (int, error) {
	if w.text.Len() == 0 {
		w.first()
	}
	return w.text.Write(p)
}

// TestPoolGone has the host go while a job runs, and the container.
func TestPoolGone(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	stdout := &waiting{first: func() { _ = p.server.Close() }}
	_, err := p.server.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{mounted, "ignore"}}, Stdout: stdout})
	if !errors.Is(err, pooled.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	<-p.ended
	if !strings.Contains(p.stderr.String(), "the host has gone") {
		t.Errorf("got %q", p.stderr.String())
	}
	p = startPool(t)
	container := strings.TrimSpace(p.docker([]string{"ps", "-a", "-q", "--filter=volume=" + p.dir}).stdout)
	stdout = &waiting{first: func() { p.docker([]string{"kill", container}) }}
	_, err = p.server.Run(t.Context(), pooled.Job{Work: pooled.Work{Command: []string{mounted, "ignore"}}, Stdout: stdout})
	if !errors.Is(err, pooled.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
}

// TestPoolSocketIsGone has a job look for the host's other socket.
func TestPoolSocketIsGone(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	if got := p.succeed(t, 0, "sh", "-c", "test ! -e /run/graflow/pool"); got.stderr != "" {
		t.Errorf("got %q", got.stderr)
	}
}

func TestPoolNeedsReadOnlyRoot(t *testing.T) {
	t.Parallel()
	a := begin(t, lines.Config{})
	args := slices.DeleteFunc(a.hardened(), func(s string) bool { return s == "--read-only" })
	got := a.docker(append(args, dockertest.Busybox(t), mounted, inside.Word, inside.VerbServe))
	if got.code != inside.ExitFailed || !strings.Contains(got.stderr, "needs it read-only") {
		t.Errorf("got %+v", got)
	}
}

// TestPoolMany runs many short jobs, of which each leaves something.
func TestPoolMany(t *testing.T) {
	t.Parallel()
	p := startPool(t)
	var took []time.Duration
	for i := range 200 {
		begun := time.Now()
		got := p.succeed(t, i%100, "sh", "-c", fmt.Sprintf("test ! -e /tmp/x || exit 101; echo %d | tee /tmp/x; sleep 1000 & exit %d", i, i%100))
		took = append(took, time.Since(begun))
		if want := fmt.Sprintln(i); got.stdout != want {
			t.Fatalf("job %d: got %q", i, got.stdout)
		}
	}
	slices.Sort(took)
	t.Logf("a job takes %v (p50), %v (p99)", took[100], took[198])
}
