package docker

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// processScratch and processImage tell TestOtherProcess that it is one.
const (
	processScratch = "TEST_DOCKER_SCRATCH"
	processImage   = "TEST_DOCKER_IMAGE"
)

// TestOtherProcess is what TestReap starts: a process with two containers, one of
// which is to be kept, until its stdin ends.
func TestOtherProcess(t *testing.T) { //nolint:paralleltest // it is alone in its process
	scratch, image := os.Getenv(processScratch), os.Getenv(processImage)
	if scratch == "" {
		t.Skip("this is a part of TestReap")
	}
	h, err := New(Config{Scratch: scratch, Policy: Policy{Keep: true}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var done []<-chan error
	for _, keys := range []string{`"auto_remove":true`, `"auto_remove":false`} {
		done = append(done, started(t, ctx, h, callOf(with(shell(image, "echo ready >&2; exec sleep 1000"), keys+`,"stop_timeout":"1s"`), "")))
	}
	_, _ = os.Stdout.WriteString("ready\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	cancel()
	for _, ended := range done {
		wantKind(t, <-ended, engine.KindCanceled)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

// other is a process with containers.
type other struct {
	*exec.Cmd
	stdin io.Closer
}

func startOther(t *testing.T, scratch, image string) other {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), processScratch+"="+scratch, processImage+"="+image)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	return other{cmd, stdin}
}

// TestReap has one process killed and another one live. The next handler removes what
// the dead one has left, but not what was to be kept, and nothing of the living.
func TestReap(t *testing.T) {
	t.Parallel()
	image := dockertest.Busybox(t)
	h := newHandler(t, Config{})
	scratch := h.config.Scratch
	dead, living := startOther(t, scratch, image), startOther(t, scratch, image)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait() // it was killed
	count := func(label string) int { return len(dockertest.Containers(t, LabelScratch+"="+scratch, label)) }
	directories := func() int {
		found, err := filepath.Glob(filepath.Join(scratch, "*", lockName))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if all, dirs := count(LabelScratch), directories(); all != 4 || dirs != 2 {
		t.Fatalf("%d containers and %d directories, want 4 and 2", all, dirs)
	}
	if _, err := h.Handle(t.Context(), callOf(shell(image, "true"), "")); err != nil {
		t.Fatal(err)
	}
	if all, kept, dirs := count(LabelScratch), count(LabelKept), directories(); all != 3 || kept != 2 || dirs != 2 {
		t.Errorf("%d containers, %d of them kept, and %d directories: want 3, 2, and those of the living process and of this one", all, kept, dirs)
	}
	_ = living.stdin.Close()
	if err := living.Wait(); err != nil {
		t.Errorf("the living process: %v", err)
	}
	left := dockertest.Containers(t, LabelScratch+"="+scratch)
	for _, c := range left {
		if c.Labels[LabelKept] == "" {
			t.Errorf("left: %v", c)
		}
		if err := h.docker.ContainerRemove(context.Background(), c.ID, container.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	}
	if len(left) != 2 {
		t.Errorf("%d containers are left, want both that are to be kept", len(left))
	}
}

// TestStartAtOnce starts many handlers in one scratch directory, none of which may
// take another's directory for a dead process's.
func TestStartAtOnce(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	scratch := scratchOf(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				h, err := New(Config{Scratch: scratch})
				if err == nil {
					err = h.begin(context.Background())
				}
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := os.Stat(filepath.Join(h.scratch.dir, lockName)); err != nil {
					t.Error(err)
				}
				h.running.Done()
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestImageLabels has an image that would have its containers kept.
func TestImageLabels(t *testing.T) {
	t.Parallel()
	image := dockertest.Image(t, "labels", map[string]dockertest.File{"hostile": {Path: dockertest.Program(t, "./testdata/hostile")}},
		`ENTRYPOINT ["/hostile", "stubborn"]`, `LABEL `+LabelKept+`=true `+LabelInstance+`=other `+LabelPool+`=another`)
	h := newHandler(t, Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	call := callOf(`{"image":"`+image+`","result":"file","stop_timeout":"1s"}`, "")
	done := started(t, ctx, h, call)
	found, err := h.docker.ContainerInspect(t.Context(), mine(t, h))
	if err != nil {
		t.Fatal(err)
	}
	if l := found.Config.Labels; l[LabelKept] != "" || l[LabelPool] != "" || l[LabelInstance] != h.scratch.instance {
		t.Errorf("labels %v: want none of the image's own of ours", l)
	}
	cancel()
	wantKind(t, <-done, engine.KindCanceled)
}
