package wasm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/handlers/internal/guest"
)

// errNoGo reports that a guest's source can't be built for want of the go command.
var errNoGo = errors.New("it is a directory with Go source, and there is no go command in PATH to build it: " +
	"install Go 1.24 or later from https://go.dev/dl, or build it elsewhere and name the .wasm file")

// maxCompilerOutput is how much of the compiler's words an error repeats, in bytes.
const maxCompilerOutput = 8 << 10

// build compiles the Go guest in dir and returns the module.
func (f *Files) build(ctx context.Context, dir string) ([]byte, error) {
	sources, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.go"))
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, fmt.Errorf("the directory %s holds no Go source: name a .wasm file, or a directory with a package main", dir)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, errNoGo
	}
	target, err := f.target(dir)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(target), 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("create cache directory: %w", err)
	}
	// Every build writes a file of its own, which then takes the target's place
	// at once: readers and other processes never see half a module. It begins as
	// a copy of the target, because go does not link again what is up to date.
	out, err := copyToTemp(target)
	if err != nil {
		return nil, fmt.Errorf("prepare build: %w", err)
	}
	defer func() { _ = os.Remove(out) }()
	if err := goBuild(ctx, tool, dir, out); err != nil {
		return nil, err
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("read what go build wrote: %w", err)
	}
	return wasm, os.Rename(out, target)
}

// Guess is the module that was built last from the directory that a reference names: what
// Load returns, if nothing has changed. nil: there is none.
func (f *Files) Guess(ref string) []byte {
	dir, err := guest.Absolute(f.Dir, ref)
	if err != nil {
		return nil
	}
	target, err := f.target(dir)
	if err != nil {
		return nil
	}
	wasm, err := os.ReadFile(target)
	if err != nil {
		return nil
	}
	return wasm
}

// target is the file that keeps the module of a directory.
func (f *Files) target(dir string) (string, error) {
	cache := f.CacheDir
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		cache = filepath.Join(user, "graflow-wasm")
	}
	cache = filepath.Join(cache, "guests", fmt.Sprintf("%x", sha256.Sum256([]byte(dir))))
	cache, err := filepath.Abs(cache) // go runs in another directory
	if err != nil {
		return "", err
	}
	return filepath.Join(cache, "guest.wasm"), nil
}

// copyToTemp copies a file, if it is there, to a new one beside it.
func copyToTemp(file string) (string, error) {
	out, err := os.CreateTemp(filepath.Dir(file), "build-*.wasm")
	if err != nil {
		return "", err
	}
	if old, readErr := os.ReadFile(file); readErr == nil {
		_, err = out.Write(old)
	}
	return out.Name(), errors.Join(err, out.Close())
}

// goBuild runs the go command. It asks for a reactor, whose exports are
// functions marked //go:wasmexport.
func goBuild(ctx context.Context, tool, dir, out string) error {
	cmd := exec.CommandContext(ctx, tool, "build", "-trimpath", "-buildvcs=false", "-buildmode=c-shared", "-ldflags", "-w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.WaitDelay = 2 * time.Second
	words, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("go build in %s: %w", dir, context.Cause(ctx))
	}
	text := strings.TrimSpace(string(words))
	if len(text) > maxCompilerOutput {
		text = text[:maxCompilerOutput] + "\n…"
	}
	return fmt.Errorf("go build in %s: %w\n%s", dir, err, text)
}

// escapeGlob makes a path stand for itself in a pattern.
func escapeGlob(path string) string {
	if os.PathSeparator == '\\' {
		return path // there is no escaping there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}
