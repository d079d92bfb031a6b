package wasmhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// embedder answers guests from memory and notes what they asked for.
type embedder struct {
	values map[string]json.RawMessage
	calls  []string
	err    error // of Apply
}

func (e *embedder) note(format string, args ...any) error {
	e.calls = append(e.calls, fmt.Sprintf(format, args...))
	return nil
}

func (e *embedder) Get(_ context.Context, key string) (json.RawMessage, error) {
	if v, ok := e.values[key]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("channel key %q: %w", key, abi.NotFound)
}

func (e *embedder) Keys(context.Context, string) ([]string, error) {
	var keys []string
	for k := range e.values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys, nil
}

func (e *embedder) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	e.values[op.Key] = op.Value
	return e.err
}

func (e *embedder) Result(_ context.Context, id string) (json.RawMessage, error) {
	if id != "up" {
		return nil, abi.NotFound
	}
	return json.RawMessage(`"up's"`), nil
}

func (e *embedder) NextTask(_ context.Context, n abi.NextTask) error {
	return e.note("next_task %s %v", n.ID, n.Goto)
}

func (e *embedder) NextIteration(_ context.Context, d json.RawMessage) error {
	return e.note("next_iteration %s", d)
}
func (e *embedder) Terminate(_ context.Context, m string) error { return e.note("terminate %s", m) }
func (e *embedder) Cancel(_ context.Context, m string) error    { return e.note("cancel %s", m) }
func (e *embedder) Checkpoint(_ context.Context, name string, m json.RawMessage) error {
	if name != "" {
		return e.note("checkpoint %s %s", name, m)
	}
	return e.note("checkpoint %v", m == nil)
}

func (e *embedder) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	if p.Name == "unanswered" {
		return nil, fmt.Errorf("nobody is there: %w", wasmhost.ErrPaused)
	}
	return json.RawMessage(`"answered"`), e.note("pause %+v", p)
}

func withServices() (*embedder, wasmhost.Options) {
	e := &embedder{values: map[string]json.RawMessage{}}
	opt := options()
	opt.Services = wasmhost.Services{Meta: &abi.Meta{Run: "r1"}, Results: e, Channel: e, Control: e}
	return e, opt
}

func TestChannel(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	r := call(t, tasks(t), "channel", "", opt)
	if got, want := string(r.Output), `[0,-3,0,"{\"x\":1}","-1","[\"a\",\"n\"]"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(e.values["a"]); got != `{"x":1}` {
		t.Errorf("got %s", got)
	}
	if r.Ledger.HostCalls["channel_set"] != 2 {
		t.Errorf("got %v", r.Ledger.HostCalls)
	}
	got := string(call(t, tasks(t), "channel", "", options()).Output)
	if want := `[-5,-3,-5,"-5","-5","-5"]`; got != want {
		t.Errorf("without services: got %s, want %s", got, want)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	if got, want := string(call(t, tasks(t), "control", "", opt).Output), `[0,-3,0,0,0]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	want := []string{"next_task b true", "next_iteration [1]", "checkpoint true", "terminate enough"}
	if !slices.Equal(e.calls, want) {
		t.Errorf("got %q, want %q", e.calls, want)
	}
	no := false
	opt.Grants.Control = &no
	if got, want := string(call(t, tasks(t), "control", "", opt).Output), `[-2,-2,-2,-2,-2]`; got != want {
		t.Errorf("not granted: got %s, want %s", got, want)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	_, opt := withServices()
	var got []string
	if err := json.Unmarshal(call(t, tasks(t), "lookup", "", opt).Output, &got); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got[0], `"run":"r1"`) || got[1] != `"up's"` || got[2] != "-1" || got[3] != "-2" {
		t.Errorf("got %q", got)
	}
}

func TestDenied(t *testing.T) {
	t.Parallel()
	_, opt := withServices()
	no := false
	opt.Grants.Channel = &no
	e := trap(t, tasks(t), "needs_channel", "", wasmhost.KindDenied, opt)
	var denied *wasmhost.DeniedError
	if !errors.As(e, &denied) || denied.Capability != "channel" {
		t.Errorf("got %v", e)
	}
}

func TestServiceErrors(t *testing.T) {
	t.Parallel()
	e, opt := withServices()
	e.err = errors.New("the store is gone")
	got := trap(t, tasks(t), "channel", "", wasmhost.KindError, opt)
	if !errors.Is(got, e.err) || got.Message != "channel_set: the store is gone" {
		t.Errorf("got %v", got)
	}
	opt.Services.Channel = nil
	opt.Services.Progress = func(float64, float64, string) { panic("oh no") }
	got = trap(t, tasks(t), "logs", "", wasmhost.KindTrap, opt)
	if want := "host function progress panicked: oh no"; got.Message != want {
		t.Errorf("got %q, want %q", got.Message, want)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	opt := options()
	var lines []string
	opt.Services.Log = func(level slog.Level, line string) { lines = append(lines, level.String()+" "+line) }
	var progress string
	opt.Services.Progress = func(done, total float64, note string) { progress = fmt.Sprint(done, total, note) }
	r := call(t, tasks(t), "logs", "", opt)
	if want := []string{"WARN careful", "INFO one", "INFO two", "INFO three"}; !slices.Equal(lines, want) {
		t.Errorf("got %q, want %q", lines, want)
	}
	if progress != "1 2careful" && progress != "1 2 careful" {
		t.Errorf("got progress %q", progress)
	}
	if r.Ledger.BytesLogged != 18 {
		t.Errorf("got %d bytes logged, want 18", r.Ledger.BytesLogged)
	}
}

func TestLogFlood(t *testing.T) {
	t.Parallel()
	opt := options()
	opt.Limits.LogBytes = 1000
	size, notices := 0, 0
	opt.Services.Log = func(level slog.Level, line string) {
		if level == slog.LevelWarn {
			notices++
			return
		}
		size += len(line)
	}
	r := call(t, tasks(t), "log_flood", "", opt)
	// 25 lines of 39 bytes, and an end of line each.
	if size != 975 || notices != 1 || r.Ledger.BytesLogged != 975 {
		t.Errorf("got %d bytes, %d notices, ledger %d, want 975, 1, 975", size, notices, r.Ledger.BytesLogged)
	}
}

func TestNothingAmbient(t *testing.T) {
	t.Setenv("SECRET", "x")
	got := string(call(t, tasks(t), "ambient", "", options()).Output)
	if want := `{"args":["img"],"env":[],"fs":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	opt := options()
	opt.Grants.Env = map[string]string{"A": "1"}
	got = string(call(t, tasks(t), "ambient", "", opt).Output)
	if want := `{"args":["img"],"env":["A=1"],"fs":false}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{filepath.Join(outside, "secret.txt"): "secret", filepath.Join(dir, "in.txt"): "hello"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "escape")); err != nil {
		t.Fatal(err)
	}
	run := func(writable bool) map[string]string {
		opt := options()
		opt.Grants.Mounts = []wasmhost.Mount{{Host: dir, Guest: "/data", Writable: writable}}
		var report map[string]string
		if err := json.Unmarshal(call(t, tasks(t), "files", "", opt).Output, &report); err != nil {
			t.Fatal(err)
		}
		return report
	}
	got := run(false)
	want := map[string]string{
		"read": "hello", "write": "refused", "escape": "refused", "dotdot": "refused", "symlink": "refused",
		"list": "ok", "entries": "2", "mkdir": "refused", "append": "refused",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("read-only: got %v, want %v", got, want)
	}
	run(true)
	got = run(true)
	want["write"], want["mkdir"], want["append"], want["entries"] = "ok", "ok", "ok", "5"
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("writable: got %v, want %v", got, want)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "log.txt")); err != nil || string(b) != "line\nline\n" {
		t.Errorf("got %q, %v", b, err)
	}
	for _, bad := range []wasmhost.Mount{{Host: dir + "/none", Guest: "/data"}, {Host: dir, Guest: "data"}} {
		opt := options()
		opt.Grants.Mounts = []wasmhost.Mount{bad}
		if _, err := tasks(t).Call(t.Context(), "files", nil, opt); err == nil || !strings.Contains(err.Error(), "mount") {
			t.Errorf("got %v, want a mount error", err)
		}
	}
}
