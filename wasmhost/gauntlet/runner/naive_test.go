package runner

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
	"go.uber.org/goleak"
)

// naiveVariable in the environment has a child test the naive host instead.
const naiveVariable = "GRAFLOW_GAUNTLET_NAIVE"

func TestMain(m *testing.M) {
	if os.Getenv(naiveVariable) != "" {
		open = openNaive
	}
	Child()
	goleak.VerifyTestMain(m)
}

// naive is the host that one writes first: wazero as its documentation shows
// it, with a deadline.
type naive struct{ runtime wazero.Runtime }

func openNaive(ctx context.Context, _ gauntlet.Limits) (host, error) {
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
	_, err := wasi_snapshot_preview1.Instantiate(ctx, runtime)
	return naive{runtime}, err
}

func (n naive) close(ctx context.Context) error { return n.runtime.Close(ctx) }

func (n naive) compile(ctx context.Context, wasm []byte) (module, string, error) {
	compiled, err := n.runtime.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err.Error(), nil
	}
	return naiveModule{n.runtime, compiled}, "", nil
}

type naiveModule struct {
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
}

func (m naiveModule) call(ctx context.Context, c gauntlet.Case, export string, g grounds) (ending, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Timeout)
	defer cancel()
	var out bytes.Buffer
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithStdout(&out).
		WithRandSource(rand.Reader).WithSysNanosleep().WithSysNanotime()
	if c.Setup.Mount != "" {
		config = config.WithFSConfig(wazero.NewFSConfig().WithDirMount(g.data, "/data"))
	}
	instance, err := m.runtime.InstantiateModule(ctx, m.compiled, config)
	if err != nil {
		return ending{kind: naiveKind(err), detail: err.Error()}, nil
	}
	defer instance.Close(context.WithoutCancel(ctx))
	results, err := instance.ExportedFunction(export).Call(ctx)
	if err != nil {
		return ending{kind: naiveKind(err), detail: err.Error()}, nil
	}
	if len(results) > 0 && results[0] != 0 {
		return ending{kind: gauntlet.KindError, detail: "the attack succeeded"}, nil
	}
	return ending{}, nil
}

func naiveKind(err error) string {
	var exit *sys.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == sys.ExitCodeDeadlineExceeded:
		return gauntlet.KindTimeout
	case errors.As(err, &exit):
		return gauntlet.KindError
	case strings.Contains(err.Error(), "stack overflow"):
		return gauntlet.KindStack
	}
	return gauntlet.KindTrap
}

// TestNaiveHost shows that the gauntlet can be lost, by a process
// that dies, hangs or freezes, by files and endings that a guest gets its way
// with, and by reasons that are none. And that it can be won.
func TestNaiveHost(t *testing.T) {
	if testing.Short() || Race {
		t.Skip("a minute or more; without -short and the race detector, as make gauntlet does")
	}
	t.Setenv(naiveVariable, "1")
	cases := map[string]gauntlet.Case{}
	for _, c := range gauntlet.Cases() {
		cases[c.Name] = c
	}
	// want is a pattern in what is wrong, "" if nothing is.
	for _, test := range []struct{ name, want string }{ //nolint:paralleltest // it sets the environment, and measures time
		{"control/file", ""},
		{"loop/br", ""},
		{"memory/load-past-end", ""},
		{"leak/memory", ""},
		{"decode/locals", "the process was lost: exit status 2"},
		{"decode/element-functions", "the process was lost: exit status 2"},
		{"wait/hour", "the process was lost: not done after"},
		{"recursion/tree", "the process was lost: not done after"}, // frozen by its own collector
		{"table/min-1e8", "want memory or refusal"},
		{"path/open-link", "ended with error"},
		{"path/write-link", "breach: "},
		{"path/rename-out-through-link", "breach: "},
		{"disk/append", "the mount holds"},
		{"flood/stdout", "want output_too_large|the process was lost"},
		{"forge/exit-code-deadline", "ended with timeout"},
		{"feature/component", "refused for another reason"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, ok := cases[test.name]
			if !ok {
				t.Fatal("no such case")
			}
			outcome, err := Run(t.Context(), c, false)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(outcome.Wrong, "\n")
			if test.want == "" && !outcome.Won() || !regexp.MustCompile(test.want).MatchString(got) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
