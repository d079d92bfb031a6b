package guesttest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// builds holds one build per absolute directory: string → func() (string, error).
var builds sync.Map

// output is the directory of all modules of this process, made on first use.
var output = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "guesttest-") })

// Build compiles the package main in dir, relative to the test's directory, for
// wasip1 as a reactor (`-buildmode=c-shared`: exports by //go:wasmexport and
// _initialize) and returns the path of the module. It blocks while the go
// command runs, is safe for concurrent use, and ends the test if dir does not
// build. The file is shared: callers read it only. Without Main in the
// package's TestMain, it stays behind in the temporary directory.
func Build(tb testing.TB, dir string) (path string) {
	tb.Helper()
	dir, err := filepath.Abs(dir)
	if err != nil {
		tb.Fatalf("build guest: %v", err)
	}
	// The build outlives no test: the caller that starts it waits for it. But
	// its outcome is for all callers, so one test's end must not cancel it.
	ctx := context.WithoutCancel(tb.Context())
	build, _ := builds.LoadOrStore(dir, sync.OnceValues(func() (string, error) { return compile(ctx, dir) }))
	path, err = build.(func() (string, error))()
	if err != nil {
		tb.Fatalf("build guest %s: %v", dir, err)
	}
	return path
}

// Main runs a package's tests and exits with their code, or 1 if a goroutine is
// left. It removes the modules that Build made. To be called last in TestMain.
func Main(m *testing.M, options ...goleak.Option) {
	exit := goleak.Cleanup(func(code int) {
		if err := remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	})
	goleak.VerifyTestMain(m, append(options, exit)...)
}

func compile(ctx context.Context, dir string) (string, error) {
	out, err := output()
	if err != nil {
		return "", err
	}
	// Directories of one name must not meet in one file.
	name := fmt.Sprintf("%s-%.4x.wasm", filepath.Base(dir), sha256.Sum256([]byte(dir)))
	path := filepath.Join(out, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags", "-s -w", "-o", path, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if message, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, message)
	}
	return path, nil
}

// remove deletes the output directory, if anything was built.
func remove() error {
	built := false
	builds.Range(func(any, any) bool { built = true; return false })
	if !built {
		return nil
	}
	dir, err := output()
	if err != nil {
		return nil // nothing was written, and Build has said so
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove guests: %w", err)
	}
	return nil
}
