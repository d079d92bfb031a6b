package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	handler "github.com/graflow/graflow-wasm/handlers/script"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

type lines struct{ all []string }

func (l *lines) Log(_ slog.Level, message string)  { l.all = append(l.all, message) }
func (l *lines) Progress(float64, float64, string) {}

// files are those of a run, in memory.
type files map[string]string

func (f files) Put(_ context.Context, name string, r io.Reader) (engine.File, error) {
	data, err := io.ReadAll(r)
	f["sha256:"+name] = string(data)
	return engine.File{Digest: "sha256:" + name, Name: name, Size: int64(len(data))}, err
}

func (f files) Open(_ context.Context, digest string) (io.ReadCloser, error) {
	data, ok := f[digest]
	if !ok {
		return nil, engine.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(data)), nil
}

func newCall(task engine.Task, input string) *engine.Call {
	return &engine.Call{
		Run: "r", Activation: "code", Task: &task, Attempt: 1, MaxAttempts: 1, Cycle: 1,
		Input: json.RawMessage(input), View: engine.NewView(nil, nil), Sink: &lines{}, Since: time.Unix(1_800_000_000, 0),
	}
}

// TestFiles gives code files of its run, and keeps what it leaves.
func TestFiles(t *testing.T) {
	t.Parallel()
	task := code(t, script.Python, "")
	task.Spec = marshal(t, map[string]any{
		"language": "python", "files_in": map[string]string{"photo.bin": "order.photo", "note.txt": "note", "all.json": "."}, "files_out": []string{"*.txt"},
		"code": "out = open('/in/photo.bin').read() + open('/in/note.txt').read()\nopen('/out/a.txt', 'w').write(out)\nopen('/out/b.bin', 'w').write('x')\nimport json\nlen(json.load(open('/in/all.json')))",
	})
	kept := files{"sha256:p": "photo"}
	call := newCall(task, `{"order":{"photo":{"$file":"sha256:p","name":"p","size":5}},"note":" and note"}`)
	call.Files = kept
	got, err := newHandler(t, handler.Config{}).Handle(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"files":{"a.txt":{"$file":"sha256:a.txt","name":"a.txt","size":14}},"result":2}`; string(got.Value) != want || len(got.Files) != 1 || kept["sha256:a.txt"] != "photo and note" {
		t.Errorf("got %s, %v, kept %q, want %s", got.Value, got.Files, kept, want)
	}
	call.Input = json.RawMessage(`{"note":1}`)
	var failed *engine.TaskError
	if _, err := newHandler(t, handler.Config{}).Handle(t.Context(), call); !errors.As(err, &failed) || failed.Kind != engine.KindInvalidInput || !failed.Permanent {
		t.Errorf("got %v, want the field that is not there", err)
	}
}

// vault has one secret.
type vault struct{}

func (vault) Secret(_ context.Context, name string) ([]byte, error) {
	if name == "key" {
		return []byte("hunter2"), nil
	}
	return nil, abi.NotFound
}

// hide takes values out, as internal/secrets does.
type hide []string

func (h hide) Redact(text string) string {
	for _, v := range h {
		text = strings.ReplaceAll(text, v, "***")
	}
	return text
}

func (h hide) Contains(data []byte) bool { return h.Redact(string(data)) != string(data) }

// TestSecrets wants values of secrets where they were granted, and nowhere else.
func TestSecrets(t *testing.T) {
	t.Parallel()
	h := newHandler(t, handler.Config{Secrets: vault{}, Redactor: func(values [][]byte) handler.Redactor {
		var all hide
		for _, v := range values {
			all = append(all, string(v))
		}
		return all
	}})
	for _, c := range []struct{ code, kind, message string }{
		{code: "len(ctx.secret('key'))"},
		{code: "ctx.secret('key')", kind: engine.KindDenied, message: "contains the value of a secret"},
		{code: "open('/out/a.txt', 'w').write(ctx.secret('key'))", kind: engine.KindDenied, message: "a file that it leaves"},
		{code: "raise ValueError(ctx.secret('key'))", kind: script.KindException, message: "ValueError: ***"},
	} {
		task := code(t, script.Python, "")
		task.Spec = marshal(t, map[string]any{"language": "python", "code": "print(ctx.secret('key'))\n" + c.code, "files_out": []string{"**"}})
		task.Secrets = []string{"key"}
		call := newCall(task, "null")
		call.Files = files{}
		got, err := h.Handle(t.Context(), call)
		told := call.Sink.(*lines)
		if len(told.all) != 1 || told.all[0] != "***" {
			t.Errorf("%s: told %q", c.code, told.all)
		}
		var failed *engine.TaskError
		switch {
		case c.kind == "" && (err != nil || !strings.Contains(string(got.Value), `"result":7`)):
			t.Errorf("%s: got %s, %v", c.code, got.Value, err)
		case c.kind != "" && (!errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Message, c.message) || strings.Contains(failed.Message+failed.Stack, "hunter2")):
			t.Errorf("%s: got %v, want %s: %s", c.code, err, c.kind, c.message)
		}
	}
}

// TestNewCode wants code to begin other code only where that is granted.
func TestNewCode(t *testing.T) {
	t.Parallel()
	task := code(t, script.JavaScript, `ctx.nextTask("more", { spec: { language: "javascript", code: "1" } }); 1`)
	var failed *engine.TaskError
	if _, err := newHandler(t, handler.Config{}).Handle(t.Context(), newCall(task, "null")); !errors.As(err, &failed) || failed.Kind != engine.KindDenied || !strings.Contains(failed.Message, `list "script:*" in grants.spawn`) {
		t.Errorf("got %v, want it denied", err)
	}
	task.Grants = json.RawMessage(`{"spawn":["script:*"]}`)
	got, err := newHandler(t, handler.Config{}).Handle(t.Context(), newCall(task, "null"))
	if err != nil || len(got.Effects.Next) != 1 || got.Effects.Next[0].Task.Handler != "script" {
		t.Errorf("got %+v, %v, want a task", got.Effects, err)
	}
}

// TestRecord wants code that is executed again to find its answers, and nothing else.
func TestRecord(t *testing.T) {
	t.Parallel()
	h := newHandler(t, handler.Config{})
	for l, text := range map[script.Language]string{
		script.Python:     "import random, time\na = [random.random(), time.time()]\nsearch(a)",
		script.JavaScript: "const a = [Math.random(), Date.now()]; await search(a)",
	} {
		task := code(t, l, text)
		task.Tools = []string{"search"}
		call := newCall(task, "null")
		call.Tools = []*engine.Task{{ID: "search"}}
		first, err := h.Handle(t.Context(), call)
		if err != nil || len(first.Effects.Calls) != 1 || first.Effects.Calls[0].ID != "search" {
			t.Fatalf("%s: got %+v, %v, want a call", l, first.Effects, err)
		}
		name, digest, err := h.Pin(t.Context(), &task)
		if err != nil || first.Pins[name] != digest {
			t.Errorf("%s: pinned to %v, want %s %s, %v", l, first.Pins, name, digest, err)
		}
		answered := engine.Called{Calls: first.Effects.Calls, Answers: []engine.TaskAnswer{{Value: json.RawMessage(`"found"`)}}, Time: call.Since.Add(time.Hour)}
		call.Called = []engine.Called{answered}
		if again, err := h.Handle(t.Context(), call); err != nil || string(again.Value) != `"found"` {
			t.Errorf("%s: got %s, %v, want the answer", l, again.Value, err)
		}
		var failed *engine.TaskError
		call.Pins = map[string]string{name: "sha256:another"}
		if _, err := h.Handle(t.Context(), call); !errors.As(err, &failed) || failed.Kind != engine.KindDiverged || failed.Permanent || !strings.Contains(failed.Message, "another build") {
			t.Errorf("%s: got %v, want answers of another build refused", l, err)
		}
		call.Pins = nil
		answered.Calls = []engine.TaskCall{{ID: "search", Input: json.RawMessage(`"else"`)}}
		call.Called = []engine.Called{answered}
		if _, err := h.Handle(t.Context(), call); !errors.As(err, &failed) || failed.Kind != engine.KindDiverged || !strings.Contains(failed.Message, `it was search("else")`) {
			t.Errorf("%s: got %v, want other calls refused", l, err)
		}
	}
}

// TestErrors wants errors of code with their place.
func TestErrors(t *testing.T) {
	t.Parallel()
	h := newHandler(t, handler.Config{})
	for _, c := range []struct {
		l             script.Language
		code          string
		kind, message string
		permanent     bool
	}{
		{script.Python, "def f():\n    return {}['k']\nf()", script.KindException, `task "code": main.py:2: KeyError: 'k'`, false},
		{script.JavaScript, "\nnull.x", script.KindException, `task "code": main.js:2: TypeError`, false},
		{script.TypeScript, "const a: = 1", script.KindSyntax, "main.ts:1", true},
		{script.Python, "ctx.fail('mine', 'why', permanent=True)", "mine", "why", true},
		{script.Python, "while True: pass", "timeout", "not done after 200ms", false},
	} {
		task := code(t, c.l, c.code)
		task.Limits = json.RawMessage(`{"timeout":"200ms"}`)
		var failed *engine.TaskError
		if _, err := h.Handle(t.Context(), newCall(task, "null")); !errors.As(err, &failed) || failed.Kind != c.kind || !strings.Contains(failed.Message, c.message) || failed.Permanent != c.permanent {
			t.Errorf("%s: got %+v, want %s: %s", c.code, failed, c.kind, c.message)
		}
	}
}
