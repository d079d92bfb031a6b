package wasip1_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// prebuilt reads a program that wazero's module ships with its own tests, built
// by a toolchain that need not be installed.
func prebuilt(t *testing.T, toolchain string) []byte {
	t.Helper()
	dir, err := exec.CommandContext(
		t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero",
	).Output()
	if err != nil {
		t.Fatalf("find wazero's module: %v", err)
	}
	wasm, err := os.ReadFile(filepath.Join(
		strings.TrimSpace(string(dir)),
		"imports/wasi_snapshot_preview1/testdata", toolchain, "wasi.wasm",
	))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// treeWith has an empty directory "empty", a file "file" and a directory "tons".
func treeWith(t *testing.T, tons int) guestfs.FS {
	t.Helper()
	tree := guestfs.NewMemory(guestfs.NewQuota(64 << 20))
	for _, dir := range []string{"empty", "tons"} {
		if errno := tree.Mkdir(dir); errno != guestfs.OK {
			t.Fatal(errno)
		}
	}
	names := []string{"file"}
	for i := range tons {
		names = append(names, fmt.Sprintf("tons/%d", i))
	}
	for _, name := range names {
		f, errno := tree.Open(name, guestfs.Write|guestfs.Create)
		if errno != guestfs.OK {
			t.Fatal(errno)
		}
		f.Close()
	}
	return tree
}

// Programs by Rust, TinyGo and Zig list directories and look at their streams.
func TestOtherToolchains(t *testing.T) {
	t.Parallel()
	const tons = 2000
	tree := treeWith(t, tons)
	for _, toolchain := range []string{"cargo-wasi", "tinygo", "zig", "zig-cc"} {
		wasm := prebuilt(t, toolchain)
		run := func(args ...string) []string {
			p := runProgram(t.Context(), t, wasm, wasip1.Config{
				Args:     append([]string{"wasi"}, args...),
				Preopens: []wasip1.Preopen{{GuestPath: "/", FS: tree}},
			})
			p.passed(t)
			lines := slices.DeleteFunc(strings.Split(p.stdout, "\n"), func(line string) bool {
				return line == "" || line == "./." || line == "./.."
			})
			slices.Sort(lines)
			return lines
		}
		want := func(want []string, args ...string) {
			t.Helper()
			if got := run(args...); !slices.Equal(got, want) {
				t.Errorf("%s %v: got %q, want %q", toolchain, args, got, want)
			}
		}
		want(nil, "ls", "./empty")
		want([]string{"./empty", "./file", "./tons"}, "ls", ".")
		want([]string{"ENOTDIR"}, "ls", "file")
		want([]string{
			"/ isatty: false", "stderr isatty: true", "stdin isatty: false", "stdout isatty: true",
		}, "stat")
		if got := len(run("ls", "./tons")); got != tons {
			t.Errorf("%s: got %d names, want %d", toolchain, got, tons)
		}
	}
}

func TestZigCC(t *testing.T) {
	t.Parallel()
	wasm := prebuilt(t, "zig-cc")
	for _, c := range []struct{ args, want string }{
		{"poll 10 0", "STDIN\n"},
		{"sleepmillis 5", "OK\n"},
		{"open-rdonly", "OK\n"},
		{"open-wronly", "OK\n"},
	} {
		p := runProgram(t.Context(), t, wasm, wasip1.Config{
			Args:     append([]string{"wasi"}, strings.Fields(c.args)...),
			Clock:    wasip1.Clock{Kind: wasip1.VirtualClock},
			Preopens: []wasip1.Preopen{{GuestPath: "/", FS: treeWith(t, 0)}},
		})
		p.passed(t)
		if p.stdout != c.want {
			t.Errorf("%s: got %q, want %q", c.args, p.stdout, c.want)
		}
	}
}
