package lines_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// limited wants the attempt ended by a limit.
func (s *server) limited(t *testing.T, kind string) {
	t.Helper()
	var limit *lines.LimitError
	if err := <-s.stopped; !errors.As(err, &limit) || limit.Kind != kind {
		t.Errorf("got %v, want a limit of kind %s", err, kind)
	}
	if o := s.Close(); !errors.As(o.Err, &limit) || limit.Kind != kind {
		t.Errorf("got %v, want a limit of kind %s", o.Err, kind)
	}
}

// TestFloods wants every kind of flood to end with the attempt.
func TestFloods(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]struct {
		line   string
		limits lines.Limits
	}{
		"requests": {`{"op":"progress","done":1}`, lines.Limits{HostCalls: 500}},
		"garbage":  {"\xff\x00", lines.Limits{HostCalls: 500}},
		"empty":    {"", lines.Limits{HostCalls: 500}},
		"channel":  {`{"op":"channel_add","key":"n","value":1}`, lines.Limits{ChannelOps: 500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEmbedder()
			c := config(t, e)
			c.Limits = flood.limits
			s := listen(t, c)
			client := s.dial(t)
			go func() { _, _ = io.Copy(io.Discard, client) }()
			for range 100_000 { // far more than what sockets buffer
				if _, err := io.WriteString(client, flood.line+"\n"); err != nil {
					break
				}
			}
			s.limited(t, wasmhost.KindHostCalls)
			if n := len(e.noted()); n > 500 {
				t.Errorf("got %d effects, want 500 at most", n)
			}
		})
	}
}

// TestQuickConnects wants connections bounded at a time, and counted.
func TestQuickConnects(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Limits.HostCalls = 20_000
	s := listen(t, c)
	for range 10_000 {
		if err := s.touch(); err != nil && !errors.Is(err, syscall.EAGAIN) { // the server is busy
			t.Fatal(err)
		}
	}
	s.served(t)
	for !errors.Is(s.touch(), syscall.ECONNREFUSED) { // until nobody listens any more
		runtime.Gosched()
	}
	s.limited(t, wasmhost.KindHostCalls)
}

// touch connects, and goes.
func (s *server) touch() error {
	conn, err := net.Dial("unix", s.path(lines.SocketName))
	if err != nil {
		return err
	}
	return conn.Close()
}

func TestConnections(t *testing.T) {
	t.Parallel()
	s := listen(t, config(t, newEmbedder()))
	var clients []*client
	for range 16 {
		c := s.dial(t)
		c.exchange(t, `{"op":"meta"}`, `{"ok":true`)
		clients = append(clients, c)
	}
	extra := s.dial(t)
	if got := extra.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"unavailable","message":"a task has at most 16`) {
		t.Errorf("got %s", got)
	}
	extra.gone(t)
	// Place is made by whoever goes, as soon as the server has seen it.
	_ = clients[3].Close()
	s.served(t)
	s.end(t)
}

// served waits until a connection is taken: the server may not have seen yet that
// others have gone.
func (s *server) served(t *testing.T) {
	t.Helper()
	for {
		if conn, err := net.Dial("unix", s.path(lines.SocketName)); err == nil {
			_, _ = io.WriteString(conn, `{"op":"meta"}`+"\n")
			line, err := bufio.NewReader(conn).ReadString('\n')
			_ = conn.Close()
			if err == nil && strings.HasPrefix(line, `{"ok":true`) {
				return
			}
		}
		runtime.Gosched()
	}
}

// TestOverlong wants lines bounded, by op, and what is held of them.
func TestOverlong(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Limits.OutputBytes = 4 << 20
	s := listen(t, c)
	long := `"` + strings.Repeat("x", 3<<20) + `"`
	s.dial(t).exchange(
		t,
		`{"op":"output","value":`+long+`}`, `{"ok":true}`,
		`{"op":"channel_set","key":"k","value":`+long+`}`, `{"ok":true}`,
		`{"op":"channel_get","key":"k"}`, `{"ok":true,"value":"xxx`,
		`{"op":"log","message":`+long+`}`, `{"ok":false,"error":"too_large"`,
		`{"op":"channel_append","key":"k","value":`+long+`}`, `{"ok":false,"error":"too_large"`,
		`{"op":"log","message":"short"}`, `{"ok":true}`,
	)
	client := s.dial(t)
	_, _ = io.WriteString(client, `{"op":"log","message":"`+strings.Repeat("x", 5<<20)) // no end
	if got := client.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"too_large"`) {
		t.Errorf("got %s", got)
	}
	if o := s.end(t); len(o.Output) != len(long) {
		t.Errorf("got %d bytes, want %d", len(o.Output), len(long))
	}
}

// TestLongLinesShareRoom wants sixteen halves of long lines to take the memory of
// one, and Close to end those that wait for room.
func TestLongLinesShareRoom(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Limits.OutputBytes = 32 << 20
	s := listen(t, c)
	half := `{"op":"output","value":"` + strings.Repeat("x", 8<<20)
	s.dial(t).send(t, half) // has the room once this is through
	for range 15 {
		client := s.dial(t)
		_ = client.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
		if _, err := io.WriteString(client, half); err == nil {
			t.Error("a second long line was read")
		}
	}
	s.end(t)
}

// TestSlowReader wants a task that does not read its answers to hold up nobody but
// itself.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Input = json.RawMessage(`"` + strings.Repeat("x", 4<<20) + `"`)
	s := listen(t, c)
	for range 8 {
		s.dial(t).send(t, strings.Repeat(`{"op":"input"}`+"\n", 100))
	}
	s.dial(t).exchange(t, `{"op":"meta"}`, `{"ok":true`)
	began := time.Now()
	s.end(t)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	c := config(t, e)
	c.Limits.DiskBytes = 100
	s := listen(t, c)
	client := s.dial(t)
	client.exchange(
		t,
		`{"op":"file_put","name":"empty","size":0}`, `{"ok":true,"value":{"$file":"sha256:empty","name":"empty","size":0}}`,
		`{"op":"file_put","name":"a","size":50}`+"\n"+strings.Repeat("\n", 49), `{"ok":true`,
		`{"op":"file_put","name":"a","size":40}`+"\n"+strings.Repeat("b", 39), `{"ok":true`,
		// The store's refusal leaves the connection in step.
		`{"op":"file_put","name":"refused","size":6}`+"\nhello", `{"ok":false,"error":"denied"`,
		`{"op":"meta"}`, `{"ok":true`,
		// More bytes than said are the next request.
		`{"op":"file_put","name":"more","size":2}`+"\nxyz", `{"ok":true`,
	)
	if got := client.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"invalid"`) {
		t.Errorf("got %s", got)
	}
	for line, want := range map[string]string{
		`{"op":"file_put","name":"large","size":3}`:                             "too_large",
		`{"op":"file_put","name":"huge","size":9223372036854775806}`:            "too_large",
		`{"op":"file_put","name":"b","size":9223372036854775807}`:               "invalid",
		`{"op":"file_put","name":"b","size":-1}`:                                "invalid",
		`{"op":"file_put","name":"b","size":1.5}`:                               "invalid",
		`{"op":"file_put","name":"b"}`:                                          "invalid",
		`{"op":"file_put","size":1}`:                                            "invalid",
		`{"op":"file_put","name":"../b","size":1}`:                              "invalid",
		`{"op":"file_put","name":"/b","size":1}`:                                "invalid",
		`{"op":"file_put","name":".","size":1}`:                                 "invalid",
		`{"op":"file_put","name":"","size":1}`:                                  "invalid",
		`{"op":"file_put","name":"a\\b","size":1}`:                              "invalid",
		`{"op":"file_put","name":"a\u0000b","size":1}`:                          "invalid",
		`{"op":"file_put","name":"b","size":1,"mode":7}`:                        "invalid",
		`{"op":"file_put","name":"b","size":1,"task":"other"}`:                  "denied",
		`{"op":"file_put","name":"` + strings.Repeat("n", 1025) + `","size":1}`: "invalid",
	} {
		client := s.dial(t)
		client.exchange(t, line, `{"ok":false,"error":"`+want+`"`)
		client.gone(t)
	}
	short := s.dial(t)
	short.send(t, `{"op":"file_put","name":"short","size":2}`+"\nx")
	if err := short.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := short.answer(t); !strings.HasPrefix(got, `{"ok":false,"error":"invalid"`) {
		t.Errorf("got %s", got)
	}
	held := s.dial(t) // Close ends it
	held.send(t, `{"op":"file_put","name":"held","size":0}`+"\n")
	held.answer(t)
	o := s.end(t)
	var names []string
	for _, f := range o.Files {
		names = append(names, f.Name+" "+strconv.FormatInt(f.Size, 10))
	}
	if want := []string{"a 40", "empty 0", "held 0", "more 2"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	if e.files["a"] != strings.Repeat("b", 39)+"\n" || e.files["more"] != "xy" {
		t.Errorf("got %q", e.files)
	}
}

// TestCloseInterrupts wants Close to end what waits: a tool, a file that does not
// come, an idle connection and half a line.
func TestCloseInterrupts(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	e.wait = make(chan struct{})
	s := listen(t, config(t, e))
	s.dial(t).send(t, `{"op":"tool_call","name":"wait"}`+"\n")
	<-e.wait
	s.dial(t).send(t, `{"op":"file_put","name":"a","size":10}`+"\nhalf")
	s.dial(t).send(t, `{"op":`)
	s.dial(t)
	began := time.Now()
	if o := s.end(t); len(o.Files) != 0 {
		t.Errorf("got %+v, want no file", o.Files)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Close took %v", took)
	}
}

// TestCloseDrains wants what was written before Close to count, on every way, with
// writers that never close.
func TestCloseDrains(t *testing.T) {
	t.Parallel()
	for range 50 {
		e := newEmbedder()
		s := listen(t, config(t, e))
		socket := s.dial(t)
		socket.exchange(t, `{"op":"meta"}`, `{"ok":true`) // it has been accepted
		effects, result := s.fifo(t, lines.EffectsName), s.fifo(t, lines.ResultName)
		var want []string
		for i := range 200 {
			if _, err := effects.WriteString(`{"op":"terminate","message":"` + strconv.Itoa(i) + "\"}\n"); err != nil {
				t.Fatal(err)
			}
			want = append(want, "terminate "+strconv.Itoa(i))
		}
		if _, err := result.WriteString("{\"a\":1}\n"); err != nil {
			t.Fatal(err)
		}
		socket.send(t, strings.Repeat(`{"op":"progress"}`+"\n", 100))
		_ = socket.Close() // without waiting for answers
		o := s.end(t)
		if string(o.Output) != "{\"a\":1}\n" || !o.Raw {
			t.Fatalf("got %q, raw %v", o.Output, o.Raw)
		}
		got := e.noted()
		if o.Calls["progress"] != 100 || len(got) != 300 {
			t.Fatalf("got %v and %d effects, want 100 and 300", o.Calls, len(got))
		}
		got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "progress") })
		if !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

func (s *server) fifo(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.OpenFile(s.path(name), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// TestFIFOFlood wants Close to return while writers go on.
func TestFIFOFlood(t *testing.T) {
	t.Parallel()
	for _, name := range []string{lines.EffectsName, lines.ResultName} {
		s := listen(t, config(t, newEmbedder()))
		f := s.fifo(t, name)
		done, began := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for i := 0; ; i++ {
				if i == 10 {
					close(began)
				}
				if _, err := f.WriteString("\n\n\n\n\n"); err != nil {
					return // EPIPE: nobody reads
				}
			}
		}()
		<-began
		s.end(t)
		<-done
	}
}

func TestResult(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fifo, op string
		want     string
		raw      bool
	}{
		{},
		{fifo: "text\n", want: "text\n", raw: true},
		{fifo: "\xff\x00", want: "\xff\x00", raw: true},
		{op: "1", want: "1"},
		{fifo: "2", op: "1", want: "1"},
		{op: "null", want: "null"},
	} {
		s := listen(t, config(t, newEmbedder()))
		if test.fifo != "" {
			if _, err := s.fifo(t, lines.ResultName).WriteString(test.fifo); err != nil {
				t.Fatal(err)
			}
		}
		if test.op != "" {
			s.dial(t).exchange(t, `{"op":"output","value":`+test.op+`}`, `{"ok":true}`)
		}
		o := s.end(t)
		if string(o.Output) != test.want || o.Raw != test.raw || (o.Output == nil) != (test.fifo+test.op == "") {
			t.Errorf("%+v: got %q, raw %v", test, o.Output, o.Raw)
		}
	}
}

func TestResultTooLarge(t *testing.T) {
	t.Parallel()
	c := config(t, newEmbedder())
	c.Limits.OutputBytes = 1000
	s := listen(t, c)
	f := s.fifo(t, lines.ResultName)
	for {
		if _, err := f.WriteString(strings.Repeat("x", 400)); err != nil {
			break // it is not read any more
		}
	}
	s.limited(t, wasmhost.KindOutputTooLarge)
}

// TestEffects wants a FIFO's lines to count, and what is wrong with them to be
// logged.
func TestEffects(t *testing.T) {
	t.Parallel()
	e := newEmbedder()
	c := config(t, e)
	c.Limits.OutputBytes = 10
	s := listen(t, c)
	f := s.fifo(t, lines.EffectsName)
	for _, text := range []string{
		`{"op":"terminate","message":"a"}` + "\n", "\n", "garbage\n", `{"op":"meta"}` + "\n",
		`{"op":"pause","name":"unanswered"}` + "\n", `{"op":"file_put","name":"a","size":1}` + "\n",
		`{"op":"log","message":"` + strings.Repeat("x", 2<<20) + "\"}\n",
		`{"op":"output","value":1}` + "\n",
		`{"op":"terminate","message":"no end"}`,
	} {
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	if o := s.end(t); string(o.Output) != "1" || o.Raw {
		t.Errorf("got %q", o.Output)
	}
	want := []string{
		"terminate a", "log WARN effects: a request is not JSON",
		`log WARN effects: op "meta" has an answer`,
		`log WARN effects: op "pause" has an answer`,
		`log WARN effects: op "file_put" has an answer`,
		"log WARN effects: a line is longer", "terminate no end",
	}
	if got := e.noted(); !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	s := listen(t, config(t, newEmbedder()))
	for name, kind := range map[string]os.FileMode{
		lines.SocketName: os.ModeSocket, lines.ResultName: os.ModeNamedPipe, lines.EffectsName: os.ModeNamedPipe,
	} {
		info, err := os.Lstat(s.path(name))
		if err != nil || info.Mode() != kind|0o666 {
			t.Errorf("%s: got %v, %v, want %v", name, info, err, kind|0o666)
		}
	}
	s.end(t)
}

// TestListenRefuses wants nothing left, and nothing touched, where a file cannot be
// made.
func TestListenRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{lines.SocketName, lines.ResultName, lines.EffectsName} {
		c := config(t, newEmbedder())
		taken := filepath.Join(c.Dir, name)
		if err := os.Symlink("/nowhere", taken); err != nil {
			t.Fatal(err)
		}
		if _, err := lines.Listen(c); err == nil || !strings.Contains(err.Error(), taken) {
			t.Errorf("%s: got %v, want an error that names it", name, err)
		}
		if entries, err := os.ReadDir(c.Dir); err != nil || len(entries) != 1 || os.Remove(taken) != nil {
			t.Errorf("got %v, %v, want the link alone", entries, err)
		}
	}
	c := config(t, newEmbedder())
	c.Dir = filepath.Join(c.Dir, strings.Repeat("d", 100))
	if err := os.Mkdir(c.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := lines.Listen(c); err == nil || !strings.Contains(err.Error(), "shorter directory") {
		t.Errorf("got %v, want the path too long", err)
	}
	if err := os.Remove(c.Dir); err != nil {
		t.Error(err)
	}
}

// TestCloseRemovesOwn wants files that took the place of the server's to stay.
func TestCloseRemovesOwn(t *testing.T) {
	t.Parallel()
	s := listen(t, config(t, newEmbedder()))
	socket, result := s.path(lines.SocketName), s.path(lines.ResultName)
	err := errors.Join(os.Remove(socket), os.WriteFile(socket, []byte("mine"), 0o600), os.Remove(result))
	if err != nil {
		t.Fatal(err)
	}
	if o := s.Close(); o.Err == nil || !strings.Contains(o.Err.Error(), socket+": it is another file by now") {
		t.Errorf("got %v, want an error that names the socket", o.Err)
	}
	if data, err := os.ReadFile(socket); string(data) != "mine" || os.Remove(socket) != nil {
		t.Errorf("got %q, %v", data, err)
	}
}

// TestNoDescriptorsLeft wants each server to give back what it opened.
func TestNoDescriptorsLeft(t *testing.T) { //nolint:paralleltest // others open descriptors
	for i := range 20 {
		s := listen(t, config(t, newEmbedder()))
		c := s.dial(t)
		c.exchange(t, `{"op":"meta"}`, `{"ok":true`)
		_ = c.Close()
		s.end(t)
		if i == 0 {
			continue
		}
		var fds [2]int
		if err := unix.Pipe(fds[:]); err != nil {
			t.Fatal(err)
		}
		_, _ = syscall.Close(fds[0]), syscall.Close(fds[1])
		if fds[1] > 60 {
			t.Fatalf("descriptor %d after %d servers", fds[1], i)
		}
	}
}
