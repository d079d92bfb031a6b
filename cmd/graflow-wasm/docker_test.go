package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/graflow/graflow-wasm/handlers/docker"
	"github.com/graflow/graflow-wasm/internal/dockertest"
)

// staticCommand builds the command as it is released, once: the test's own binary has
// libraries that no image has.
var staticCommand = sync.OnceValues(func() (dir string, err error) {
	dir = filepath.Join(os.Getenv("GRAFLOW_TEST_DIR"), "static")
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "graflow-wasm"), ".") //nolint:noctx // for all tests
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w\n%s", err, out)
	}
	return dir, nil
})

// TestDockerScripts is TestScripts with a real daemon. IMAGE in flows is an image with
// busybox; `containers N` waits until there are N of the script. At its end none is left,
// nor anything else of what containers were given.
func TestDockerScripts(t *testing.T) {
	t.Parallel()
	dockertest.Daemon(t)
	image := dockertest.Busybox(t)
	dir, err := staticCommand()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/docker",
		Setup: func(env *testscript.Env) error {
			scratch, err := os.MkdirTemp("/dev/shm", "graflow-test-")
			if err != nil {
				return err
			}
			env.Defer(func() {
				dockertest.Left(t, scratch, docker.LabelScratch+"="+scratch)
				if err := os.RemoveAll(scratch); err != nil {
					t.Error(err)
				}
			})
			env.Setenv("PATH", dir+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("DOCKER_HOST", os.Getenv("DOCKER_HOST"))
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("HOME", cache)
			env.Setenv("SCRATCH", scratch)
			env.Setenv("IMAGE", image)
			return errors.Join(writeModules(env.WorkDir), nameImage(env.WorkDir, image))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "until": until,
			"containers": func(ts *testscript.TestScript, neg bool, args []string) { containers(t, ts, neg, args) },
		},
	})
}

// nameImage puts the name of an image, and the script's directory, into its flows.
func nameImage(dir, image string) error {
	flows, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return err
	}
	for _, name := range flows {
		text, err := os.ReadFile(name)
		if err == nil {
			err = os.WriteFile(name, []byte(strings.NewReplacer("IMAGE", image, "WORK/", dir+"/").Replace(string(text))), 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// containers waits until so many containers of the script run, and there are no others.
func containers(t *testing.T, ts *testscript.TestScript, neg bool, args []string) {
	t.Helper()
	if neg || len(args) != 1 {
		ts.Fatalf("usage: containers N")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	label := docker.LabelScratch + "=" + ts.Getenv("SCRATCH")
	changes, stop := dockertest.Changes(t, label)
	defer stop()
	again := time.NewTicker(time.Second) // the daemon tells of some before it shows them
	defer again.Stop()
	late := time.After(patience)
	for {
		running, states := stand(t, label)
		if running == want && len(states) == want {
			return
		}
		select {
		case <-changes:
		case <-again.C:
		case <-late:
			ts.Fatalf("want %d running containers, got %s", want, strings.Join(states, ", "))
		}
	}
}

// stand is how many containers with a label run, and how all of them stand.
func stand(t *testing.T, label string) (running int, states []string) {
	t.Helper()
	for _, c := range dockertest.Containers(t, label) {
		states = append(states, c.State)
		if c.State == "running" {
			running++
		}
	}
	return running, states
}
