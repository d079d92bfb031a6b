package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/graflow/graflow-wasm/bench/guests"
)

// ErrNoClang says that guests in C can't be built here.
var ErrNoClang = errors.New("clang-19 is not installed (Debian: clang-19 lld-19)")

const module = "github.com/graflow/graflow-wasm/bench/guests/"

// Builder builds guests into a directory, each once. It is not safe for
// concurrent use.
type Builder struct {
	Dir string
}

// Reactor is guests/NAME as a module with exports.
func (b Builder) Reactor(ctx context.Context, name string) ([]byte, error) {
	return b.goBuild(ctx, name, "-buildmode=c-shared")
}

// Command is guests/NAME as a module with a main function.
func (b Builder) Command(ctx context.Context, name string) ([]byte, error) {
	return b.goBuild(ctx, name)
}

func (b Builder) goBuild(ctx context.Context, name string, flags ...string) ([]byte, error) {
	return b.once(b.Path(name), func(file string) error {
		args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", file}, flags...)
		build := exec.CommandContext(ctx, "go", append(args, module+name)...)
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		return run(build)
	})
}

// C is guests/c/NAME.c. Without a compiler the error is ErrNoClang.
func (b Builder) C(ctx context.Context, name string) ([]byte, error) {
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		return nil, ErrNoClang
	}
	return b.once(b.Path("c-"+name), func(file string) error {
		source, err := guests.C.ReadFile("c/" + name + ".c")
		if err != nil {
			return err
		}
		path := filepath.Join(b.Dir, name+".c")
		if err := os.WriteFile(path, source, 0o600); err != nil {
			return err
		}
		return run(exec.CommandContext(ctx, clang, "--target=wasm32", "-O2", "-mbulk-memory", "-nostdlib",
			"-Wno-infinite-recursion", "-Wl,--no-entry,--strip-all", "-o", file, path))
	})
}

// Path is where the module of that name is kept.
func (b Builder) Path(name string) string { return filepath.Join(b.Dir, name+".wasm") }

func (b Builder) once(file string, build func(file string) error) ([]byte, error) {
	if wasm, err := os.ReadFile(file); err == nil {
		return wasm, nil
	}
	if err := build(file); err != nil {
		return nil, fmt.Errorf("build guest %s: %w", filepath.Base(file), err)
	}
	return os.ReadFile(file)
}

func run(c *exec.Cmd) error {
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}
