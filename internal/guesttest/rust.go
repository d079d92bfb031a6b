package guesttest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const installRust = "rustup target add wasm32-wasip1, or on Debian: apt-get install rustc cargo libstd-rust-dev-wasm32 lld-14"

// Rust builds the crate in dir, a cdylib, in release mode and without the network,
// and returns the path of its module. What Build says of blocking and callers holds
// here too. Without a toolchain for WASI the test is skipped, or fails in
// continuous integration.
func Rust(tb testing.TB, dir string) (path string) {
	tb.Helper()
	return buildFrom(tb, key{"rust", dir, "."})
}

// RustPath is PATH with the directory of a cargo first that has the standard
// library for WASI. Without one the test ends as with [Rust].
func RustPath(tb testing.TB) string {
	tb.Helper()
	c, err := findCargo(tb.Context())
	if err != nil {
		refuse(tb, err)
	}
	return c.path()
}

// A cargo is a toolchain that builds for WASI.
type cargo struct{ dir, target, linker string }

func (c cargo) path() string { return c.dir + string(os.PathListSeparator) + os.Getenv("PATH") }

// findCargo looks on PATH, and then where Debian has its own: a rustup without
// the target may come before it.
func findCargo(ctx context.Context) (cargo, error) {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/bin") {
		if _, err := os.Stat(filepath.Join(dir, "cargo")); err != nil {
			continue
		}
		rustc := filepath.Join(dir, "rustc")
		out, err := exec.CommandContext(ctx, rustc, "--print", "sysroot").Output()
		if err != nil {
			continue
		}
		libraries := filepath.Join(strings.TrimSpace(string(out)), "lib", "rustlib")
		for _, target := range []string{"wasm32-wasip1", "wasm32-wasi"} {
			if _, err := os.Stat(filepath.Join(libraries, target, "lib")); err == nil {
				linker, err := rustLinker(ctx, rustc, libraries)
				return cargo{dir, target, linker}, err
			}
		}
	}
	return cargo{}, &MissingError{What: "Rust for wasm32-wasip1", Install: installRust}
}

var llvmVersion = regexp.MustCompile(`LLVM version: (\d+)`)

// rustLinker is "" for a toolchain that has its own, else wasm-ld of its LLVM.
func rustLinker(ctx context.Context, rustc, libraries string) (string, error) {
	if own, _ := filepath.Glob(filepath.Join(libraries, "*", "bin", "rust-lld")); len(own) > 0 {
		return "", nil
	}
	out, err := exec.CommandContext(ctx, rustc, "-vV").Output()
	if err != nil {
		return "", fmt.Errorf("ask rustc for its version: %w", err)
	}
	name := "wasm-ld"
	if m := llvmVersion.FindSubmatch(out); m != nil {
		name = "wasm-ld-" + string(m[1])
	}
	return tool(name, "apt-get install "+strings.Replace(name, "wasm-ld", "lld", 1))
}

func (k key) cargo(ctx context.Context, module string) error {
	c, err := findCargo(ctx)
	if err != nil {
		return err
	}
	out, err := os.MkdirTemp(filepath.Dir(module), "cargo-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(out) }() // Main removes it, too
	cmd := exec.CommandContext(ctx, filepath.Join(c.dir, "cargo"), "build", "--quiet", "--offline", "--release", "--target", c.target, "--target-dir", out)
	cmd.Dir = k.dir
	cmd.Env = append(os.Environ(), "PATH="+c.path())
	if c.linker != "" {
		cmd.Env = append(cmd.Env, "CARGO_TARGET_"+strings.ToUpper(strings.ReplaceAll(c.target, "-", "_"))+"_LINKER="+c.linker)
	}
	if err := run(cmd); err != nil {
		return err
	}
	built, err := filepath.Glob(filepath.Join(out, c.target, "release", "*.wasm"))
	if err != nil || len(built) != 1 {
		return fmt.Errorf("cargo build in %s made %q, want one module", k.dir, built)
	}
	return os.Rename(built[0], module)
}
