package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// with is a spec with other keys in it.
func with(spec, keys string) string { return "{" + keys + "," + strings.TrimPrefix(spec, "{") }

// started begins an attempt and returns when its command has said something.
func started(t *testing.T, ctx context.Context, h *Handler, call *engine.Call) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := h.Handle(ctx, call)
		done <- err
	}()
	select {
	case <-call.Sink.(recorder).lines:
	case err := <-done:
		t.Fatalf("the command said nothing: %v", err)
	}
	return done
}

// mine is the id of the one container that there is of a handler's attempts.
func mine(t *testing.T, h *Handler) string {
	t.Helper()
	found := dockertest.Containers(t, LabelInstance+"="+h.scratch.instance)
	if len(found) != 1 {
		t.Fatalf("containers %v, want one", found)
	}
	return found[0].ID
}

// TestTimeouts ends commands by each of their limits, of which one ignores what it is
// told.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{})
	polite, rude := `trap 'echo bye >&2; exit 0' TERM; sleep 1000 & wait`, `trap '' TERM; while :; do sleep 1000; done`
	for name, test := range map[string]struct {
		script, limits string
		context        time.Duration
		most           time.Duration
	}{
		"limits.timeout":           {script: polite, limits: `{"timeout":"1s"}`, most: 9 * time.Second},
		"limits.timeout, ignored":  {script: rude, limits: `{"timeout":"1s"}`, most: 9 * time.Second},
		"the engine's":             {script: polite, context: time.Second, most: 9 * time.Second},
		"the engine's, ignored":    {script: rude, context: time.Second, most: 9 * time.Second},
		"both, the engine's first": {script: rude, limits: `{"timeout":"1h"}`, context: time.Second, most: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := callOf(with(shell(image, test.script), `"stop_timeout":"1s"`), "")
			call.Task.Limits = json.RawMessage(test.limits)
			ctx := t.Context()
			if test.context > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, test.context)
				defer cancel()
			}
			within(t, test.most, func() {
				_, err := h.Handle(ctx, call)
				if failed := failureOf(t, err, engine.KindTimeout); failed.Permanent {
					t.Errorf("%+v: want it to pass", failed)
				}
			})
		})
	}
}

// TestCancel cancels attempts, and closes their handler meanwhile.
func TestCancel(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	script := `trap 'echo cleaned up >&2; exit 3' TERM; echo ready >&2; sleep 1000 & wait`
	call := callOf(shell(dockertest.Busybox(t), script), "")
	done := started(t, ctx, h, call)
	closed := make(chan error, 1)
	go func() { closed <- h.Close() }()
	for ended := false; !ended; { // until Close has begun
		h.mu.Lock()
		ended = h.closed
		h.mu.Unlock()
	}
	select {
	case err := <-closed:
		t.Fatalf("it closed under an attempt: %v", err)
	default:
	}
	cancel()
	wantKind(t, <-done, engine.KindCanceled)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	select {
	case line := <-call.Sink.(recorder).lines:
		if line != "cleaned up" {
			t.Errorf("the command said %q, want that it cleaned up", line)
		}
	default:
		t.Error("the command had no time to clean up, or to say so")
	}
	_, err := h.Handle(t.Context(), callOf(shell("x", "true"), ""))
	wantKind(t, err, engine.KindError)
}

// TestMeddling has somebody else kill and remove what is running.
func TestMeddling(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	for name, meddle := range map[string]func(*Handler, string) error{
		"removed": func(h *Handler, id string) error {
			return h.docker.ContainerRemove(context.Background(), id, container.RemoveOptions{Force: true})
		},
		"killed": func(h *Handler, id string) error {
			return h.docker.ContainerKill(context.Background(), id, "KILL")
		},
		"paused, and then killed": func(h *Handler, id string) error {
			if err := h.docker.ContainerPause(context.Background(), id); err != nil {
				return err
			}
			return h.docker.ContainerRemove(context.Background(), id, container.RemoveOptions{Force: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHandler(t, Config{})
			done := started(t, t.Context(), h, callOf(shell(image, `echo ready >&2; sleep 1000`), ""))
			if err := meddle(h, mine(t, h)); err != nil {
				t.Fatal(err)
			}
			failed := failureOf(t, <-done, KindExit)
			if failed.Permanent || !strings.Contains(failed.Message, "137") {
				t.Errorf("%+v: want it to pass, with the code", failed)
			}
		})
	}
}

// TestKept leaves a container for somebody to look at, also one that never started.
func TestKept(t *testing.T) {
	t.Parallel()
	h := newHandler(t, Config{Policy: Policy{Keep: true}})
	image := dockertest.Busybox(t)
	remove := func() {
		id := mine(t, h)
		if err := h.docker.ContainerRemove(context.Background(), id, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Handle(t.Context(), callOf(with(shell(image, "true"), `"auto_remove":false`), "")); err != nil {
		t.Fatal(err)
	}
	remove()
	_, err := h.Handle(t.Context(), callOf(`{"image":"`+image+`","command":["/nowhere"],"auto_remove":false}`, ""))
	wantKind(t, err, KindCommand)
	remove()
}

// TestMany runs many attempts at once, of which nothing is left: newHandler looks for
// containers, mounts, sockets and files, TestMain for goroutines.
func TestMany(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{})
	before := openFiles(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			got, err := h.Handle(t.Context(), callOf(shell(image, `echo '{"op":"channel_add","key":"k","value":1}' > $GRAFLOW_EFFECTS; cat`), `1`))
			if err != nil || string(got.Value) != "1\n" || len(got.Effects.Channel) != 1 {
				t.Errorf("%s, %+v, %v", got.Value, got.Effects, err)
			}
		})
	}
	all.Wait()
	entries, err := os.ReadDir(h.scratch.dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the handler's directory: %v, %v: want only its lock", entries, err)
	}
	dockertest.Left(t, "", LabelInstance+"="+h.scratch.instance)
	t.Logf("%d files are open now, %d before, those of other tests counted", openFiles(t), before)
}

// openFiles is how many files this process has open.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestDaemonComesBack reaps with the first attempt that has a daemon, not with the
// first of all.
func TestDaemonComesBack(t *testing.T) {
	t.Parallel()
	b := newBetween(t)
	h := newHandler(t, Config{Host: b.host})
	b.on(func(*http.Request) { panic(http.ErrAbortHandler) })
	call := callOf(shell(dockertest.Busybox(t), "true"), "")
	_, err := h.Handle(t.Context(), call)
	wantKind(t, err, KindUnavailable)
	if !h.reaped.IsZero() {
		t.Error("it reaped without a daemon")
	}
	b.on(nil)
	if _, err := h.Handle(t.Context(), call); err != nil || h.reaped.IsZero() {
		t.Errorf("%v, reaped at %v", err, h.reaped)
	}
}
