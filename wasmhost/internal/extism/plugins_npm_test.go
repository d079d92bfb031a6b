package extism_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// TestPluginAssemblyScript builds the example of Extism's PDK for
// AssemblyScript, which no plug-in of the Go SDK is written in.
func TestPluginAssemblyScript(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("NOT TESTED: AssemblyScript, as -short is set")
	}
	dir := t.TempDir()
	run := func(name string, args ...string) (output []byte, err error) {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir = dir
		return command.CombinedOutput()
	}
	text, err := run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts",
		"--cache", filepath.Join(dir, "cache"), "@extism/as-pdk@1.0.0", "assemblyscript@0.28.20")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("npm cannot install AssemblyScript: %v\n%s", err, text)
	}
	if err != nil {
		t.Skipf("NOT TESTED: AssemblyScript, as npm cannot install it: %v\n%s", err, text)
	}
	const pdk = "node_modules/@extism/as-pdk"
	text, err = run("node", "node_modules/assemblyscript/bin/asc.js", pdk+"/example.ts",
		"--outFile", "example.wasm", "--use", "abort="+pdk+"/example/myAbort")
	if err != nil {
		t.Fatalf("asc: %v\n%s", err, text)
	}
	module, err := os.ReadFile(filepath.Join(dir, "example.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"count": 3, "config": "hello", "a": "this is var a"}`
	state := extism.New(extism.Config{Input: []byte("hello world"), Config: map[string]string{"thing": "hello"}})
	status, err := newPlugin(t).call(t, module, "count_vowels", state)
	if err != nil || status != 0 || string(state.Output()) != want || len(state.Vars()) != 0 {
		t.Errorf("status %d, error %v, output %q, variables %q", status, err, state.Output(), state.Vars())
	}
}
