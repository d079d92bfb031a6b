package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// recorder keeps what a task tells.
type recorder struct{ lines chan string }

func (r recorder) Log(_ slog.Level, line string) {
	select {
	case r.lines <- line:
	default:
	}
}
func (recorder) Progress(float64, float64, string) {}

// newHandler makes a handler on the tests' daemon, which leaves nothing behind.
func newHandler(t *testing.T, config Config) *Handler {
	t.Helper()
	dockertest.Daemon(t)
	config.Scratch = scratchOf(t)
	h, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close the handler: %v", err)
		}
	})
	return h
}

// scratchOf is a directory in memory, of which nothing is left after the test but
// itself, empty.
func scratchOf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "graflow-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Remove(dir); err != nil {
			t.Errorf("what is left of the handler: %v", err)
		}
		dockertest.Left(t, dir, LabelScratch+"="+dir)
	})
	return dir
}

func callOf(spec, input string) *engine.Call {
	return &engine.Call{
		Run: "run", Task: &engine.Task{ID: "t", Handler: "docker", Spec: json.RawMessage(spec)}, Activation: "t#1",
		Attempt: 1, MaxAttempts: 1, Cycle: 1, Input: json.RawMessage(input), View: engine.NewView(nil, nil),
		Sink: recorder{make(chan string, 1000)},
	}
}

func shell(image, script string) string {
	command, err := json.Marshal([]string{"/bin/sh", "-c", script})
	if err != nil {
		panic(err)
	}
	return `{"image":"` + image + `","command":` + string(command) + `}`
}

// TestHandle runs commands and looks at what they return.
func TestHandle(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{})
	for name, test := range map[string]struct {
		script, input string
		want          string // the value
		kind          string // of the error
	}{
		"stdin to stdout":  {script: "cat", input: `{"a":1}`, want: `{"a":1}` + "\n"},
		"input as a file":  {script: "cat $GRAFLOW_INPUT", input: `[1,2]`, want: `[1,2]` + "\n"},
		"text":             {script: "echo hello; echo you", want: `"hello\nyou"`},
		"nothing":          {script: "true", want: `null`},
		"result as a FIFO": {script: `echo to the log; echo '{"b":2}' > $GRAFLOW_RESULT`, want: `{"b":2}` + "\n"},
		"exit code":        {script: "echo oh no >&2; exit 3", kind: KindExit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := h.Handle(t.Context(), callOf(shell(image, test.script), test.input))
			if failed, ok := errors.AsType[*engine.TaskError](err); ok != (test.kind != "") || ok && failed.Kind != test.kind {
				t.Fatalf("error %v, want kind %q", err, test.kind)
			}
			if string(got.Value) != test.want {
				t.Errorf("value %q, want %q", got.Value, test.want)
			}
		})
	}
}

// TestEffects has a shell steer the run through the FIFO.
func TestEffects(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{})
	script := `echo '{"op":"channel_set","key":"k","value":[1]}' > $GRAFLOW_EFFECTS
echo '{"op":"next_task","id":"other","goto":true}' > $GRAFLOW_EFFECTS`
	got, err := h.Handle(context.Background(), callOf(shell(dockertest.Busybox(t), script), ""))
	if err != nil {
		t.Fatal(err)
	}
	if fx := got.Effects; len(fx.Channel) != 1 || fx.Channel[0].Key != "k" || len(fx.Next) != 1 || fx.Next[0].Task.ID != "other" {
		t.Errorf("effects %+v, want a channel write and a next task", fx)
	}
}

// fileStore keeps files under digests that tell what they hold.
type fileStore struct {
	mu    sync.Mutex
	files map[string]string
}

func (s *fileStore) Put(_ context.Context, name string, r io.Reader) (engine.File, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return engine.File{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	digest := "digest of " + string(text)
	s.files[digest] = string(text)
	return engine.File{Digest: digest, Name: name, Size: int64(len(text))}, nil
}

func (s *fileStore) Open(_ context.Context, digest string) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, ok := s.files[digest]
	if !ok {
		return nil, engine.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(text)), nil
}
