package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/cluster"
	"github.com/graflow/graflow-wasm/wasmhost"
	"github.com/rogpeppe/go-internal/testscript"
)

// guest is the module of testdata/guest; cache what all scripts compile into.
var guest, cache string

func TestMain(m *testing.M) {
	wasmhost.Child()
	completeWithin = time.Minute
	// Main runs again as the command itself, in a process that builds nothing.
	if os.Getenv("GRAFLOW_TEST_DIR") == "" {
		dir, err := os.MkdirTemp("", "graflow-wasm-test-")
		if err == nil {
			err = os.Setenv("GRAFLOW_TEST_DIR", dir)
		}
		if err == nil {
			err = os.Setenv("GORACE", raceOptions())
		}
		if err == nil {
			err = buildGuest(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	guest = filepath.Join(os.Getenv("GRAFLOW_TEST_DIR"), "guest.wasm")
	cache = filepath.Join(os.Getenv("GRAFLOW_TEST_DIR"), "cache")
	testscript.Main(cleaning{m}, map[string]func(){"graflow-wasm": main})
}

// raceOptions are those of the race detector in each process of the command: it
// ends as it would without, not a second later in which nothing runs.
func raceOptions() string { return strings.TrimSpace("atexit_sleep_ms=0 " + os.Getenv("GORACE")) }

// cleaning removes what was built after the tests have run.
type cleaning struct{ tests *testing.M }

// Run implements testscript.TestingM.
func (c cleaning) Run() int {
	code := c.tests.Run()
	_ = os.RemoveAll(os.Getenv("GRAFLOW_TEST_DIR")) // a temporary directory
	return code
}

func buildGuest(dir string) error {
	cmd := exec.CommandContext(context.Background(), "go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags", "-s -w",
		"-o", filepath.Join(dir, "guest.wasm"), "./testdata/guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the guest of the tests: %w\n%s", err, out)
	}
	return nil
}

// TestScripts runs the command as a user would: testdata/script says what is
// typed, and what is seen. `exits CODE` wants that exit code of the command
// after it; `until REGEXP` repeats the command until its stdout matches; `past
// REGEXP` waits until the time has come that the last stderr tells in parentheses.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("GRAFLOW_TEST_DIR", os.Getenv("GRAFLOW_TEST_DIR"))
			env.Setenv("GORACE", os.Getenv("GORACE"))
			env.Setenv("LONGEST", strings.Repeat("x", cluster.MaxRunID))
			env.Setenv("LONG", strings.Repeat("x", cluster.MaxRunID+1))
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("HOME", cache)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "hello from ", r.URL.Path)
			}))
			env.Defer(server.Close)
			env.Setenv("SERVER", strings.TrimPrefix(server.URL, "http://"))
			return writeModules(env.WorkDir)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "until": until, "past": past},
	})
}

// writeModules puts the guest into a script's directory, the same guest cut in
// half, the header of a component, and a command that is one unreachable.
func writeModules(dir string) error {
	code, err := os.ReadFile(guest)
	if err != nil {
		return err
	}
	return errors.Join(
		os.Symlink(guest, filepath.Join(dir, "guest.wasm")),
		os.WriteFile(filepath.Join(dir, "truncated.wasm"), code[:len(code)/2], 0o666),
		os.WriteFile(filepath.Join(dir, "component.wasm"), []byte("\x00asm\x0d\x00\x01\x00"), 0o666),
		os.WriteFile(filepath.Join(dir, "trap.wasm"), []byte("\x00asm\x01\x00\x00\x00\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01"+
			"\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00\x0a\x05\x01\x03\x00\x00\x0b"), 0o666),
	)
}

// exits runs a command and checks its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		got = exitCode(err)
	}
	if text := fmt.Sprint(got); text != args[0] {
		ts.Fatalf("got exit code %s, want %s", text, args[0])
	}
}

// until repeats a command that waits for another in the background.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP command…")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); <-time.After(20 * time.Millisecond) { // nobody tells when another process is so far
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%s never told %s", args[1:], want)
}

// past waits for a time that a command has told on stderr.
func past(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: past REGEXP")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	found := want.FindStringSubmatch(ts.ReadFile("stderr"))
	if len(found) != 2 {
		ts.Fatalf("stderr tells no %s", want)
	}
	when, err := time.Parse(time.RFC3339, found[1])
	ts.Check(err)
	<-time.After(time.Until(when.Add(time.Second))) // whole seconds are told
}
