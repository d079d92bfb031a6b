package inside_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/handlers/docker/inside"
	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/dockertest"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

var wasmMeta = &abi.Meta{Run: "r1", Task: "t1", Activation: "a1", Attempt: 2, MaxAttempts: 3, Cycle: 4, CanIterate: true}

// ended is how a wasm task ended, wherever it ran.
type ended struct {
	output string
	failed lines.Failure // its zero value: it did not
	asked  []string
	paused bool
}

// compiled is a module in this process, until the end of the test.
func compiled(t *testing.T, path string) *wasmhost.Module {
	t.Helper()
	host, err := wasmhost.New(t.Context(), wasmhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close(context.WithoutCancel(t.Context())) })
	code, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := host.Compile(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outside runs a task in this process.
func outside(t *testing.T, m *wasmhost.Module, export, input string, task inside.WasmTask) ended {
	t.Helper()
	e := newEmbedder()
	r, err := m.Call(t.Context(), export, []byte(input), wasmhost.Options{
		Name: task.Name, Limits: task.Limits, Grants: task.Grants,
		Services: wasmhost.Services{
			Meta: wasmMeta, Results: e, Channel: e, Control: e, Secrets: e, Tools: e,
			Log:      func(level slog.Level, line string) { _ = e.note("log %s %s", level, line) },
			Progress: func(done, total float64, note string) { _ = e.note("progress %v %v %s", done, total, note) },
		},
	})
	got := ended{output: string(r.Output), asked: e.noted()}
	var trap *wasmhost.TrapError
	if errors.As(err, &trap) {
		got.failed = lines.Failure{Kind: trap.Kind, Message: trap.Message, Permanent: trap.Permanent || trap.Kind == wasmhost.KindNoExport, RetryAfter: trap.RetryAfter, Stack: strings.Join(trap.Stack, "\n")}
		if denied := (*wasmhost.DeniedError)(nil); errors.As(err, &denied) {
			got.failed.Message += ": " + denied.Error()
		}
		got.paused = errors.Is(err, wasmhost.ErrPaused)
	} else if err != nil {
		t.Fatal(err)
	}
	return got
}

// within runs a task in a container.
func within(tb testing.TB, module, export, input string, task inside.WasmTask, more ...string) (ended, outcome) {
	tb.Helper()
	a := begin(tb, lines.Config{
		Input: json.RawMessage(input), Grants: task.Grants, Services: wasmhost.Services{Meta: wasmMeta},
		Limits: lines.Limits{HostCalls: 1 << 40, OutputBytes: 64 << 20},
	})
	text, err := task.MarshalText()
	if err != nil {
		tb.Fatal(err)
	}
	args := a.hardened(append(more, "--volume="+module+":/run/graflow/module.wasm:ro", "--env="+inside.EnvWasm+"="+string(text))...)
	for _, pair := range environment() {
		args = append(args, "--env="+pair)
	}
	got := a.docker(append(args, dockertest.Busybox(tb), mounted, inside.Word, inside.VerbWasm, "/run/graflow/module.wasm", export))
	o := a.server.Close()
	e := ended{output: string(o.Output), asked: a.embedder.noted(), paused: errors.Is(o.Err, wasmhost.ErrPaused)}
	if o.Failure != nil {
		e.failed = *o.Failure
	}
	return e, got
}

// TestWasm runs tasks inside and outside, which has to make no difference.
func TestWasm(t *testing.T) {
	t.Parallel()
	module := guesttest.Build(t, "testdata/guest")
	docker(t)
	here, cache := compiled(t, module), prepared(t, module)
	for _, tt := range []struct {
		export, input string
		task          inside.WasmTask
		kind          string // of its failure
	}{
		{export: "echo", input: `{"a":[1,"é",null]}`},
		{export: "effects", input: `null`, task: inside.WasmTask{Name: "named", Grants: wasmhost.Grants{
			Secrets: []string{"key", "binary"}, Tools: []string{"add"}, Env: map[string]string{"WHO": "me"},
		}}},
		{export: "fail", input: `null`, kind: "bad_weather"},
		{export: "crash", input: `[1]`, kind: "panic"},
		{export: "trap", input: `null`, kind: wasmhost.KindExit},
		{export: "spin", input: `null`, task: inside.WasmTask{Limits: wasmhost.Limits{Timeout: 200 * time.Millisecond}}, kind: wasmhost.KindTimeout},
		{export: "spin", input: `null`, task: inside.WasmTask{Limits: wasmhost.Limits{Fuel: 10_000_000}}, kind: wasmhost.KindFuel},
		{export: "recurse", input: `null`, task: inside.WasmTask{Limits: wasmhost.Limits{Stack: 1 << 20}}, kind: wasmhost.KindStack},
		{export: "grow", input: `null`, task: inside.WasmTask{Limits: wasmhost.Limits{Memory: 32 << 20}}, kind: wasmhost.KindMemory},
		{export: "talk", input: `null`, task: inside.WasmTask{Limits: wasmhost.Limits{OutputBytes: 1 << 20}}, kind: wasmhost.KindOutputTooLarge},
		{export: "denied", input: `null`, kind: wasmhost.KindDenied},
		{export: "wait", input: `null`},
		{export: "nothing", input: `null`, kind: wasmhost.KindNoExport},
	} {
		t.Run(tt.export+" "+tt.kind, func(t *testing.T) {
			t.Parallel()
			want := outside(t, here, tt.export, tt.input, tt.task)
			tt.task.Cache = "/run/graflow/cache"
			got, process := within(t, module, tt.export, tt.input, tt.task, "--volume="+cache+":/run/graflow/cache:ro")
			if want.paused { // the host knows by the answer, not by op fail
				want.failed = lines.Failure{}
			}
			if got.output != want.output || got.failed != want.failed || got.paused != want.paused || !slices.Equal(got.asked, want.asked) {
				t.Errorf("inside\n%+v\noutside\n%+v\nstderr: %s", got, want, process.stderr)
			}
			if got.failed.Kind != tt.kind {
				t.Errorf("got %+v, want kind %q", got.failed, tt.kind)
			}
			if failed := process.code != 0; failed != (tt.kind != "" || want.paused) {
				t.Errorf("got code %d: %s", process.code, process.stderr)
			}
		})
	}
}

// prepared is a cache directory, made by the program that runs inside.
func prepared(tb testing.TB, module string) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "cache")
	out, err := exec.CommandContext(tb.Context(), dockertest.Program(tb, "./testdata/inside"), "prepare", dir, module).CombinedOutput()
	if err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return dir
}

func TestWasmCache(t *testing.T) {
	t.Parallel()
	module := guesttest.Build(t, "testdata/guest")
	docker(t)
	dir := prepared(t, module)
	task := inside.WasmTask{Cache: "/run/graflow/cache"}
	begun := time.Now()
	got, process := within(t, module, "echo", `1`, task, "--volume="+dir+":/run/graflow/cache:ro")
	cached := time.Since(begun)
	if got.output != "1" || process.code != 0 || process.stderr != "" {
		t.Errorf("got %+v, %+v", got, process)
	}
	begun = time.Now()
	within(t, module, "echo", `1`, inside.WasmTask{})
	t.Logf("with the cache %v, without %v", cached, time.Since(begun))

	got, process = within(t, module, "echo", `1`, task, "--volume="+dir+":/run/graflow/cache")
	if process.code != inside.ExitFailed || !strings.Contains(got.failed.Message, "not mounted read-only") {
		t.Errorf("a cache that can be written: got %+v, %+v", got, process)
	}
}

// TestWasmCacheTampered has the code changed under way: it is compiled again, and
// the host's administrator reads why.
func TestWasmCacheTampered(t *testing.T) {
	t.Parallel()
	module := guesttest.Build(t, "testdata/guest")
	docker(t)
	dir := prepared(t, module)
	entries, err := filepath.Glob(dir + "/code-*/*")
	if err != nil || len(entries) != 2 { // the code, and what was found of the module
		t.Fatal(entries, err)
	}
	for _, entry := range entries {
		code, err := os.ReadFile(entry)
		if err != nil {
			t.Fatal(err)
		}
		code[len(code)/2] ^= 1
		if err := os.WriteFile(entry, code, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, process := within(t, module, "echo", `1`, inside.WasmTask{Cache: "/run/graflow/cache"}, "--volume="+dir+":/run/graflow/cache:ro")
	if got.output != "1" || !strings.Contains(process.stderr, "authentication code is wrong") {
		t.Errorf("got %+v, %+v", got, process)
	}
}

func TestPrepareCache(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "cache")
	var broken *wasmhost.ModuleError
	if err := inside.PrepareCache(t.Context(), dir, []byte("no module")); !errors.As(err, &broken) {
		t.Errorf("got %v, want a ModuleError", err)
	}
	code, err := os.ReadFile(guesttest.Build(t, "testdata/guest"))
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	for range 3 { // at the same time, and again
		go func() { failed <- inside.PrepareCache(t.Context(), dir, code) }()
	}
	for range 3 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(filepath.Dir(dir))
	if err != nil || len(left) != 1 {
		t.Errorf("got %v, %v", left, err)
	}
}

func TestWasmTaskText(t *testing.T) {
	t.Parallel()
	want := inside.WasmTask{
		Name: "n", Cache: "/c", Limits: wasmhost.Limits{Fuel: 1, Timeout: time.Minute},
		Grants: wasmhost.Grants{Secrets: []string{"s"}},
	}
	text, err := want.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var got inside.WasmTask
	if err := got.UnmarshalText(text); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, %v", got, err)
	}
	if err := got.UnmarshalText([]byte("{")); err == nil || !strings.Contains(err.Error(), inside.EnvWasm) {
		t.Errorf("got %v", err)
	}
}
