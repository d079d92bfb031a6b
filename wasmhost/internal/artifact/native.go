package artifact

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// errNoCode is what an engine that only interprets gives.
var errNoCode = errors.New("this wazero produces no native code here")

// compileInto compiles wasm with wazero, whose file cache is made in the empty
// directory dir, and returns the path of the one file that it wrote there.
func compileInto(ctx context.Context, dir string, wasm []byte, o Options, workers int) (path string, err error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return "", fmt.Errorf("open scratch directory: %w", err)
	}
	defer func() { err = errors.Join(err, cache.Close(context.WithoutCancel(ctx))) }()
	r := wazero.NewRuntimeWithConfig(ctx, o.runtimeConfig(cache))
	defer func() { err = errors.Join(err, r.Close(context.WithoutCancel(ctx))) }()
	if _, err := r.CompileModule(experimental.WithCompilationWorkers(ctx, workers), wasm); err != nil {
		return "", refusal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "wazero-*", "*"))
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", errNoCode
	}
	return files[0], nil
}

// refusal tells what is wrong with the module from what is wrong around it.
func refusal(err error) error {
	var file *fs.PathError
	var link *os.LinkError
	if errors.As(err, &file) || errors.As(err, &link) || errors.Is(err, syscall.EFBIG) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("keep what was compiled: %w", err)
	}
	const most = 4 << 10
	reason := err.Error()
	return &InvalidError{Reason: reason[:min(len(reason), most)]}
}

// guarded is compileInto for this process: a panic of the compiler is an error.
func guarded(ctx context.Context, dir string, wasm []byte, o Options, workers int) (path string, err error) {
	defer func() {
		if r := recover(); r != nil {
			path, err = "", &CrashError{Status: "panic", Output: fmt.Sprint(r)}
		}
	}()
	return compileInto(ctx, dir, wasm, o, workers)
}
