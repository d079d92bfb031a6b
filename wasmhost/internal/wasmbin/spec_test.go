package wasmbin_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// superseded are the modules that WebAssembly 1.0 refuses and 2.0 accepts:
// with multi-value, several tables, and a more general select.
var superseded = map[string]bool{
	"v1/func.20.wasm": true, "v1/func.21.wasm": true,
	"v1/imports.47.wasm": true, "v1/imports.48.wasm": true, "v1/imports.49.wasm": true,
	"v1/type.3.wasm": true, "v1/type.4.wasm": true,
	"v1/unreached-invalid.87.wasm": true,
}

// Parser and validator accept and refuse the modules of the WebAssembly test
// suite, which wazero's module ships, as the suite says.
func TestSpec(t *testing.T) {
	t.Parallel()
	for part, atLeast := range map[string]int{"v1": 2527, "v2": 4581, "tail-call": 30} {
		modules := 0
		for name, m := range suite(t, part) {
			modules++
			err := accept(m.wasm)
			want := !strings.HasPrefix(m.command, "assert_malformed") && !strings.HasPrefix(m.command, "assert_invalid")
			if superseded[name] {
				want = true
			}
			if (err == nil) != want {
				t.Errorf("%s, %s: got %v", name, m.command, err)
			}
		}
		if modules < atLeast {
			t.Errorf("%s: %d modules, want at least %d", part, modules, atLeast)
		}
	}
}

// Modules of later proposals are refused by the proposal's name.
func TestSpecOfLaterProposals(t *testing.T) {
	t.Parallel()
	for part, names := range map[string][]string{
		"threads":                   {"threads proposal", "shared"},
		"exception-handling":        {"exception handling"},
		"extended-const":            {"extended-const"},
		"typed-function-references": {"typed function references"},
	} {
		modules, named := 0, 0
		for _, m := range suite(t, part) {
			if m.command != "module" {
				continue
			}
			modules++
			err := accept(m.wasm)
			if err == nil {
				continue // files of a proposal hold plain modules too
			}
			for _, name := range names {
				if strings.Contains(err.Error(), name) {
					named++
					break
				}
			}
		}
		if modules == 0 || named == 0 {
			t.Errorf("%s: %d of %d modules are refused by name", part, named, modules)
		}
		t.Logf("%s: %d of %d modules are refused by name", part, named, modules)
	}
}

func accept(wasm []byte) error {
	m, err := wasmbin.Parse(wasm, wasmbin.Limits{})
	if err != nil {
		return err
	}
	return m.Validate()
}

type suiteModule struct {
	command string // with the suite's reason
	wasm    []byte
}

// suite reads the binary modules of one part of the test suite.
func suite(tb testing.TB, part string) map[string]suiteModule {
	tb.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		tb.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest", part, "testdata")
	scripts, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(scripts) == 0 {
		tb.Fatalf("no scripts in %s: %v", dir, err)
	}
	modules := map[string]suiteModule{}
	for _, file := range scripts {
		readScript(tb, dir, part, file, modules)
	}
	return modules
}

func readScript(tb testing.TB, dir, part, file string, modules map[string]suiteModule) {
	tb.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	var script struct {
		Commands []struct {
			Type, Filename, Text string
			ModuleType           string `json:"module_type"`
		}
	}
	if err := json.Unmarshal(raw, &script); err != nil {
		tb.Fatal(err)
	}
	for _, c := range script.Commands {
		if c.Filename == "" || c.ModuleType == "text" {
			continue
		}
		wasm, err := os.ReadFile(filepath.Join(dir, c.Filename))
		if err != nil {
			tb.Fatal(err)
		}
		modules[part+"/"+c.Filename] = suiteModule{command: strings.TrimSpace(c.Type + " " + c.Text), wasm: wasm}
	}
}
