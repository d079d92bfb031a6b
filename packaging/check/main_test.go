package check_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// packaging is the directory that is checked, checkout the one around it.
const (
	packaging = ".."
	checkout  = "../.."
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "graflow-packaging-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built.dir = dir
	code := m.Run()
	if err := errors.Join(removeImage(), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, "clean up:", err)
		code = 1
	}
	os.Exit(code)
}

var built struct {
	dir  string
	once sync.Once
	err  error
}

// command is the path of the command, built as it is released.
func command(tb testing.TB) string {
	tb.Helper()
	path := filepath.Join(built.dir, "graflow-wasm")
	built.once.Do(func() { built.err = build(context.Background(), path, "linux", "amd64") })
	if built.err != nil {
		tb.Fatal(built.err)
	}
	return path
}

// build builds the command for a platform, with the flags of .goreleaser.yaml and those
// that are given.
func build(ctx context.Context, path, goos, goarch string, flags ...string) error {
	flags = append([]string{"build", "-trimpath", "-ldflags", "-s -w -X main.version=v0.0.0-check", "-o", path}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(flags, "./cmd/graflow-wasm")...)
	cmd.Dir = checkout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+goarch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build for %s/%s: %w\n%s", goos, goarch, err, out)
	}
	return nil
}

// absent ends a test whose surroundings lack something: it fails where CI is set.
func absent(tb testing.TB, format string, args ...any) {
	tb.Helper()
	if os.Getenv("CI") != "" {
		tb.Fatalf(format, args...)
	}
	tb.Skipf(format, args...)
}
