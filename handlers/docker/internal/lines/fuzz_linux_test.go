package lines_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"testing"

	"github.com/graflow/graflow-wasm/handlers/docker/internal/lines"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// FuzzConnection sends anything over a connection, and wants answers that are
// lines of JSON, and an end.
func FuzzConnection(f *testing.F) {
	for _, data := range []string{
		`{"op":"input"}` + "\n", `{"op":"file_put","name":"a","size":3}` + "\nabc" + `{"op":"meta"}`, "\n\n\xff\n{",
		`{"op":"channel_set","key":"a","value":[]}` + "\n" + `{"op":"channel_get","key":"a"}` + "\n",
		`{"op":"pause","name":"a","until":"2026-01-02T03:04:05Z"}` + "\n", `{"op":"fail","retry_after":"1h"}` + "\n",
		`{"op":"next_task","id":"a","spec":{},"goto":true}` + "\n", `{"op":"progress","done":1e3}` + "\n" + `{"op":"log","level":"warn+2"}` + "\n",
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e := newEmbedder()
		c := config(t, e)
		c.Grants = wasmhost.Grants{Secrets: []string{"KEY"}, Tools: []string{"echo"}}
		s := listen(t, c)
		client := s.dial(t)
		go func() {
			_, _ = client.Write(data)
			_ = client.CloseWrite()
		}()
		for answers := bufio.NewReader(client); ; {
			line, err := answers.ReadBytes('\n')
			if err != nil {
				break
			}
			var answer struct {
				OK    *bool
				Error string
			}
			if err := json.Unmarshal(line, &answer); err != nil || answer.OK == nil || *answer.OK != (answer.Error == "") {
				t.Fatalf("%q: answer %q: %v", data, line, err)
			}
		}
		if o := s.Close(); o.Output != nil && !json.Valid(o.Output) {
			t.Errorf("%q: got output %q", data, o.Output)
		}
	})
}

// BenchmarkCall is a request over a connection, and its answer.
func BenchmarkCall(b *testing.B) {
	for name, line := range map[string]string{
		"meta": `{"op":"meta"}`, "channel_get": `{"op":"channel_get","key":"k"}`,
		"channel_add": `{"op":"channel_add","key":"n","value":1}`, "invalid": `{"op":"none"}`,
	} {
		b.Run(name, func(b *testing.B) {
			c := config(b, newEmbedder())
			c.Services.Channel = quiet{}
			c.Limits = lines.Limits{HostCalls: 1 << 60, ChannelOps: 1 << 60}
			s := listen(b, c)
			conn, err := net.Dial("unix", s.path(lines.SocketName))
			if err != nil {
				b.Fatal(err)
			}
			answers, request := bufio.NewReader(conn), []byte(line+"\n")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := conn.Write(request); err != nil {
					b.Fatal(err)
				}
				if _, err := answers.ReadSlice('\n'); err != nil {
					b.Fatal(err)
				}
			}
			_ = conn.Close()
			s.end(b)
		})
	}
}

// BenchmarkListen is an attempt's socket and FIFOs, made and removed.
func BenchmarkListen(b *testing.B) {
	c := config(b, newEmbedder())
	for b.Loop() {
		s, err := lines.Listen(c)
		if err != nil {
			b.Fatal(err)
		}
		s.Close()
	}
}

// BenchmarkFilePut is 1 MiB handed on.
func BenchmarkFilePut(b *testing.B) {
	c := config(b, newEmbedder())
	c.Files = discard{}
	c.Limits = lines.Limits{HostCalls: 1 << 60, DiskBytes: 1 << 60}
	s := listen(b, c)
	client := s.dial(b)
	request := append([]byte(`{"op":"file_put","name":"a","size":1048576}`+"\n"), make([]byte, 1<<20)...)
	b.SetBytes(1 << 20)
	for b.Loop() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		client.answer(b)
	}
	s.end(b)
}

// quiet is a channel that notes nothing.
type quiet struct{ wasmhost.Channel }

func (quiet) Get(context.Context, string) (json.RawMessage, error) { return json.RawMessage("1"), nil }
func (quiet) Apply(context.Context, wasmhost.ChannelOp) error      { return nil }

type discard struct{}

func (discard) Put(_ context.Context, _ string, _ int64, r io.Reader) (string, error) {
	_, err := io.Copy(io.Discard, r)
	return "sha256:0", err
}
