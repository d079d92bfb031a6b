package wasm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) {
	wasmhost.Child()
	guesttest.Main(closing{m})
}

// closing closes the host that tests share, once they have run.
type closing struct{ tests *testing.M }

// Run implements goleak.TestingM.
func (c closing) Run() int {
	code := c.tests.Run()
	if sharedHost == nil {
		return code
	}
	if err := sharedHost.Close(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "close host:", err)
		return 1
	}
	return code
}

var sharedHost *wasmhost.Host

// host is shared by all tests, so that the guest is compiled once.
// GRAFLOW_TEST_ISOLATED in the environment has guests run in cells.
var host = sync.OnceValues(func() (*wasmhost.Host, error) {
	var config wasmhost.Config
	if os.Getenv("GRAFLOW_TEST_ISOLATED") != "" {
		config.Isolate = func(string) bool { return true }
	}
	var err error
	sharedHost, err = wasmhost.New(context.Background(), config)
	return sharedHost, err
})

func newHandler(tb testing.TB, config wasm.Config) *wasm.Handler {
	tb.Helper()
	var err error
	if config.Host, err = host(); err != nil {
		tb.Fatal(err)
	}
	h, err := wasm.New(config)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// guest is the path of the built test guest.
func guest(tb testing.TB) string {
	tb.Helper()
	return guesttest.Build(tb, "testdata/guest")
}

func marshal(tb testing.TB, v any) json.RawMessage {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// sink keeps what a guest tells.
type sink struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (s *sink) add(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

func (s *sink) Log(level slog.Level, message string) { s.add("%s %s", level, message) }

func (s *sink) Progress(done, total float64, note string) { s.add("%v/%v %s", done, total, note) }

// newCall calls an export of the test guest.
func newCall(tb testing.TB, export string, input any) *engine.Call {
	tb.Helper()
	return &engine.Call{
		Run: "run-1", Flow: "flow", Activation: "t#2",
		Task:    &engine.Task{ID: "t", Handler: "wasm", Spec: marshal(tb, guest(tb)+"#"+export)},
		Attempt: 2, MaxAttempts: 4, Cycle: 2, MaxCycles: 3,
		Input: marshal(tb, input),
		View:  engine.NewView(nil, nil),
		Sink:  &sink{},
	}
}

func taskError(tb testing.TB, err error) *engine.TaskError {
	tb.Helper()
	var te *engine.TaskError
	if !errors.As(err, &te) {
		tb.Fatalf("got %v, want a *engine.TaskError", err)
	}
	return te
}

func TestHandleEcho(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	call := newCall(t, "echo", map[string]any{"a": []int{1, 2}})
	r, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Value), `{"a":[1,2]}`; got != want {
		t.Errorf("value: got %s, want %s", got, want)
	}
	if got, want := call.Sink.(*sink).lines, []string{"INFO echo of 11 bytes", "1/2 half"}; !slices.Equal(got, want) {
		t.Errorf("told: got %q, want %q", got, want)
	}
	if !reflect.DeepEqual(r.Effects, engine.Effects{}) {
		t.Errorf("effects: got %+v, want none", r.Effects)
	}
	var ledger struct {
		Wall       int64 `json:"wall_ns"`
		PeakMemory int64 `json:"peak_memory"`
		BytesIn    int64 `json:"bytes_in"`
	}
	if err := json.Unmarshal(r.Ledger, &ledger); err != nil || ledger.Wall <= 0 || ledger.PeakMemory <= 0 || ledger.BytesIn != 11 {
		t.Errorf("ledger: got %s, %v, want wall_ns, peak_memory and 11 bytes_in", r.Ledger, err)
	}
}

func TestHandleMeta(t *testing.T) {
	t.Parallel()
	r, err := newHandler(t, wasm.Config{}).Handle(t.Context(), newCall(t, "meta", nil))
	if err != nil {
		t.Fatal(err)
	}
	var got abi.Meta
	if err := json.Unmarshal(r.Value, &got); err != nil {
		t.Fatal(err)
	}
	want := abi.Meta{
		Run: "run-1", Task: "t", Activation: "t#2", Attempt: 2, MaxAttempts: 4,
		Cycle: 2, MaxCycles: 3, CanIterate: true,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHandleChannel(t *testing.T) {
	t.Parallel()
	call := newCall(t, "state", nil)
	call.View = engine.NewView(
		map[string]json.RawMessage{"n": json.RawMessage("40"), "old": json.RawMessage("1")},
		map[string]json.RawMessage{"before": json.RawMessage(`"hello"`)},
	)
	r, err := newHandler(t, wasm.Config{}).Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"before":"hello","keys":["list","n","new"],"list":["a","b"],"missing":true,"n":42,"old":false,"wrong":true}`
	if got := string(r.Value); got != want {
		t.Errorf("value: got %s, want %s", got, want)
	}
	wantOps := []engine.ChannelOp{
		{Op: engine.OpAdd, Key: "n", Value: json.RawMessage("2")},
		{Op: engine.OpAppend, Key: "list", Value: json.RawMessage(`"b"`)},
		{Op: engine.OpPrepend, Key: "list", Value: json.RawMessage(`"a"`)},
		{Op: engine.OpSet, Key: "new", Value: json.RawMessage(`{"x":1}`)},
		{Op: engine.OpDelete, Key: "old"},
	}
	if got := r.Effects.Channel; !reflect.DeepEqual(got, wantOps) {
		t.Errorf("writes: got %s, want %s", marshal(t, got), marshal(t, wantOps))
	}
}

func TestHandleReservedKey(t *testing.T) {
	t.Parallel()
	_, err := newHandler(t, wasm.Config{}).Handle(t.Context(), newCall(t, "set", "a.__result__"))
	if te := taskError(t, err); !errors.Is(te, engine.ErrReservedKey) || !strings.Contains(te.Message, "a.__result__") {
		t.Errorf("got %v, want %v naming the key", te, engine.ErrReservedKey)
	}
}

func TestHandleControl(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	handle := func(export string, input any) engine.Effects {
		t.Helper()
		r, err := h.Handle(t.Context(), newCall(t, export, input))
		if err != nil {
			t.Fatal(err)
		}
		return r.Effects
	}
	if got := handle("count", 1); got.Iterate == nil || string(got.Iterate.Data) != "2" {
		t.Errorf("count: got %s, want an iteration with 2", marshal(t, got))
	}
	if got := handle("end", "enough"); got.Terminate == nil || *got.Terminate != "enough" {
		t.Errorf("end: got %s, want terminate", marshal(t, got))
	}
}

func TestHandleSpawn(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	self := guest(t)
	call := newCall(t, "spawn", []abi.NextTask{
		{ID: "existing"},
		{ID: "b", Spec: json.RawMessage(`"#echo"`), Input: json.RawMessage("1")},
		{ID: "c", Handler: "wasm", Spec: json.RawMessage(`{"export":"noop"}`), Goto: true},
		{ID: "d", Handler: "docker", Spec: json.RawMessage(`{"image":"x"}`)},
		{ID: "e", Handler: "wasm", Spec: marshal(t, self+"#noop")},
	})
	call.Task.Limits, call.Task.Grants = json.RawMessage(`{"memory":"64MiB"}`), json.RawMessage(`{"env":{"A":"1"},"spawn":["docker:*"]}`)
	r, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	spec := func(export string) json.RawMessage {
		return marshal(t, map[string]string{"module": self, "export": export})
	}
	own := func(id, export string) engine.Task {
		return engine.Task{ID: id, Handler: "wasm", Limits: call.Task.Limits, Grants: call.Task.Grants, Spec: spec(export)}
	}
	want := []engine.NextTask{
		{Task: engine.Task{ID: "existing"}},
		{Task: own("b", "echo"), Input: json.RawMessage("1")},
		{Task: own("c", "noop"), Goto: true},
		{Task: engine.Task{ID: "d", Handler: "docker", Spec: json.RawMessage(`{"image":"x"}`)}},
		{Task: own("e", "noop")},
	}
	// Keys of a spec come in the order of the handler's own document.
	if got := r.Effects.Next; !sameJSON(t, got, want) {
		t.Errorf("got  %s\nwant %s", marshal(t, got), marshal(t, want))
	}
}

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	var x, y any
	if err := errors.Join(json.Unmarshal(marshal(t, a), &x), json.Unmarshal(marshal(t, b), &y)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(x, y)
}

func TestHandleSpawnErrors(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	for _, test := range []struct {
		next abi.NextTask
		want []string
	}{
		{abi.NextTask{ID: "b", Spec: json.RawMessage(`"#ehco"`)}, []string{`task "b"`, `export "ehco"`, `did you mean "echo"?`}},
		{abi.NextTask{ID: "b", Handler: "wasm", Spec: json.RawMessage(`"gone.wasm#x"`)}, []string{`task "b"`, `module "gone.wasm" export "x"`, "no such file"}},
		{abi.NextTask{ID: "b", Handler: "wasm"}, []string{`next task "b"`, "names no module"}},
		{abi.NextTask{ID: "b", Handler: "wasm", Spec: json.RawMessage(`{"exprot":"x"}`)}, []string{`next task "b"`, `unknown key "exprot", did you mean "export"?`}},
	} {
		call := newCall(t, "spawn", []abi.NextTask{test.next})
		call.Task.Grants = json.RawMessage(`{"spawn":["*"]}`)
		r, err := h.Handle(t.Context(), call)
		te := taskError(t, err)
		if te.Kind != engine.KindError {
			t.Errorf("%+v: got kind %q, want error", test.next, te.Kind)
		}
		for _, want := range append(test.want, `task "t": module`, `export "spawn"`) {
			if !strings.Contains(te.Message, want) {
				t.Errorf("got %q, want %q in it", te.Message, want)
			}
		}
		if len(r.Effects.Next) != 0 || r.Value != nil {
			t.Errorf("a failed attempt left %s, %s", r.Value, marshal(t, r.Effects))
		}
	}
}

func TestHandleFailure(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	r, err := h.Handle(t.Context(), newCall(t, "fail", map[string]any{
		"Kind": "payment", "Message": "card declined", "Permanent": true, "After": "1500ms", "Cancel": "stop it",
	}))
	te := taskError(t, err)
	wantMessage := fmt.Sprintf("task %q: module %q export %q: card declined", "t", guest(t), "fail")
	if te.Kind != "payment" || te.Message != wantMessage || !te.Permanent || te.RetryAfter != 1500*time.Millisecond || te.Task != "t" {
		t.Errorf("got %s, want kind payment, %q, permanent, after 1.5s", marshal(t, te), wantMessage)
	}
	if r.Effects.Cancel == nil || *r.Effects.Cancel != "stop it" {
		t.Errorf("got %s, want the cancel", marshal(t, r.Effects))
	}
	if len(r.Effects.Channel)+len(r.Effects.Next) != 0 {
		t.Errorf("a failed attempt left %s", marshal(t, r.Effects))
	}
	if len(r.Ledger) == 0 {
		t.Error("a failed attempt has no ledger")
	}
}

func TestHandleTraps(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	for _, test := range []struct {
		name, export, limits string
		input                any
		kind, message        string
		cause                error
	}{
		{name: "crash", export: "crash", kind: "trap", message: "boom"},
		{name: "timeout", export: "spin", limits: `{"timeout":"200ms"}`, kind: "timeout", message: "200ms", cause: wasmhost.ErrTimeout},
		{name: "memory", export: "alloc", input: 100, limits: `{"memory":"32MiB"}`, kind: "memory", cause: wasmhost.ErrMemory},
		{name: "output", export: "echo", input: strings.Repeat("x", 200), limits: `{"output_bytes":100}`, kind: "output_too_large", cause: wasmhost.ErrOutputTooLarge},
		{name: "input", export: "count", input: "x", kind: "invalid_input"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			call := newCall(t, test.export, test.input)
			call.Task.Limits = json.RawMessage(test.limits)
			_, err := h.Handle(t.Context(), call)
			te := taskError(t, err)
			if te.Kind != test.kind || !strings.Contains(te.Message, test.message) {
				t.Errorf("got %s, want kind %q with %q", marshal(t, te), test.kind, test.message)
			}
			if test.cause != nil && !errors.Is(te, test.cause) {
				t.Errorf("got cause %v, want %v", te.Err, test.cause)
			}
			if test.kind == "trap" && te.Stack == "" {
				t.Error("a trap has no stack")
			}
		})
	}
}

func TestHandleContext(t *testing.T) {
	t.Parallel()
	h := newHandler(t, wasm.Config{})
	call := newCall(t, "spin", nil)
	if err := h.Check(t.Context(), call.Task); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := h.Handle(ctx, call)
	if te := taskError(t, err); te.Kind != engine.KindTimeout {
		t.Errorf("got %v, want kind timeout", te)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = h.Handle(ctx, call)
	if te := taskError(t, err); te.Kind != engine.KindCanceled {
		t.Errorf("got kind %q (%v), want canceled", te.Kind, te)
	}
}

func TestHandleGrants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "f"), []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, wasm.Config{Dir: dir})
	call := newCall(t, "look", "/d/f")
	call.Task.Grants = json.RawMessage(`{"env":{"NAME":"value"},"mounts":[{"host":"data","guest":"/d"}]}`)
	r, err := h.Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.Value), `"value content"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	call = newCall(t, "set", "k")
	call.Task.Grants = json.RawMessage(`{"channel":false}`)
	_, err = h.Handle(t.Context(), call)
	if te := taskError(t, err); te.Kind != engine.KindDenied {
		t.Errorf("got %v, want kind denied", te)
	}
}

// counting counts what it loads.
type counting struct {
	wasm.Modules
	mu    sync.Mutex // guards loads
	loads map[string]int
}

func (c *counting) Load(ctx context.Context, ref string) ([]byte, string, error) {
	c.mu.Lock()
	c.loads[ref]++
	c.mu.Unlock()
	return c.Modules.Load(ctx, ref)
}

func TestModulesArePinned(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, err := os.ReadFile(guest(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "m.wasm")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	modules := &counting{Modules: &wasm.Files{Dir: dir}, loads: map[string]int{}}
	h := newHandler(t, wasm.Config{Modules: modules})
	task := &engine.Task{ID: "t", Handler: "wasm", Spec: json.RawMessage(`"m.wasm#noop"`)}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if err := h.Check(t.Context(), task); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if err := os.WriteFile(file, []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.Check(t.Context(), task); err != nil {
		t.Errorf("after a change: got %v, want the pinned module", err)
	}
	if got, want := modules.loads, map[string]int{"m.wasm": 1}; !maps.Equal(got, want) {
		t.Errorf("loads: got %v, want %v", got, want)
	}
}

// BenchmarkHandleNoop is the cost of an attempt in the sandbox, without an
// engine around it.
func BenchmarkHandleNoop(b *testing.B) {
	h := newHandler(b, wasm.Config{})
	call := newCall(b, "noop", nil)
	if err := h.Check(b.Context(), call.Task); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Handle(b.Context(), call); err != nil {
			b.Fatal(err)
		}
	}
}
