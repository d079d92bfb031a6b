package wasip1_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// program is a finished run of a real program.
type program struct {
	stdout, stderr string
	code           uint32
	err            error // anything but an exit
	state          *wasip1.State
	touched        bool // before closing
}

// runProgram runs a command on wazero with our functions.
func runProgram(ctx context.Context, t *testing.T, wasm []byte, config wasip1.Config) program {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(cache))
	defer func() { _ = r.Close(context.WithoutCancel(ctx)) }()
	var stdout, stderr bytes.Buffer
	config.Stdout, config.Stderr = &stdout, &stderr
	if config.Args == nil {
		config.Args = []string{"program"}
	}
	state := wasip1.New(config)
	host := r.NewHostModuleBuilder(wasip1.ModuleName)
	for _, f := range functions {
		host.NewFunctionBuilder().
			WithGoModuleFunction(hostFunction(f, state), f.Params, f.Results).
			Export(f.Name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	// Compiled apart, the code stays in the cache for the next run.
	compiled, err := r.CompileModule(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig())
	p := program{err: err, state: state, touched: state.Touched()}
	if exit := (wasip1.Exit{}); errors.As(err, &exit) {
		p.code, p.err = exit.Code, nil
	}
	if err := state.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	p.stdout, p.stderr = stdout.String(), stderr.String()
	return p
}

var cache = wazero.NewCompilationCache()

func hostFunction(f wasip1.Function, s *wasip1.State) api.GoModuleFunc {
	return func(ctx context.Context, m api.Module, stack []uint64) {
		var memory []byte
		if mem := m.Memory(); mem != nil {
			memory, _ = mem.Read(0, mem.Size())
		}
		errno := f.Run(ctx, s, memory, stack[:len(f.Params)])
		if len(f.Results) > 0 {
			stack[0] = uint64(errno)
		}
	}
}

// buildC compiles testdata/c/NAME.c with clang and wasi-libc, in Debian
// clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32.
func buildC(t *testing.T, name string) []byte {
	t.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		clang, err = exec.LookPath("clang")
	}
	sysroot := os.Getenv("WASI_SYSROOT")
	if sysroot == "" {
		sysroot = "/usr"
	}
	if _, missing := os.Stat(filepath.Join(sysroot, "include/wasm32-wasi/stdio.h")); err != nil || missing != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err, missing)
		}
		t.Skip("SKIPPED: C programs need clang and wasi-libc: apt-get install " +
			"clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32")
	}
	out := filepath.Join(t.TempDir(), name+".wasm")
	build := exec.CommandContext(
		t.Context(), clang, "--target=wasm32-wasi", "--sysroot="+sysroot,
		"-O1", "-Wall", "-Werror", "-o", out, filepath.Join("testdata", "c", name+".c"),
	)
	return built(t, build, out)
}

func buildGo(t *testing.T, name string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	build := exec.CommandContext(
		t.Context(), "go", "build", "-ldflags=-s -w", "-o", out, "./"+filepath.Join("testdata", "go", name),
	)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	return built(t, build, out)
}

func built(t *testing.T, build *exec.Cmd, out string) []byte {
	t.Helper()
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, said)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// eachTree runs a test on a tree in memory and on a directory.
func eachTree(t *testing.T, test func(t *testing.T, tree guestfs.FS)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, guestfs.NewMemory(guestfs.NewQuota(64<<20)))
	})
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		tree, err := guestfs.OpenDir(t.TempDir(), true, guestfs.NewQuota(64<<20))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = tree.Close() })
		test(t, tree)
	})
}

// passed fails the test unless the program ended well; C programs name what did
// not hold on stderr.
func (p program) passed(t *testing.T) {
	t.Helper()
	if p.err != nil || p.code != 0 {
		t.Fatalf("exit code %d, error %v\n%s%s", p.code, p.err, p.stdout, p.stderr)
	}
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// says fails the test unless the lines are what the program printed.
func (p program) says(t *testing.T, lines ...string) {
	t.Helper()
	if want := strings.Join(lines, "\n") + "\n"; p.stdout != want {
		t.Errorf("got output\n%s\nwant\n%s", p.stdout, want)
	}
}
