package artifact_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

// roleVariable makes the test binary play another process's part.
const (
	roleVariable = "ARTIFACT_TEST_ROLE"
	dirVariable  = "ARTIFACT_TEST_DIR"
	shared       = 6 // modules that processes sharing a cache compile
)

func play(role string) int {
	var err error
	switch role {
	case "crash":
		panic("as a compiler might")
	case "limits":
		err = reportLimits()
	case "share":
		err = share(os.Getenv(dirVariable))
	default:
		err = errors.New("no such role")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func reportLimits() error {
	if err := artifact.LimitSelf(artifact.Limits{}); err != nil {
		return err
	}
	for _, name := range []string{"status", "limits"} {
		f, err := os.Open("/proc/self/" + name)
		if err != nil {
			return err
		}
		if _, err := io.Copy(os.Stdout, f); err != nil {
			return err
		}
	}
	return nil
}

// share compiles some modules with the cache in dir.
func share(dir string) error {
	ctx := context.Background()
	b, err := start(ctx, artifact.Config{Dir: dir})
	if err != nil {
		return err
	}
	for n := range byte(shared) {
		_, report, err := b.compile(ctx, answer(n))
		if err := errors.Join(err, report.Rejected, report.Unsaved); err != nil {
			return err
		}
	}
	return errors.Join(b.runtime.Close(ctx), b.Close(ctx))
}

// actor starts this binary in a role, without running it yet.
func actor(tb testing.TB, role string, env ...string) *exec.Cmd {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), roleVariable+"="+role), env...)
	return cmd
}
