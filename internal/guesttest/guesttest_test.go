package guesttest_test

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/internal/guesttest"
)

func TestMain(m *testing.M) { guesttest.Main(m) }

func TestBuild(t *testing.T) {
	t.Parallel()
	path := guesttest.Build(t, "testdata/answer")
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := []byte("\x00asm\x01\x00\x00\x00"); !bytes.HasPrefix(wasm, want) {
		t.Errorf("module starts with %q, want %q", wasm[:min(8, len(wasm))], want)
	}
	for _, export := range []string{"answer", "_initialize"} {
		if !bytes.Contains(wasm, []byte(export)) {
			t.Errorf("module does not name export %q", export)
		}
	}
}

// A program needs no libraries, hence no interpreter that would load them.
func TestProgram(t *testing.T) {
	t.Parallel()
	path := guesttest.Program(t, "./testdata/program")
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the program is linked dynamically")
		}
	}
	if again := guesttest.Program(t, "./testdata/program"); again != path {
		t.Errorf("got path %q, want %q as before", again, path)
	}
	if guest := guesttest.Build(t, "testdata/program"); filepath.Ext(guest) != ".wasm" {
		t.Errorf("got guest %q, want a module of the same package", guest)
	}
}

func TestBuildOnce(t *testing.T) {
	t.Parallel()
	paths := make([]string, 4)
	var group sync.WaitGroup
	for i := range paths {
		group.Go(func() {
			paths[i] = guesttest.Build(t, []string{"testdata/answer", "./testdata/../testdata/answer"}[i%2])
		})
	}
	group.Wait()
	before, err := os.Stat(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	again := guesttest.Build(t, "testdata/answer")
	after, err := os.Stat(again)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, again) {
		if path != paths[0] {
			t.Errorf("got path %q, want %q as before", path, paths[0])
		}
	}
	if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Error("a second Build wrote the module again")
	}
}

func TestBuildBroken(t *testing.T) {
	t.Parallel()
	failed := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		guesttest.Build(failed, "testdata/broken")
	}()
	<-done
	for _, want := range []string{"testdata/broken", "function main is undeclared"} {
		if !strings.Contains(failed.message, want) {
			t.Errorf("got message %q, want %q in it", failed.message, want)
		}
	}
}

// A recorder keeps the message of Fatalf instead of failing the test.
type recorder struct {
	testing.TB

	message string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
