package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// docker runs Docker's command, and returns what it printed.
func docker(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0") // the builder that every daemon has
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("docker %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}

func mustDocker(tb testing.TB, args ...string) string {
	tb.Helper()
	out, err := docker(tb.Context(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

var imageOnce struct {
	sync.Once

	name string
	err  error
}

// image is packaging/Containerfile, built with the command as it is released.
func image(tb testing.TB) string {
	tb.Helper()
	if _, err := exec.LookPath("docker"); err != nil {
		absent(tb, "%v: install Debian's package docker.io", err)
	}
	if _, err := docker(tb.Context(), "version"); err != nil {
		absent(tb, "no Docker daemon answers (make docker): %v", err)
	}
	binary := command(tb)
	imageOnce.Do(func() {
		imageOnce.name = fmt.Sprintf("graflow-wasm-check:%d", os.Getpid())
		files := filepath.Join(built.dir, "image")
		if out, err := exec.Command("sh", filepath.Join(packaging, "image.sh"), binary, files).CombinedOutput(); err != nil {
			imageOnce.err = fmt.Errorf("image.sh: %w\n%s", err, out)
			return
		}
		_, imageOnce.err = docker(context.Background(), "build", "-q", "-f", filepath.Join(packaging, "Containerfile"), "-t", imageOnce.name, files)
	})
	if imageOnce.err != nil {
		tb.Fatal(imageOnce.err)
	}
	return imageOnce.name
}

// removeImage removes what image built.
func removeImage() error {
	if imageOnce.name == "" || imageOnce.err != nil {
		return nil
	}
	_, err := docker(context.Background(), "image", "rm", "-f", imageOnce.name)
	return err
}

// thing makes a network or volume that is removed at the end of the test.
func thing(tb testing.TB, kind, name string, args ...string) string {
	tb.Helper()
	name = fmt.Sprintf("graflow-check-%d-%s", os.Getpid(), name)
	mustDocker(tb, append([]string{kind, "create"}, append(args, name)...)...)
	tb.Cleanup(func() {
		if _, err := docker(context.Background(), kind, "rm", name); err != nil {
			tb.Error(err)
		}
	})
	return name
}

// start starts a container with an image's command, which is removed at the end of the
// test. What it printed is told if the test has failed.
func start(tb testing.TB, options []string, image string, command ...string) (id string) {
	tb.Helper()
	args := append([]string{"run", "-d"}, options...)
	id = mustDocker(tb, append(append(args, image), command...)...)
	tb.Cleanup(func() {
		ctx := context.Background()
		if tb.Failed() {
			logs, _ := exec.Command("docker", "logs", id).CombinedOutput()
			tb.Logf("%s:\n%s", strings.Join(command, " "), logs)
		}
		if _, err := docker(ctx, "rm", "-f", "-v", id); err != nil {
			tb.Error(err)
		}
	})
	return id
}

// until waits up to a minute for something.
func until(tb testing.TB, what string, done func() error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := done()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.Fatalf("%s: %v", what, errors.Join(err, context.Cause(ctx)))
		}
	}
}

// address is where a container is on a network.
func address(tb testing.TB, id, network string) string {
	tb.Helper()
	return mustDocker(tb, "inspect", "-f", fmt.Sprintf(`{{(index .NetworkSettings.Networks %q).IPAddress}}`, network), id)
}
