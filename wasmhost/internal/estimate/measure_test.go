package estimate_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// compileVariable makes the test binary a process that compiles the module on
// its standard input and prints the nanoseconds and bytes it took.
const compileVariable = "ESTIMATE_TEST_COMPILE"

func TestMain(m *testing.M) {
	if os.Getenv(compileVariable) != "" {
		compileInput()
		return
	}
	os.Exit(m.Run())
}

func compileInput() {
	debug.SetMemoryLimit(3 << 30)
	var in bytes.Buffer
	if _, err := in.ReadFrom(os.Stdin); err != nil {
		panic(err)
	}
	ctx := context.Background()
	config := wazero.NewRuntimeConfigCompiler().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall)
	r := wazero.NewRuntimeWithConfig(ctx, config)
	runtime.LockOSThread()
	begun := threadTime()
	_, err := r.CompileModule(experimental.WithCompilationWorkers(ctx, 1), in.Bytes())
	if err != nil {
		panic(err)
	}
	took := threadTime() - begun
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	fmt.Println(took.Nanoseconds(), memory.Sys)
}

// measure compiles a module, metered, in a process of its own; it is killed
// when it takes longer than limit, which is then returned. mebibytes is what it
// took from the system.
func measure(tb testing.TB, wasm []byte, limit time.Duration) (took time.Duration, mebibytes int64) {
	tb.Helper()
	metered, err := meter.Rewrite(parse(tb, wasm), meter.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(tb.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), compileVariable+"=1")
	cmd.Stdin = bytes.NewReader(metered.Wasm)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return limit, 0
	}
	if err != nil {
		tb.Logf("compiling: %v: %.300s", err, stderr.String())
		return limit, 0
	}
	var nanoseconds, memory int64
	if _, err := fmt.Sscan(string(out), &nanoseconds, &memory); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(nanoseconds), memory >> 20
}

func parse(tb testing.TB, wasm []byte) *wasmbin.Module {
	tb.Helper()
	m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
