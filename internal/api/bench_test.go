package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// BenchmarkSubmitResult begins a run of a flow that is stored and waits for its result:
// over HTTP, and of the same service without HTTP.
func BenchmarkSubmitResult(b *testing.B) {
	f := start(b, api.Config{})
	f.want(f.ask("PUT", "/v1/flows", hello), 200, nil)
	b.Run("http", func(b *testing.B) {
		for b.Loop() {
			submitResult(b, f)
		}
	})
	b.Run("http-parallel", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				submitResult(b, f)
			}
		})
	})
	b.Run("direct", func(b *testing.B) {
		runs := f.service.Runs
		for b.Loop() {
			begun, err := runs.Submit(b.Context(), ops.Submission{Target: ops.Target{Flow: "hello"}, Input: json.RawMessage(`{"name":"Ada"}`)})
			if err != nil {
				b.Fatal(err)
			}
			if o, err := runs.Follow(b.Context(), begun.Run, ops.FollowAll, func(engine.Notice, string) {}); err != nil || o.Status != engine.StatusSucceeded {
				b.Fatal(o, err)
			}
		}
	})
}

// submitResult is one run over HTTP: a POST, and a stream to its outcome.
func submitResult(b *testing.B, f *fixture) {
	b.Helper()
	ask := func(method, path, body string) *http.Response {
		r, err := http.NewRequestWithContext(b.Context(), method, f.url+path, strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+f.tokens[ops.RoleOperator])
		resp, err := f.client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		return resp
	}
	resp := ask("POST", "/v1/runs", `{"flow":"hello","input":{"name":"Ada"}}`)
	var begun ops.Submitted
	err := json.NewDecoder(resp.Body).Decode(&begun)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusCreated {
		b.Fatal(resp.StatusCode, err)
	}
	resp = ask("GET", "/v1/runs/"+begun.Run+"/stream", "")
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull { //nolint:errorlint // it is returned as it is
			b.Fatal(err)
		}
		if bytes.Equal(line, []byte("event: outcome\n")) {
			_, _ = io.Copy(io.Discard, lines) // so that the connection is used again
			return
		}
	}
}

// BenchmarkRequest is what the API itself costs: of a service that has the answer.
func BenchmarkRequest(b *testing.B) {
	f := serve(b, api.Config{Service: ops.Service{Version: "v1"}})
	r, err := http.NewRequestWithContext(b.Context(), "GET", "http://x/v1/service", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+f.tokens[ops.RoleViewer])
	b.ReportAllocs()
	for b.Loop() {
		w := &discard{header: http.Header{}}
		f.api.Handler().ServeHTTP(w, r)
		if w.status != 0 && w.status != 200 {
			b.Fatal(w.status)
		}
	}
}

// discard is where answers go that nobody reads.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header       { return d.header }
func (*discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(status int)    { d.status = status }
