package extism_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// goSDK is where the real plug-ins are. It is read from the module cache and no
// requirement of this module.
const goSDK = "github.com/extism/go-sdk@v1.7.1"

// sdkDir downloads the module once; "" if that is not possible.
var sdkDir = sync.OnceValues(func() (string, error) {
	command := exec.Command("go", "mod", "download", "-json", goSDK)
	command.Dir = "/" // outside of any module
	var stderr bytes.Buffer
	command.Stderr = &stderr
	text, err := command.Output()
	if err != nil {
		return "", errors.Join(err, errors.New(stderr.String()+string(text)))
	}
	var module struct{ Dir string }
	err = json.Unmarshal(text, &module)
	return module.Dir, err
})

func sdk(t *testing.T, path ...string) string {
	t.Helper()
	dir, err := sdkDir()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("NOT TESTED: no real plug-ins, as %s cannot be downloaded: %v", goSDK, err)
	}
	return filepath.Join(append([]string{dir}, path...)...)
}

type stateKey struct{}

// plugin is a module of goSDK on wazero, whose State is found by context.
type plugin struct {
	runtime wazero.Runtime
	config  wazero.ModuleConfig
	stdout  *bytes.Buffer
}

func newPlugin(t *testing.T) *plugin {
	t.Helper()
	ctx := t.Context()
	// Interpreted: most plug-ins take longer to compile than to run.
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { runtime.Close(context.WithoutCancel(ctx)) })
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	builder := runtime.NewHostModuleBuilder(extism.Module)
	for _, f := range extism.Functions() {
		run := f.Run
		builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			run(ctx, ctx.Value(stateKey{}).(*extism.State), stack)
		}), f.Params, f.Results).Export(f.Name)
	}
	if _, err := builder.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	stdout := new(bytes.Buffer)
	config := wazero.NewModuleConfig().WithStartFunctions().WithStdout(stdout).WithStderr(io.Discard).WithSysWalltime()
	return &plugin{runtime: runtime, config: config, stdout: stdout}
}

// call instantiates the module, calls its initializers and the entry, and
// answers with what the entry returned.
func (p *plugin) call(t *testing.T, wasm []byte, entry string, state *extism.State) (uint32, error) {
	t.Helper()
	ctx := context.WithValue(t.Context(), stateKey{}, state)
	module, err := p.runtime.InstantiateWithConfig(ctx, wasm, p.config.WithName(""))
	if err != nil {
		return 0, err
	}
	defer module.Close(ctx)
	params := func(export string) (int, bool) {
		f := module.ExportedFunction(export)
		if f == nil {
			return 0, false
		}
		return len(f.Definition().ParamTypes()), true
	}
	for _, first := range extism.Initializers(entry, params) {
		if _, err := module.ExportedFunction(first.Export).Call(ctx, first.Args...); err != nil {
			return 0, err
		}
	}
	results, err := module.ExportedFunction(entry).Call(ctx)
	var exit *sys.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return api.DecodeU32(results[0]), nil
}
