package extism_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// TestPlugins runs the plug-ins of the Extism Go SDK; what is wanted is what the
// SDK's own tests want. Those with functions of the user's are in
// TestPluginsOfOtherHosts, those with http in TestPluginHTTP.
func TestPlugins(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		wasm, entry, input string
		config             map[string]string
		writable           bool // its files
		output             string
		status             uint32
		failure            string // part of Err
	}{
		{wasm: "alloc", entry: "run_test"},
		{wasm: "config", entry: "run_test", output: `{"config": "<unset by host>"}`},
		{wasm: "config", entry: "run_test", config: map[string]string{"thing": "hello"}, output: `{"config": "hello"}`},
		{wasm: "count_vowels", entry: "count_vowels", input: "hello world", output: `{"count":3,"total":3,"vowels":"aeiouAEIOU"}`},
		{wasm: "count_vowels", entry: "count_vowels", output: `{"count":0,"total":0,"vowels":"aeiouAEIOU"}`},
		{
			wasm: "count_vowels_std", entry: "_start", input: "hello world",
			output: `{"count": 3, "config": "<unset by host>", "a": "this is var a"}`, // sets and reads a
		},
		{wasm: "exit", entry: "_start", status: 2},
		{wasm: "exit", entry: "_start", config: map[string]string{"code": "-1"}, status: 0xffffffff},
		{wasm: "exit", entry: "_start", config: map[string]string{"code": "500"}, status: 500},
		{wasm: "exit", entry: "_start", config: map[string]string{"code": "abc"}, status: 1},
		{wasm: "fail", entry: "run_test", status: 1, failure: "Some error message"},
		{wasm: "fs", entry: "run_test", writable: true, output: "hello world!"},
		{wasm: "fs_std", entry: "run_test", writable: true, output: "hello world!"},
		{wasm: "hello", entry: "run_test", output: "Hello, world!"},
		{wasm: "hello_haskell", entry: "testing", input: "John", config: map[string]string{"greeting": "Howdy"}, output: "Howdy, John"},
		{wasm: "input_offset", entry: "input_offset_length", input: "hello world", output: "\x0b\x00\x00\x00\x00\x00\x00\x00"},
		{wasm: "noop", entry: "run_test"},
		{wasm: "read_write", entry: "try_read", config: map[string]string{"path": "/mnt/test.txt"}, output: "hello world!"},
		{wasm: "read_write", entry: "try_write", input: "hi", config: map[string]string{"path": "/mnt/test.txt"}, status: 1, failure: "Failed to write file"},
		{wasm: "replace", entry: "run_test", input: strings.Repeat("a test b ", 3000), output: strings.Repeat("a wasm b ", 3000)},
		{wasm: "sleep", entry: "run_test", config: map[string]string{"duration": "0"}, output: "slept for 0 seconds"},
		{wasm: "std_command", entry: "_start", input: "ben", output: "hello ben"},
	} {
		t.Run(test.wasm, func(t *testing.T) {
			t.Parallel()
			p := newPlugin(t)
			p.config = p.config.WithFSConfig(files(t, test.writable))
			state := extism.New(extism.Config{
				Input: []byte(test.input), Config: test.config,
				Log: func(level slog.Level, line string) { t.Log(level, line) },
			})
			status, err := p.call(t, wasm(t, test.wasm), test.entry, state)
			if err != nil {
				t.Fatal(err)
			}
			if status != test.status || !strings.Contains(state.Err(), test.failure) || (test.failure == "") != (state.Err() == "") {
				t.Errorf("status %d, error %q, want %d and %q", int32(status), state.Err(), int32(test.status), test.failure)
			}
			if got := string(state.Output()); got != test.output {
				t.Errorf("output %q, want %q", got, test.output)
			}
		})
	}
}

// files has test.txt at /mnt.
func files(t *testing.T, writable bool) wazero.FSConfig {
	t.Helper()
	if !writable {
		return wazero.NewFSConfig().WithReadOnlyDirMount(sdk(t, "testdata"), "/mnt")
	}
	text, err := os.ReadFile(sdk(t, "testdata", "test.txt"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "test.txt"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return wazero.NewFSConfig().WithDirMount(dir, "/mnt")
}

func wasm(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(sdk(t, "wasm", name+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPluginPrints(t *testing.T) {
	t.Parallel()
	p := newPlugin(t)
	state := extism.New(extism.Config{Input: []byte("on stdout")})
	if status, err := p.call(t, wasm(t, "println"), "run_test", state); err != nil || status != 0 {
		t.Errorf("status %d, error %v", status, err)
	}
	if !strings.Contains(p.stdout.String(), "on stdout") {
		t.Errorf("stdout %q", p.stdout)
	}
}

func TestPluginVars(t *testing.T) {
	t.Parallel()
	p := newPlugin(t)
	module := wasm(t, "var")
	vars := map[string][]byte{"a": {10, 0, 0, 0}}
	for _, want := range []byte{20, 40} {
		state := extism.New(extism.Config{Vars: vars})
		if status, err := p.call(t, module, "run_test", state); err != nil || status != 0 {
			t.Fatalf("status %d, error %v", status, err)
		}
		vars = state.Vars()
		if !bytes.Equal(vars["a"], []byte{want, 0, 0, 0}) {
			t.Errorf("variable is %v, want %d", vars["a"], want)
		}
	}
	_, err := p.call(t, module, "run_test", extism.New(extism.Config{Vars: vars, VarBytes: -1}))
	var trap *extism.Trap
	if !errors.As(err, &trap) {
		t.Errorf("without variables: error %v, want a Trap", err)
	}
}

func TestPluginLogs(t *testing.T) {
	t.Parallel()
	p := newPlugin(t)
	module := wasm(t, "log")
	for level, want := range map[slog.Level][]string{
		extism.LevelTrace: {
			"DEBUG-4 this is a trace log", "DEBUG this is a debug log", "INFO this is an info log",
			"WARN this is a warning log", "ERROR this is an error log",
		},
		slog.LevelWarn:      {"WARN this is a warning log", "ERROR this is an error log"},
		slog.LevelError + 1: nil,
	} {
		var got []string
		state := extism.New(extism.Config{
			Log:      func(level slog.Level, line string) { got = append(got, fmt.Sprint(level, " ", line)) },
			LogLevel: level,
		})
		if status, err := p.call(t, module, "run_test", state); err != nil || status != 0 {
			t.Errorf("status %d, error %v", status, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("level %v: %q, want %q", level, got, want)
		}
	}
	if status, err := p.call(t, module, "run_test", extism.New(extism.Config{})); err != nil || status != 0 {
		t.Errorf("without log: status %d, error %v", status, err)
	}
}

// Modules that need more than one host offers: functions of the user, a second
// module, another vendor's hooks.
func TestPluginsOfOtherHosts(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]string{
		"host": "extism:host/user", "host_multiple": "extism:host/user", "host_memory": "module[host]",
		"main": "lib", "nested.c.instr": "dylibso_observe",
	} {
		_, err := newPlugin(t).call(t, wasm(t, name), "run_test", extism.New(extism.Config{}))
		if err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("%s: error %v, want one about %s", name, err, missing)
		}
	}
}

// Two modules of one plug-in share the kernel.
func TestPluginOfTwoModules(t *testing.T) {
	t.Parallel()
	p := newPlugin(t)
	state := extism.New(extism.Config{Input: []byte("benjamin")})
	ctx := context.WithValue(t.Context(), stateKey{}, state)
	if _, err := p.runtime.InstantiateWithConfig(ctx, wasm(t, "lib"), p.config.WithName("lib")); err != nil {
		t.Fatal(err)
	}
	status, err := p.call(t, wasm(t, "main"), "run_test", state)
	if err != nil || status != 0 || string(state.Output()) != "Hello, BENJAMIN" {
		t.Errorf("status %d, error %v, output %q", status, err, state.Output())
	}
}

func TestPluginWithLittleMemory(t *testing.T) {
	t.Parallel()
	state := extism.New(extism.Config{Input: bytes.Repeat([]byte("test "), 100_000), KernelBytes: 64 << 10})
	_, err := newPlugin(t).call(t, wasm(t, "replace"), "run_test", state)
	var trap *extism.Trap
	if !errors.As(err, &trap) || !errors.Is(err, abi.TooLarge) {
		t.Errorf("error %v, want a Trap for abi.TooLarge", err)
	}
}
