package inside_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	inside.Child()
	guesttest.Main(m)
}

// mounted is this package's program in every container of these tests.
const mounted = "/run/graflow/graflow"

// docker is the command line, without which, or without a daemon, the test is
// skipped as dockertest says.
func docker(tb testing.TB) string {
	tb.Helper()
	dockertest.Daemon(tb)
	path, err := exec.LookPath("docker")
	if err != nil && os.Getenv("CI") != "" {
		tb.Fatal("this test needs the command docker, which continuous integration has to have")
	}
	if err != nil {
		tb.Skip("NOT TESTED: this test needs the command docker: apt-get install docker-cli")
	}
	return path
}

// attempt is the host's side of one task in a container.
type attempt struct {
	tb       testing.TB
	dir      string
	embedder *embedder
	server   *lines.Server
	stopped  chan error
}

// begin makes the directory that a container gets, and answers in it.
func begin(tb testing.TB, config lines.Config) *attempt {
	tb.Helper()
	dir, err := os.MkdirTemp("", "inside-") // a short path, for the socket's sake
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	a := &attempt{tb: tb, dir: dir, embedder: newEmbedder(), stopped: make(chan error, 1)}
	for _, name := range []string{"graflow", "graflow-call", "module.wasm"} { // where files are mounted
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "cache"), 0o755), os.Chmod(dir, 0o755)); err != nil {
		tb.Fatal(err)
	}
	a.listen(config)
	return a
}

func (a *attempt) listen(config lines.Config) {
	a.tb.Helper()
	e := a.embedder
	config.Dir, config.Files = a.dir, e
	if config.Services.Meta == nil {
		config.Services.Meta = &abi.Meta{Run: "r1", Task: "t1", Activation: "a1", Attempt: 1}
	}
	config.Services.Results, config.Services.Channel, config.Services.Control = e, e, e
	config.Services.Secrets, config.Services.Tools = e, e
	config.Services.Log = func(level slog.Level, line string) { _ = e.note("log %s %s", level, line) }
	config.Services.Progress = func(done, total float64, note string) { _ = e.note("progress %v %v %s", done, total, note) }
	config.Stop = func(err error) { a.stopped <- err }
	var err error
	if a.server, err = lines.Listen(config); err != nil {
		a.tb.Fatal(err)
	}
	a.tb.Cleanup(func() { a.server.Close() })
}

// environment is what the wrapper and the command find.
func environment(more ...string) []string {
	return append([]string{
		abi.EnvSocket + "=/run/graflow/" + lines.SocketName,
		abi.EnvResult + "=/run/graflow/" + lines.ResultName,
		abi.EnvOut + "=/out",
	}, more...)
}

// hardened are the options of docker run that a task gets by default.
func (a *attempt) hardened(more ...string) []string {
	a.tb.Helper()
	program := dockertest.Program(a.tb, "./testdata/inside")
	return append([]string{
		"run", "--rm", "-i", "--read-only", "--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges",
		"--user=65534:65534", "--pids-limit=64", "--memory=256m", "--memory-swap=256m", "--ulimit=nofile=1024", "--log-driver=none",
		"--tmpfs=/tmp:rw,nosuid,nodev,exec,size=64m,mode=1777", "--tmpfs=/out:rw,nosuid,nodev,exec,size=64m,mode=1777",
		"--volume=" + a.dir + ":/run/graflow:ro",
		"--volume=" + program + ":" + mounted + ":ro", "--volume=" + program + ":/run/graflow/graflow-call:ro",
	}, more...)
}

// outcome is how a container ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// docker runs the command line with args.
func (a *attempt) docker(args []string) outcome {
	a.tb.Helper()
	cmd := exec.CommandContext(a.tb.Context(), docker(a.tb), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		a.tb.Fatal(err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// run runs a command under the verb run, in an image with a shell.
func (a *attempt) run(env []string, command ...string) outcome {
	a.tb.Helper()
	return a.container(env, append([]string{mounted, inside.Word, inside.VerbRun, "--"}, command...)...)
}

func (a *attempt) container(env []string, command ...string) outcome {
	a.tb.Helper()
	args := a.hardened()
	for _, pair := range environment(env...) {
		args = append(args, "--env="+pair)
	}
	return a.docker(append(append(args, dockertest.Busybox(a.tb)), command...))
}

// shell runs a script.
func (a *attempt) shell(env []string, script string) outcome {
	a.tb.Helper()
	return a.run(env, "sh", "-c", script)
}

// embedder answers from memory and notes what it was asked.
type embedder struct {
	mu     sync.Mutex // guards what follows
	values map[string]json.RawMessage
	asked  []string
	files  map[string]string
}

func newEmbedder() *embedder {
	return &embedder{values: map[string]json.RawMessage{}, files: map[string]string{}}
}

func (e *embedder) note(format string, args ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, fmt.Sprintf(format, args...))
	return nil
}

func (e *embedder) noted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func (e *embedder) Get(_ context.Context, key string) (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.values[key]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("channel key %q: %w", key, abi.NotFound)
}

func (e *embedder) Keys(_ context.Context, prefix string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Sorted(maps.Keys(e.values)), func(k string) bool { return !strings.HasPrefix(k, prefix) }), nil
}

func (e *embedder) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.Kind == "delete" {
		delete(e.values, op.Key)
	} else {
		e.values[op.Key] = op.Value
	}
	e.asked = append(e.asked, fmt.Sprintf("%s %s %s", op.Kind, op.Key, op.Value))
	return nil
}

func (e *embedder) Result(_ context.Context, id string) (json.RawMessage, error) {
	if id != "up" {
		return nil, abi.NotFound
	}
	return json.RawMessage(`"up's"`), nil
}

func (e *embedder) NextTask(_ context.Context, n abi.NextTask) error {
	return e.note("next_task %s %s %s %s %v", n.ID, n.Handler, n.Spec, n.Input, n.Goto)
}

func (e *embedder) NextIteration(_ context.Context, d json.RawMessage) error {
	return e.note("next_iteration %s", d)
}
func (e *embedder) Terminate(_ context.Context, m string) error { return e.note("terminate %s", m) }
func (e *embedder) Cancel(_ context.Context, m string) error    { return e.note("cancel %s", m) }
func (e *embedder) Checkpoint(_ context.Context, name string, m json.RawMessage) error {
	return e.note("checkpoint %s %s", name, m)
}

func (e *embedder) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	if p.Name == "unanswered" {
		return nil, fmt.Errorf("nobody is there: %w", wasmhost.ErrPaused)
	}
	return json.RawMessage(`"answered"`), e.note("pause %s %s", p.Name, p.Message)
}

func (e *embedder) Secret(_ context.Context, name string) ([]byte, error) {
	switch name {
	case "key":
		return []byte("s3cret"), nil
	case "binary":
		return []byte{0, 0xff}, nil
	}
	return nil, abi.NotFound
}

func (e *embedder) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	return args, e.note("tool %s %s", name, args)
}

func (e *embedder) Put(_ context.Context, name string, _ int64, r io.Reader) (string, error) {
	content, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files[name] = string(content)
	return "sha256:" + strings.Repeat("0", 64), nil
}
