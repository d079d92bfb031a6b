package guesttest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const installAssemblyScript = ".ci/languages, or npm install --prefix build/tools/assemblyscript assemblyscript@0.28.20"

// AssemblyScript builds a program with the SDK in sdk/assemblyscript and returns
// the path of its module. The compiler is the one in build/tools, else on PATH. It
// ends as [Rust] does without one.
func AssemblyScript(tb testing.TB, file string) (path string) {
	tb.Helper()
	return buildFrom(tb, key{"assemblyscript", filepath.Dir(file), filepath.Base(file)})
}

// AssemblyScriptPath is PATH with the directory of asc first. Without one the test
// ends as with [Rust].
func AssemblyScriptPath(tb testing.TB) string {
	tb.Helper()
	asc, err := findAsc()
	if err != nil {
		refuse(tb, err)
	}
	return filepath.Dir(asc) + string(os.PathListSeparator) + os.Getenv("PATH")
}

func findAsc() (string, error) {
	root, err := checkout()
	if err != nil {
		return "", err
	}
	asc := filepath.Join(root, "build", "tools", "assemblyscript", "node_modules", ".bin", "asc")
	if _, err := os.Stat(asc); err == nil {
		return asc, nil
	}
	return tool("asc", installAssemblyScript)
}

func (k key) asc(ctx context.Context, module string) error {
	asc, err := findAsc()
	if err != nil {
		return err
	}
	root, err := checkout()
	if err != nil {
		return err
	}
	sdk := filepath.Join(root, "sdk", "assemblyscript")
	cmd := exec.CommandContext(ctx, asc, k.name, "-o", module, "-O3", "--exportStart", "_initialize", "--use", "abort=graflow_abort", "--stackSize", "1048576", "--path", sdk)
	cmd.Dir = k.dir
	return run(cmd)
}
