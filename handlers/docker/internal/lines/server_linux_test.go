package lines_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestMain(m *testing.M) { guesttest.Main(m) }

// embedder answers tasks from memory and notes what they asked for.
type embedder struct {
	mu       sync.Mutex // guards what follows
	values   map[string]json.RawMessage
	asked    []string
	files    map[string]string
	pauseErr error
	err      error // of what is noted
	wait     chan struct{}
}

func newEmbedder() *embedder {
	return &embedder{values: map[string]json.RawMessage{}, files: map[string]string{}}
}

func (e *embedder) note(format string, args ...any) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, fmt.Sprintf(format, args...))
	return e.err
}

func (e *embedder) noted() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.asked)
}

func (e *embedder) Get(_ context.Context, key string) (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v, ok := e.values[key]; ok {
		return v, nil
	}
	return nil, fmt.Errorf("channel key %q: %w", key, abi.NotFound)
}

func (e *embedder) Keys(_ context.Context, prefix string) ([]string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(e.values)) {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func (e *embedder) Apply(_ context.Context, op wasmhost.ChannelOp) error {
	e.mu.Lock()
	if op.Kind == "set" {
		e.values[op.Key] = op.Value
	}
	if op.Kind == "delete" {
		delete(e.values, op.Key)
	}
	e.mu.Unlock()
	if op.Key == "panics" {
		panic("no disk")
	}
	return e.note("%s %s %s", op.Kind, op.Key, op.Value)
}

func (e *embedder) Result(_ context.Context, id string) (json.RawMessage, error) {
	if id != "up" {
		return nil, abi.NotFound
	}
	return json.RawMessage("{\n\t\"width\": 7\n}"), nil
}

func (e *embedder) NextTask(_ context.Context, n abi.NextTask) error {
	return e.note("next_task %s %s %s %s %v", n.ID, n.Handler, n.Spec, n.Input, n.Goto)
}

func (e *embedder) NextIteration(_ context.Context, d json.RawMessage) error {
	return e.note("next_iteration %s", d)
}
func (e *embedder) Terminate(_ context.Context, m string) error { return e.note("terminate %s", m) }
func (e *embedder) Cancel(_ context.Context, m string) error    { return e.note("cancel %s", m) }
func (e *embedder) Checkpoint(_ context.Context, name string, m json.RawMessage) error {
	return e.note("checkpoint %s %s", name, m)
}

func (e *embedder) Pause(_ context.Context, p abi.Pause) (json.RawMessage, error) {
	if err := e.note("pause %s %s", p.Name, p.Message); err != nil {
		return nil, err
	}
	if p.Name == "unanswered" {
		return nil, wasmhost.ErrPaused
	}
	return json.RawMessage(`"answered"`), nil
}

func (e *embedder) Secret(_ context.Context, name string) ([]byte, error) {
	switch name {
	case "KEY":
		return []byte(`s3cret "quoted"`), nil
	case "BINARY":
		return []byte{0xff, 0, 1}, nil
	}
	return nil, abi.NotFound
}

func (e *embedder) CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	if name == "wait" {
		close(e.wait)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return json.RawMessage(fmt.Sprintf("{\"tool\": %q,\n\"args\": %s}", name, args)), nil
}

func (e *embedder) Put(_ context.Context, name string, size int64, r io.Reader) (string, error) {
	if name == "refused" {
		return "", abi.Denied
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	if int64(len(data)) != size {
		return "", errors.New("not the size")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files[name] = string(data)
	return "sha256:" + name, nil
}

// meta is what the tests' tasks are part of.
var meta = abi.Meta{Run: "r1", Task: "t1", Activation: "t1@1", Attempt: 2, Cycle: 3, CanIterate: true}

func config(tb testing.TB, e *embedder) lines.Config {
	tb.Helper()
	dir, err := os.MkdirTemp("", "lines") // t.TempDir's may be too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.Remove(dir); err != nil { // it has to be empty
			tb.Error(err)
		}
	})
	return lines.Config{
		Dir: dir, Input: json.RawMessage(`{"width":4}`), Files: e,
		Grants: wasmhost.Grants{Secrets: []string{"KEY", "BINARY", "NONE"}, Tools: []string{"echo", "wait"}},
		Services: wasmhost.Services{
			Meta: &meta, Results: e, Channel: e, Control: e, Secrets: e, Tools: e,
			Log:      func(level slog.Level, line string) { _ = e.note("log %s %s", level, line) },
			Progress: func(done, total float64, note string) { _ = e.note("progress %v/%v %s", done, total, note) },
		},
	}
}

// A server is a *lines.Server in a test.
type server struct {
	*lines.Server
	config  lines.Config
	stopped chan error
}

func listen(tb testing.TB, c lines.Config) *server {
	tb.Helper()
	stopped := make(chan error, 1)
	c.Stop = func(err error) { stopped <- err }
	s, err := lines.Listen(c)
	if err != nil {
		tb.Fatal(err)
	}
	return &server{s, c, stopped}
}

func (s *server) path(name string) string { return filepath.Join(s.config.Dir, name) }

// end closes the server, and wants an end of its own.
func (s *server) end(tb testing.TB) lines.Outcome {
	tb.Helper()
	o := s.Close()
	if o.Err != nil {
		tb.Errorf("got %v, want no error", o.Err)
	}
	return o
}

// A client is a task's connection.
type client struct {
	*net.UnixConn
	answers *bufio.Reader
}

func (s *server) dial(tb testing.TB) *client {
	tb.Helper()
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: s.path(lines.SocketName), Net: "unix"})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return &client{conn, bufio.NewReader(conn)}
}

func (c *client) send(tb testing.TB, text string) {
	tb.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		tb.Fatal(err)
	}
}

func (c *client) answer(tb testing.TB) string {
	tb.Helper()
	line, err := c.answers.ReadString('\n')
	if err != nil {
		tb.Fatalf("got %q, %v, want an answer", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// gone wants the server to have closed the connection.
func (c *client) gone(tb testing.TB) {
	tb.Helper()
	if rest, err := c.answers.ReadString('\n'); err == nil || rest != "" {
		tb.Errorf("got %q, want the connection closed", rest)
	}
}

// exchange sends requests one by one, each followed by the start of its answer.
func (c *client) exchange(tb testing.TB, pairs ...string) {
	tb.Helper()
	for pair := range slices.Chunk(pairs, 2) {
		c.send(tb, pair[0]+"\n")
		if got := c.answer(tb); !strings.HasPrefix(got, pair[1]) {
			tb.Errorf("%s:\ngot  %s\nwant %s", pair[0], got, pair[1])
		}
	}
}

func TestOps(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	s := listen(t, config(t, e))
	c := s.dial(t)
	ok := `{"ok":true}`
	c.exchange(
		t,
		`{"op":"input"}`, `{"ok":true,"value":{"width":4}}`,
		`{"op":"meta"}`, `{"ok":true,"value":{"run":"r1","task":"t1","activation":"t1@1","attempt":2,`,
		` { "op" : "result_get" , "id" : "up" } `, `{"ok":true,"value":{"width":7}}`,
		`{"op":"result_get","id":"none"}`, `{"ok":false,"error":"not_found","message":`,
		`{"op":"channel_set","key":"a","value":{"x":"}"}}`, ok,
		`{"op":"channel_get","key":"a"}`, `{"ok":true,"value":{"x":"}"}}`,
		`{"op":"channel_set","key":"","value":null}`, ok,
		`{"op":"channel_keys"}`, `{"ok":true,"value":["","a"]}`,
		`{"op":"channel_keys","prefix":"b"}`, `{"ok":true,"value":[]}`,
		`{"op":"channel_delete","key":""}`, ok,
		`{"op":"channel_append","key":"l","value":1}`, ok,
		`{"op":"channel_prepend","key":"l","value":2}`, ok,
		`{"op":"channel_add","key":"n","value":3}`, ok,
		`{"op":"next_task","id":"b","handler":"wasm","spec":"#b","input":[1],"goto":true}`, ok,
		`{"op":"next_iteration","data":{"n":1}}`, ok,
		`{"op":"next_iteration"}`, ok,
		`{"op":"checkpoint","name":"here","meta":1}`, ok,
		`{"op":"checkpoint"}`, ok,
		`{"op":"pause","name":"approve","message":"ok?","timeout":"1m","default":false}`, `{"ok":true,"value":"answered"}`,
		`{"op":"secret_get","name":"KEY"}`, `{"ok":true,"value":"s3cret \"quoted\""}`,
		`{"op":"secret_get","name":"BINARY"}`, `{"ok":true,"value":{"base64":"/wAB"}}`,
		`{"op":"secret_get","name":"NONE"}`, `{"ok":false,"error":"not_found"`,
		`{"op":"secret_get","name":"OTHER"}`, `{"ok":false,"error":"denied","message":"the capability \"secrets: OTHER\" is not granted"}`,
		`{"op":"tool_call","name":"echo","args":[1]}`, `{"ok":true,"value":{"tool":"echo","args":[1]}}`,
		`{"op":"tool_call","name":"rm"}`, `{"ok":false,"error":"denied"`,
		`{"op":"log","level":"warn","message":"two\nlines"}`, ok,
		`{"op":"log","message":"plain"}`, ok,
		`{"op":"progress","done":1,"total":2,"note":"half"}`, ok,
		`{"op":"terminate","message":"enough"}`, ok,
		`{"op":"cancel","message":"no"}`, ok,
		`{"op":"output","value":1}`, ok,
		`{"op":"output","value":{"b" : 2}}`, ok,
		`{"op":"fail","kind":"full","message":"disk","permanent":true,"retry_after":"1.5s","stack":"a\nb"}`, ok,
		`{"op":"file_put","name":"a/b.txt","size":5}`+"\nhello"+`{"op":"meta"}`, `{"ok":true,"value":{"$file":"sha256:a/b.txt","name":"a/b.txt","size":5}}`,
	)
	if got := c.answer(t); !strings.HasPrefix(got, `{"ok":true`) {
		t.Errorf("after a file: got %s", got)
	}
	want := []string{
		`set a {"x":"}"}`, "set  null", "delete  ", "append l 1", "prepend l 2", "add n 3",
		`next_task b wasm "#b" [1] true`, `next_iteration {"n":1}`, "next_iteration ", "checkpoint here 1", "checkpoint  ",
		"pause approve ok?", "log WARN two", "log WARN lines", "log INFO plain", "progress 1/2 half", "terminate enough", "cancel no",
	}
	if got := e.noted(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	o := s.end(t)
	if string(o.Output) != `{"b" : 2}` || o.Raw {
		t.Errorf("got %s, raw %v", o.Output, o.Raw)
	}
	if o.Failure == nil || *o.Failure != (lines.Failure{Kind: "full", Message: "disk", Permanent: true, RetryAfter: 1.5e9, Stack: "a\nb"}) {
		t.Errorf("got %+v", o.Failure)
	}
	if !slices.Equal(o.Files, []abi.File{{Digest: "sha256:a/b.txt", Name: "a/b.txt", Size: 5}}) || e.files["a/b.txt"] != "hello" {
		t.Errorf("got %+v, %q", o.Files, e.files)
	}
	if o.Calls["output"] != 2 || o.Calls["meta"] != 2 || o.Calls[""] != 0 {
		t.Errorf("got %v", o.Calls)
	}
}

// TestRefusals wants what is not exactly a request to be invalid and the
// connection to go on.
func TestRefusals(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	s := listen(t, config(t, e))
	c := s.dial(t)
	for _, line := range []string{
		"", " ", "null", "1", `"op"`, "[]", "{}", "{", `{"op":1}`, `{"op":null}`, `{"op":""}`, `{"op":"exec"}`, `{"op":"reply_read"}`,
		`{"op":"input","op":"input"}`, `{"op":"input","\u006fp":"input"}`, `{"op":"input","key":"a"}`, `{"OP":"input"}`,
		`{"op":"input"}{"op":"input"}`, `{"op":"input"} x`, "\x00\xff\xfe", `{"op":"log","message":"` + "\xff" + `"}`,
		`{"op":"channel_get"}`, `{"op":"channel_get","key":1}`, `{"op":"channel_set","key":"a"}`, `{"op":"channel_set","key":"a","value":}`,
		`{"op":"output"}`, `{"op":"log","message":"m","level":"loud"}`, `{"op":"log","message":{}}`,
		`{"op":"progress","done":"1"}`, `{"op":"progress","done":1e999}`, `{"op":"progress","done":NaN}`,
		`{"op":"fail","retry_after":"soon"}`, `{"op":"fail","retry_after":"-1s"}`, `{"op":"fail","permanent":"yes"}`,
		`{"op":"next_task"}`, `{"op":"next_task","id":1}`, `{"op":"next_task","id":"a","goto":"b"}`,
		`{"op":"pause"}`, `{"op":"pause","name":"a","timeout":"soon"}`, `{"op":"pause","name":"a","default":1}`, `{"op":"pause","name":"a","until":"x"}`,
		`{"op":"result_get"}`, `{"op":"secret_get"}`, `{"op":"tool_call"}`,
		`{"op":"meta","a":` + strings.Repeat("[", 100_000) + `}`, strings.Repeat(`{"op":`, 20_000),
		`{"op":"meta","a":` + strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000) + `}`,
		`{"op":"meta","1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1,"12":1,"13":1,"14":1,"15":1,"16":1}`,
	} {
		c.send(t, line+"\n")
		if got := c.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"invalid","message":"`) || len(got) > 1200 {
			t.Errorf("%.80q: got %s, want it invalid", line, got)
		}
	}
	c.exchange(t, `{"op":"channel_keys"}`, `{"ok":true,"value":[]}`)
	if got := e.noted(); len(got) != 0 {
		t.Errorf("got %q, want no effect", got)
	}
	if o := s.end(t); o.Output != nil || o.Failure != nil {
		t.Errorf("got %+v", o)
	}
}

func TestGrants(t *testing.T) {
	t.Parallel()
	no := false
	c := config(t, newEmbedder())
	c.Grants = wasmhost.Grants{Channel: &no, Control: &no}
	s := listen(t, c)
	s.dial(t).exchange(
		t,
		`{"op":"channel_get","key":"a"}`, `{"ok":false,"error":"denied"`,
		`{"op":"channel_add","key":"a","value":1}`, `{"ok":false,"error":"denied"`,
		`{"op":"cancel"}`, `{"ok":false,"error":"denied"`,
		`{"op":"pause","name":"a"}`, `{"ok":false,"error":"denied"`,
		`{"op":"secret_get","name":"KEY"}`, `{"ok":false,"error":"denied"`,
		`{"op":"tool_call","name":"echo"}`, `{"ok":false,"error":"denied"`,
		`{"op":"input"}`, `{"ok":true`,
	)
	s.end(t)
}

func TestNoServices(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Services, c.Files, c.Input = wasmhost.Services{}, nil, nil
	s := listen(t, c)
	client := s.dial(t)
	client.exchange(
		t,
		`{"op":"input"}`, `{"ok":true,"value":null}`,
		`{"op":"log","message":"m"}`, `{"ok":true}`,
		`{"op":"progress"}`, `{"ok":true}`,
		`{"op":"meta"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"result_get","id":"a"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"channel_get","key":"a"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"cancel"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"secret_get","name":"KEY"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"tool_call","name":"echo"}`, `{"ok":false,"error":"unavailable"`,
		`{"op":"meta","run":"r1"}`, `{"ok":false,"error":"denied"`,
		`{"op":"file_put","name":"a","size":1}`, `{"ok":false,"error":"unavailable"`,
	)
	client.gone(t)
	s.end(t)
}

// TestForgedFrames wants requests of another attempt dropped, with one word in
// the log.
func TestForgedFrames(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	s := listen(t, config(t, e))
	s.dial(t).exchange(
		t,
		`{"op":"output","value":1,"run":"r1","task":"t1","activation":"t1@1"}`, `{"ok":true}`,
		`{"op":"output","value":2,"task":"t2"}`, `{"ok":false,"error":"denied"`,
		`{"op":"cancel","run":"r2"}`, `{"ok":false,"error":"denied"`,
		`{"op":"channel_set","key":"k","value":1,"run":"r1","activation":"t1@2"}`, `{"ok":false,"error":"denied"`,
		`{"op":"output","value":3,"task":7}`, `{"ok":false,"error":"denied"`,
	)
	if o := s.end(t); string(o.Output) != "1" {
		t.Errorf("got %s, want 1", o.Output)
	}
	if got := e.noted(); len(got) != 1 || !strings.HasPrefix(got[0], `log WARN a request for run "", task "t2"`) {
		t.Errorf("got %q, want one warning", got)
	}
}

// TestFatal wants what is no answer to the task to end the attempt, once.
func TestFatal(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		`{"op":"cancel"}`: "reserved",
		`{"op":"channel_set","key":"panics","value":1}`:                "a service panicked: no disk",
		`{"op":"output","value":"` + strings.Repeat("x", 200) + `"}`:   "the result is larger than 100 bytes",
		`{"op":"output","value":"` + strings.Repeat("x", 2<<20) + `"}`: "the result is larger than 100 bytes",
	} {
		e := newEmbedder()
		e.err = errors.New("reserved")
		c := config(t, e)
		c.Limits.OutputBytes = 100
		s := listen(t, c)
		client, other := s.dial(t), s.dial(t)
		other.exchange(t, `{"op":"meta"}`, `{"ok":true`) // it has been accepted
		_, _ = io.WriteString(client, line+"\n")         // the server may hang up before the end
		if got := client.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"unavailable"`) {
			t.Errorf("%.50s: got %s", line, got)
		}
		if err := <-s.stopped; !strings.Contains(err.Error(), want) {
			t.Errorf("%.50s: got %v, want %q", line, err, want)
		}
		other.exchange(t, `{"op":"output","value":1}`, `{"ok":false,"error":"unavailable"`)
		if o := s.Close(); o.Err == nil || !strings.Contains(o.Err.Error(), want) || o.Output != nil {
			t.Errorf("%.50s: got %+v, want %q", line, o, want)
		}
	}
}

func TestPauseEnds(t *testing.T) {
	t.Parallel()
	s := listen(t, config(t, newEmbedder()))
	c := s.dial(t)
	c.exchange(t, `{"op":"pause","name":"unanswered"}`, `{"ok":false,"error":"paused"`)
	c.gone(t)
	if err := <-s.stopped; !errors.Is(err, wasmhost.ErrPaused) {
		t.Errorf("got %v, want paused", err)
	}
	if o := s.Close(); !errors.Is(o.Err, wasmhost.ErrPaused) {
		t.Errorf("got %v, want paused", o.Err)
	}
}
