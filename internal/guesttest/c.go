package guesttest

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
)

const installClang = "apt-get install clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32"

// C builds a C11 program with the SDK in sdk/c as a reactor, and returns the path
// of its module. It ends as [Rust] does without clang-19.
func C(tb testing.TB, file string) (path string) {
	tb.Helper()
	return buildFrom(tb, key{"c", filepath.Dir(file), filepath.Base(file)})
}

// CPlusPlus is C for a C++17 program without exceptions and the standard library.
func CPlusPlus(tb testing.TB, file string) (path string) {
	tb.Helper()
	return buildFrom(tb, key{"c++", filepath.Dir(file), filepath.Base(file)})
}

// Clang ends a test as [Rust] does if there is no clang-19.
func Clang(tb testing.TB) {
	tb.Helper()
	if _, err := tool("clang-19", installClang); err != nil {
		refuse(tb, err)
	}
}

func (k key) clang(ctx context.Context, module string, flags ...string) error {
	clang, err := tool("clang-19", installClang)
	if err != nil {
		return err
	}
	root, err := checkout()
	if err != nil {
		return err
	}
	args := append([]string{
		"--target=wasm32-wasi", "--sysroot=/usr", "-O2", "-s", "-mexec-model=reactor", "-Wl,--stack-first", "-Wl,-z,stack-size=1048576",
		"-Wall", "-Wextra", "-Werror", "-I", filepath.Join(root, "sdk", "c"), "-o", module,
	}, flags...)
	return run(exec.CommandContext(ctx, clang, append(args, filepath.Join(k.dir, k.name))...))
}
