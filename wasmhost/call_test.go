package wasmhost_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// call runs a task of the shared guest and wants it to succeed.
func call(t *testing.T, m *wasmhost.Module, export, input string, opt wasmhost.Options) wasmhost.Result {
	t.Helper()
	result, err := m.Call(t.Context(), export, []byte(input), opt)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// trap runs a task and wants it to fail with kind.
func trap(t *testing.T, m *wasmhost.Module, export, input, kind string, opt wasmhost.Options) *wasmhost.TrapError {
	t.Helper()
	_, err := m.Call(t.Context(), export, []byte(input), opt)
	var e *wasmhost.TrapError
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a *TrapError", err)
	}
	if e.Kind != kind {
		t.Fatalf("got kind %q, want %q: %v", e.Kind, kind, err)
	}
	return e
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	m := tasks(t)
	d := m.Describe()
	if d.ABI != wasmhost.ABIGraflow || !d.Snapshotable || d.WhyNot != "" || d.MemoryMin == 0 {
		t.Errorf("got %+v", d)
	}
	for _, want := range []wasmhost.Import{
		{Module: "graflow_v1", Name: "channel_set", Capability: "channel"},
		{Module: "graflow_v1", Name: "next_task", Capability: "control"},
		{Module: "graflow_v1", Name: "secret_get", Capability: "secrets"},
		{Module: "wasi_snapshot_preview1", Name: "fd_write", Capability: "wasi"},
	} {
		if !slices.Contains(d.Imports, want) {
			t.Errorf("imports lack %v", want)
		}
	}
	if want := []string{"channel", "control", "io", "log", "meta", "results", "secrets", "wasi"}; !slices.Equal(d.Capabilities, want) {
		t.Errorf("got %v, want %v", d.Capabilities, want)
	}
	docs, err := m.Tasks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, task := range docs {
		found = found || task.Name == "echo" && task.Doc == "Gives back its input." && len(task.Input) > 0
		if task.Name == "ghost" || task.Name == "graflow_describe" {
			t.Errorf("got task %q", task.Name)
		}
	}
	if !found || len(docs) != len(d.Tasks) {
		t.Errorf("got %v", docs)
	}
	if got := command(t).Describe(); got.ABI != wasmhost.ABIWASICommand || got.Tasks[0].Name != "_start" {
		t.Errorf("got %+v", got)
	}
}

func TestEcho(t *testing.T) {
	t.Parallel()
	r := call(t, tasks(t), "echo", `{"a":[1,2]}`, options())
	if got, want := string(r.Output), `{"a":[1,2]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if l := r.Ledger; l.BytesIn != 11 || l.BytesOut != 11 || l.PeakMemory == 0 || l.Wall == 0 || l.HostCalls["output_write"] != 1 {
		t.Errorf("got ledger %+v", l)
	}
	if got := string(call(t, tasks(t), "silent", "", options()).Output); got != "null" {
		t.Errorf("nothing written: got %s, want null", got)
	}
	if _, err := tasks(t).Call(t.Context(), "echo", []byte("{"), options()); err == nil {
		t.Error("input that is not JSON: got no error")
	}
}

func TestStateDoesNotLeak(t *testing.T) {
	t.Parallel()
	for range 3 {
		if got := string(call(t, tasks(t), "count", "", options()).Output); got != "1" {
			t.Fatalf("got %s, want 1", got)
		}
	}
}

func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	m := tasks(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			want := fmt.Sprintf(`{"i":%d}`, i)
			if r, err := m.Call(t.Context(), "echo", []byte(want), options()); err != nil || string(r.Output) != want {
				t.Errorf("got %s, %v, want %s", r.Output, err, want)
			}
		})
	}
	wg.Wait()
}

func TestGuestFails(t *testing.T) {
	t.Parallel()
	e := trap(t, tasks(t), "fails", "", "quota", options())
	if got, want := e.Error(), `module "img" export "fails": quota: no more quota`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !e.Permanent || e.RetryAfter != 1500*time.Millisecond {
		t.Errorf("got permanent %v, retry after %v", e.Permanent, e.RetryAfter)
	}
	e = trap(t, tasks(t), "fails_plain", "", wasmhost.KindError, options())
	if !strings.Contains(e.Message, "returned 7") {
		t.Errorf("got %q", e.Message)
	}
	e = trap(t, tasks(t), "nope", "", wasmhost.KindNoExport, options())
	if !e.Permanent || !strings.Contains(e.Message, "echo") {
		t.Errorf("got %v", e)
	}
}

func TestTraps(t *testing.T) {
	t.Parallel()
	e := trap(t, compile(t, trapModule), "f", "", wasmhost.KindTrap, options())
	if got, want := e.Error(), `module "img" export "f": trap: unreachable`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(e.Stack) != 1 {
		t.Errorf("got stack %q, want one frame", e.Stack)
	}
	e = trap(t, compile(t, loadModule), "f", "", wasmhost.KindTrap, options())
	if e.Message != "out of bounds memory access" {
		t.Errorf("got %q", e.Message)
	}
	e = trap(t, tasks(t), "output_flood", "", wasmhost.KindOutputTooLarge, options())
	if !slices.Contains(e.Stack, "main.outputFlood") {
		t.Errorf("got stack %q, want main.outputFlood in it", e.Stack)
	}
	_ = trap(t, compile(t, recurseModule), "f", "", wasmhost.KindStack, options())
}

func TestGuestPanicNamesItsFunctions(t *testing.T) {
	t.Parallel()
	e := trap(t, tasks(t), "panics", "", wasmhost.KindTrap, options())
	if !strings.HasPrefix(e.Message, "panic: runtime error: invalid memory address") {
		t.Errorf("got %q", e.Message)
	}
	if want := []string{"main.deref", "main.panics"}; !slices.Equal(e.Stack, want) {
		t.Errorf("got stack %q, want %q", e.Stack, want)
	}
	e = trap(t, tasks(t), "exits", "", wasmhost.KindExit, options())
	if e.Message != "exit code 3" {
		t.Errorf("got %q", e.Message)
	}
}

func TestTimeout(t *testing.T) { //nolint:paralleltest // it measures time
	for _, tc := range []struct {
		m             *wasmhost.Module
		export, input string
	}{
		{tasks(t), "loop", ""},
		{tasks(t), "sleep", ""},
		{compile(t, loopModule), "f", ""},
		{command(t), "_start", `"sleep"`},
	} {
		opt := options()
		opt.Limits.Timeout = 300 * time.Millisecond
		if err := tc.m.Prewarm(t.Context(), 1, opt); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		e := trap(t, tc.m, tc.export, tc.input, wasmhost.KindTimeout, opt)
		if took := time.Since(start); took > opt.Limits.Timeout+slack {
			t.Errorf("%s: returned after %v, want within %v", tc.export, took, opt.Limits.Timeout+slack)
		}
		if !errors.Is(e, wasmhost.ErrTimeout) || !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want ErrTimeout", tc.export, e)
		}
	}
}

func TestCallerEndsCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := tasks(t).Call(ctx, "loop", nil, options())
	var e *wasmhost.TrapError
	if !errors.As(err, &e) || e.Kind != wasmhost.KindCanceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if _, err := tasks(t).Call(ctx, "echo", nil, options()); !errors.Is(err, context.Canceled) {
		t.Errorf("context done before: got %v, want canceled", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := tasks(t).Call(ctx, "loop", nil, options()); !errors.Is(err, wasmhost.ErrTimeout) {
		t.Errorf("caller's deadline: got %v, want ErrTimeout", err)
	}
}

func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Limits.Memory = 32 << 20
	r, err := tasks(t).Call(t.Context(), "bomb", nil, opt)
	var e *wasmhost.TrapError
	if !errors.As(err, &e) || e.Kind != wasmhost.KindMemory || !errors.Is(err, wasmhost.ErrMemory) {
		t.Fatalf("got %v, want kind memory", err)
	}
	if r.Ledger.PeakMemory > opt.Limits.Memory || r.Ledger.PeakMemory < opt.Limits.Memory/2 {
		t.Errorf("got peak %d, want near %d", r.Ledger.PeakMemory, opt.Limits.Memory)
	}
	opt.Limits.Memory = 1 << 16
	e = trap(t, tasks(t), "echo", "", wasmhost.KindMemory, opt)
	if !strings.Contains(e.Message, "at start") {
		t.Errorf("got %q", e.Message)
	}
}

func TestOutputLimits(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Limits.OutputBytes = 1 << 20
	for _, tc := range []struct {
		m             *wasmhost.Module
		export, input string
	}{{tasks(t), "output_flood", ""}, {command(t), "_start", `"forever"`}} {
		e := trap(t, tc.m, tc.export, tc.input, wasmhost.KindOutputTooLarge, opt)
		if !errors.Is(e, wasmhost.ErrOutputTooLarge) {
			t.Errorf("got %v, want ErrOutputTooLarge", e)
		}
	}
	e := trap(t, tasks(t), "not_json", "", wasmhost.KindInvalidOutput, options())
	if !strings.Contains(e.Error(), `export "not_json"`) || !strings.Contains(e.Message, "hello <world>") {
		t.Errorf("got %q", e)
	}
}

func TestCommand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ input, want string }{
		{`{"a":1}`, `{"a":1}`},
		{`"text hello"`, `"hello"`},
		{`"text [1]"`, `[1]`},
		{`"quiet"`, `null`},
		{``, `null`},
	} {
		if got := string(call(t, command(t), "_start", tc.input, options()).Output); got != tc.want {
			t.Errorf("input %s: got %s, want %s", tc.input, got, tc.want)
		}
	}
	e := trap(t, command(t), "_start", `"exit"`, wasmhost.KindError, options())
	if got, want := e.Message, "exit code 3: cannot go on"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	e = trap(t, command(t), "_start", `"panic"`, wasmhost.KindError, options())
	if got, want := e.Message, "exit code 2: panic: boom"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_ = trap(t, command(t), "_start", `"binary"`, wasmhost.KindInvalidOutput, options())
}

// badPointers calls output_write with an offset and length from the body.
func badPointers(offset, length []byte) []byte {
	code := slices.Concat([]byte{0, 0x41}, offset, []byte{0x41}, length, []byte{0x10, 0, 0x0b})
	imports := slices.Concat([]byte{1, 10}, []byte("graflow_v1"), []byte{12}, []byte("output_write"), []byte{0, 0})
	return slices.Concat(header,
		section(1, 2, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 1, 0x7f),
		section(2, imports...), section(3, 1, 1), section(5, 1, 0, 1),
		section(7, 1, 1, 'f', 0, 1), section(10, append([]byte{1, byte(len(code))}, code...)...))
}

func TestBadPointers(t *testing.T) {
	t.Parallel()
	minusOne := []byte{0x7f}
	for _, tc := range []struct{ offset, length []byte }{
		{minusOne, minusOne},
		{minusOne, []byte{1}},
		{[]byte{1}, minusOne},
		{[]byte{0x80, 0x80, 4}, []byte{1}}, // the page's end
	} {
		e := trap(t, compile(t, badPointers(tc.offset, tc.length)), "f", "", wasmhost.KindError, options())
		if !strings.Contains(e.Message, "returned -3") { // abi.Invalid
			t.Errorf("% x, % x: got %q", tc.offset, tc.length, e.Message)
		}
	}
	call(t, compile(t, slices.Concat(badPointers([]byte{0}, []byte{0}))), "f", "", options())
}

func BenchmarkCallFresh(b *testing.B) {
	m := tasks(b)
	opt := wasmhost.Options{Name: "img"}
	for b.Loop() {
		if _, err := m.Call(b.Context(), "echo", []byte(`{"a":1}`), opt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCallTiny(b *testing.B) {
	m := compile(b, module(0x41, 0, 0x0b))
	for b.Loop() {
		if _, err := m.Call(b.Context(), "f", nil, wasmhost.Options{Limits: wasmhost.Limits{Memory: math.MaxInt32}}); err != nil {
			b.Fatal(err)
		}
	}
}
