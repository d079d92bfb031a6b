package examples_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// command is the built graflow-wasm, cache where it keeps compiled modules.
var command, cache string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "graflow-wasm-examples-")
	if err != nil {
		panic(err)
	}
	command, cache = filepath.Join(dir, "graflow-wasm"), filepath.Join(dir, "cache")
	code := 1
	build := exec.Command("go", "build", "-o", command, "../cmd/graflow-wasm")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it is mounted into containers
	if out, err := build.CombinedOutput(); err != nil {
		_, _ = os.Stderr.Write(out)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // a temporary directory
	os.Exit(code)
}

// run runs a flow and returns what it prints, and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return execute(t, append([]string{"run", "--cache-dir", cache, "--quiet"}, args...)...)
}

// execute runs the command, in a process of its own.
func execute(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command, args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(out), errs.String(), code
}

func TestFlows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args     string
		code     int
		out, err string // parts of stdout and stderr
	}{
		{args: "01-hello/hello.flow.yaml --set name=Ada", out: `"Hello, Ada!"`},
		{args: "01-hello/hello.flow.yaml --raw", out: "Hello, world!\n"},
		{args: "01-hello/hello.flow.yaml --set name=7", code: 2, err: "input.name"},
		{args: "02-textstats/textstats.flow.yaml --raw", out: "# Text report\n"},
		{args: "04-dynamic/agent.flow.yaml", out: `{"notes":["finding 1","finding 2"],"complete":true}`},
		{args: "04-dynamic/refine.flow.yaml --set n=2", out: `"root":1.41421356`},
		{args: "04-dynamic/refine.flow.yaml --set n=-2", code: 2, err: "input.n"},
		{args: "04-dynamic/cache.flow.yaml --set cached=true --set value=7", out: "7\n"},
		{args: "04-dynamic/validate.flow.yaml --set n=-1", code: 3, err: "bad data: n is -1"},
		{args: "06-retry/order.flow.yaml --set item=lamp --set busy=2", out: `{"item":"lamp","by":"card"}`},
		{args: "06-retry/order.flow.yaml --set item=lamp --set busy=4", code: 1, err: "the warehouse is busy [busy] after 4 attempts"},
		{args: "06-retry/order.flow.yaml --set item=lamp --set card=declined", out: `"by":"invoice","because":"declined"`},
		{args: "06-retry/order.flow.yaml --set item=lamp --set card=hang", out: `"by":"invoice","because":"timeout"`},
		{args: "06-retry/order.flow.yaml --set item=yacht --set card=declined --set amount=100000", code: 1, err: "Its fallback failed too: "},
		{args: "06-retry/order.flow.yaml --set item=yacht --set card=declined --set amount=100000 -o json", code: 1, out: `"activation":"pay!rollback","task":"release","handler":"wasm","status":"succeeded","why":"rollback of pay: declined: `},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			out, errs, code := run(t, strings.Fields(test.args)...)
			if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(errs, test.err) {
				t.Errorf("got exit code %d, stdout %q, stderr %q; want %d, %q, %q", code, out, errs, test.code, test.out, test.err)
			}
		})
	}
}

// TestThumbnails runs the flow on images of Go's own, in directories of the
// test's own.
func TestThumbnails(t *testing.T) {
	t.Parallel()
	in, out := t.TempDir(), t.TempDir()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"video-001.png", "video-001.jpeg", "triangle-001.gif"} {
		data, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src/image/testdata", name))
		if err != nil && os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		if err != nil {
			t.Skipf("THE EXAMPLE IS NOT TESTED: this Go comes without test images: %v", err)
		}
		if err := os.WriteFile(filepath.Join(in, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	source, err := os.ReadFile("03-thumbnails/thumbnails.flow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	guest, err := filepath.Abs("03-thumbnails/guest")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("./guest", guest, "../../build/thumbnails/in", in, "../../build/thumbnails/out", out).Replace(string(source))
	flow := filepath.Join(t.TempDir(), "thumbnails.flow.yaml")
	if err := os.WriteFile(flow, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := run(t, flow)
	if code != 0 || !json.Valid([]byte(stdout)) {
		t.Fatalf("got exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for _, name := range []string{"index.html", "thumbs/video-001.png.jpg", "thumbs/triangle-001.gif.jpg"} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestCancel stops a guest that loops for ever, as Ctrl-C does.
func TestCancel(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("NOT TESTED: a process can't be interrupted on Windows")
	}
	cmd := exec.CommandContext(t.Context(), command, "run", "--cache-dir", cache, "06-retry/stuck.flow.yaml", "-o", "json")
	var out strings.Builder
	cmd.Stdout = &out
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
		lines = append(lines, scanner.Text())
		if strings.HasSuffix(scanner.Text(), " pay: started") {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit code 3: %q", err, lines)
	}
	var result struct {
		Tasks []struct {
			Activation, Status string
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &result); err != nil {
		t.Fatal(err)
	}
	if n := result.Tasks; len(n) != 2 || n[0].Activation != "pay!rollback" || n[0].Status != "succeeded" || n[1].Status != "canceled" {
		t.Errorf("tasks %v, want pay rolled back, and canceled", n)
	}
}
