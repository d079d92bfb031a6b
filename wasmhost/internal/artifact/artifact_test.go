package artifact_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/wasmhost/internal/artifact"
)

func TestMain(m *testing.M) {
	artifact.Child()
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role))
	}
	goleak.VerifyTestMain(m)
}

// answer exports run, which returns 42 in the low byte of its constant.
func answer(n byte) []byte {
	return module(nil, []byte{0x41, n, 0x0b})
}

var buildGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "artifact-guest")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build guest: %w\n%s", err, text)
	}
	return os.ReadFile(out)
})

func guest(tb testing.TB) []byte {
	tb.Helper()
	wasm, err := buildGuest()
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

// cacheDir names a directory that isn't there yet: those that the tests are given
// may be open to a group.
func cacheDir(tb testing.TB) string {
	tb.Helper()
	return filepath.Join(tb.TempDir(), "cache")
}

// bench is a compiler and a runtime of it.
type bench struct {
	*artifact.Compiler
	runtime wazero.Runtime
}

// open opens a compiler until the end of the test.
func open(tb testing.TB, config artifact.Config) bench {
	tb.Helper()
	b, err := start(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.close(tb) })
	return b
}

func start(ctx context.Context, config artifact.Config) (bench, error) {
	c, err := artifact.New(ctx, config)
	if err != nil {
		return bench{}, err
	}
	return bench{c, wazero.NewRuntimeWithConfig(ctx, c.RuntimeConfig())}, nil
}

func (b bench) close(tb testing.TB) {
	tb.Helper()
	if err := b.runtime.Close(context.Background()); err != nil {
		tb.Error(err)
	}
	if err := b.Close(context.Background()); err != nil {
		tb.Error(err)
	}
}

// compile compiles a module that nobody trusts.
func (b bench) compile(ctx context.Context, wasm []byte) (wazero.CompiledModule, artifact.Report, error) {
	return b.Compile(ctx, b.runtime, artifact.Key{Meter: "test"}, wasm, false)
}

// run compiles wasm and checks where its code came from and what run returns.
func (b bench) run(tb testing.TB, wasm []byte, source artifact.Source, want uint64) artifact.Report {
	tb.Helper()
	m, report, err := b.compile(tb.Context(), wasm)
	if err != nil {
		tb.Fatal(err)
	}
	if report.Source != source {
		tb.Errorf("code from %s, want %s", report.Source, source)
	}
	if report.Unsaved != nil {
		tb.Error(report.Unsaved)
	}
	instance, err := b.runtime.InstantiateModule(tb.Context(), m, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		tb.Fatal(err)
	}
	got, err := instance.ExportedFunction("run").Call(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	if got[0] != want {
		tb.Errorf("run gave %d, want %d", got[0], want)
	}
	if err := instance.Close(tb.Context()); err != nil {
		tb.Error(err)
	}
	if err := m.Close(tb.Context()); err != nil {
		tb.Error(err)
	}
	return report
}

func newRuntime(tb testing.TB, config wazero.RuntimeConfig) wazero.Runtime {
	tb.Helper()
	r := wazero.NewRuntimeWithConfig(tb.Context(), config)
	tb.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return r
}
