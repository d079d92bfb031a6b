package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tools are what snippets may need: each tells what a shell has to do to have it, or
// what is missing.
var tools = map[string]func() (script, missing string){
	"clang-19": program("clang-19"),
	"cargo":    program("cargo"),
	"asc": func() (script, missing string) {
		bin := filepath.Join(root, "build/tools/assemblyscript/node_modules/.bin")
		if _, err := os.Stat(filepath.Join(bin, "asc")); err != nil {
			return "", "asc (.ci/languages)"
		}
		return fmt.Sprintf("PATH=$PATH:%q\n", bin), ""
	},
	"runtimes": func() (script, missing string) {
		if _, err := os.Stat(filepath.Join(root, "runtimes/built/python.wasm")); err != nil {
			return "", "the interpreters (make runtimes)"
		}
		return "", ""
	},
	"wasm-target": wasmTarget,
}

func program(name string) func() (script, missing string) {
	return func() (script, missing string) {
		if _, err := exec.LookPath(name); err != nil {
			return "", name
		}
		return "", ""
	}
}

// wasmTarget finds a Rust that compiles for WASI: the one of the PATH, or Debian's. A
// rustup looks for its toolchains in the user's home, which commands have not.
func wasmTarget() (script, missing string) {
	home, _ := os.UserHomeDir() // without one there is no rustup
	first, _ := exec.LookPath("rustc")
	for _, rustc := range []string{first, "/usr/bin/rustc"} {
		out, err := exec.Command(rustc, "--print", "sysroot").Output() //nolint:gosec // it is a compiler
		if err != nil {
			continue
		}
		libraries := filepath.Join(strings.TrimSpace(string(out)), "lib/rustlib")
		for _, target := range []string{"wasm32-wasip1", "wasm32-wasi"} {
			if _, err := os.Stat(filepath.Join(libraries, target, "lib")); err == nil {
				return fmt.Sprintf("PATH=%q:$PATH\nexport RUSTUP_HOME=${RUSTUP_HOME:-%q}\n", filepath.Dir(rustc), filepath.Join(home, ".rustup")), ""
			}
		}
	}
	return "", "Rust for WASI (.ci/languages)"
}

// toolsFor is the beginning of a snippet's script; false if a tool is missing and this
// is not CI, which has all.
func toolsFor(t *testing.T, s snippet) (script string, ok bool) {
	t.Helper()
	for _, name := range s.needs {
		find, known := tools[name]
		if !known {
			t.Errorf("%s: it needs %q, of which tools_test.go knows nothing", s.name, name)
			return "", false
		}
		begin, missing := find()
		switch {
		case missing != "" && os.Getenv("CI") == "":
			t.Logf("%s: NOT RUN: %s is missing", s.name, missing)
			return "", false
		case missing != "":
			t.Errorf("%s: %s is missing", s.name, missing)
			return "", false
		}
		script += begin
	}
	return script, true
}
