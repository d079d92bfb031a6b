package guesttest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// builds holds one build per key: key → func() (string, error).
var builds sync.Map

// A key says what is built: for a target, in a directory, a package.
type key struct{ target, dir, name string }

func (k key) String() string { return k.target + " " + filepath.Join(k.dir, k.name) }

// A target is what go build is told beside the package.
type target struct {
	ending     string // of the file's name
	env, flags []string
}

var targets = map[string]target{
	"guest":   {ending: ".wasm", env: []string{"GOOS=wasip1", "GOARCH=wasm"}, flags: []string{"-buildmode=c-shared"}},
	"program": {env: []string{"GOOS=linux", "GOARCH=" + runtime.GOARCH}, flags: []string{"-buildvcs=false"}},
}

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
	return buildFrom(tb, key{"guest", dir, "."})
}

// Program compiles the package main at a path, as go build takes it from the test's
// directory, for Linux and this machine's processor, static, so that it runs where
// there is nothing but itself, and returns the path of the program. What Build says
// of blocking, callers and ends holds here too.
func Program(tb testing.TB, packagePath string) (path string) {
	tb.Helper()
	return build(tb, key{"program", "", packagePath})
}

// buildFrom is build with a directory that is relative to the test's.
func buildFrom(tb testing.TB, what key) string {
	tb.Helper()
	var err error
	if what.dir, err = filepath.Abs(what.dir); err != nil {
		tb.Fatalf("build %s: %v", what, err)
	}
	return build(tb, what)
}

func build(tb testing.TB, what key) string {
	tb.Helper()
	// The build outlives no test: the caller that starts it waits for it. But
	// its outcome is for all callers, so one test's end must not cancel it.
	ctx := context.WithoutCancel(tb.Context())
	once, _ := builds.LoadOrStore(what, sync.OnceValues(func() (string, error) { return what.compile(ctx) }))
	path, err := once.(func() (string, error))()
	var missing *MissingError
	if errors.As(err, &missing) {
		refuse(tb, err)
	}
	if err != nil {
		tb.Fatalf("build %s: %v", what, err)
	}
	return path
}

// Main runs a package's tests and exits with their code, or 1 if a goroutine is
// left. It removes the modules that Build made. To be called last in TestMain.
func Main(m goleak.TestingM, options ...goleak.Option) {
	exit := goleak.Cleanup(func(code int) {
		if err := remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	})
	goleak.VerifyTestMain(m, append(options, exit)...)
}

func (k key) compile(ctx context.Context) (string, error) {
	out, err := output()
	if err != nil {
		return "", err
	}
	how, ours := targets[k.target]
	if !ours {
		how.ending = ".wasm"
	}
	// Packages of one name must not meet in one file.
	file := fmt.Sprintf("%s-%.4x%s", filepath.Base(filepath.Join(k.dir, k.name)), sha256.Sum256([]byte(k.String())), how.ending)
	path := filepath.Join(out, file)
	switch k.target {
	case "rust":
		return path, k.cargo(ctx, path)
	case "c":
		return path, k.clang(ctx, path, "-std=c11")
	case "c++":
		return path, k.clang(ctx, path, "-x", "c++", "-std=c++17", "-fno-exceptions", "-fno-rtti")
	case "assemblyscript":
		return path, k.asc(ctx, path)
	}
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", path}, how.flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, k.name)...)
	cmd.Dir = k.dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), how.env...)
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
