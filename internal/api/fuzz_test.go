package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// FuzzAPI asks for each operation with whatever there may be in paths, queries,
// headers and bodies, on a real cluster. Nothing panics, nothing that is sent is a
// fault of the server, each error is a problem, and each answer as it is described.
func FuzzAPI(f *testing.F) {
	s := start(f, api.Config{Timeout: 2 * time.Second})
	run := s.submit(asks, nil)
	s.ended(run)
	s.want(s.ask("PUT", "/v1/flows", hello), 200, nil)
	s.want(s.ask("PUT", "/v1/schedules/n", map[string]any{"target": map[string]string{"flow": "hello"}, "input": map[string]string{"name": "x"}, "cron": "@daily"}), 200, nil)
	all := operations(f)
	for i, o := range all {
		in := []string{"none", run, "hello", "", "..", "a/b", "\x00", strings.Repeat("n", 700), "*", ">", "@", "7"}
		if !strings.Contains(o.path, "{") {
			in = in[:1]
		}
		for _, seed := range seeds(f, o) {
			for _, name := range in {
				f.Add(i, name, seed.query, seed.headers, seed.body)
			}
		}
	}
	for _, path := range []string{"/", "", "/v1", "/v1/runs/", "//", "/v1/%2e%2e/x", "*", "/openapi.json"} {
		f.Add(-1, path, "", "", []byte(nil))
	}
	f.Fuzz(func(t *testing.T, op int, name, query, headers string, body []byte) {
		method, path := http.MethodGet, name
		if op >= 0 {
			o := all[op%len(all)]
			method, path = o.method, strings.NewReplacer(names(o.path, url.PathEscape(name))...).Replace(o.path)
		}
		s.throw(t, method, path, query, headers, body)
	})
}

// names are replacements of all parameters of a path.
func names(path, name string) []string {
	var all []string
	for _, m := range placeholder.FindAllString(path, -1) {
		all = append(all, m, name)
	}
	return all
}

// throw sends what a fuzzer has made.
func (f *fixture) throw(t *testing.T, method, path, query, headers string, body []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://x/", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.PathUnescape(path)
	if err != nil {
		t.Skip("no client can send it")
	}
	r.URL = &url.URL{Path: at, RawPath: path, RawQuery: query}
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", "Bearer "+f.tokens[ops.RoleOperator])
	for line := range strings.SplitSeq(headers, "\n") {
		if header, value, ok := strings.Cut(line, ": "); ok {
			r.Header.Set(header, value)
		}
	}
	w := httptest.NewRecorder()
	if strings.HasSuffix(at, "/stream") || strings.HasSuffix(at, "/code") { // which go on for as long as they may
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		r = r.WithContext(short)
	}
	f.api.Handler().ServeHTTP(w, r)
	media, cut := w.Header().Get("Content-Type"), r.Context().Err() != nil
	if w.Code >= 500 && !cut {
		t.Errorf("%s %s?%s with %q %q: got %d %s", method, path, query, headers, body, w.Code, w.Body)
	}
	if w.Code >= 400 && (media != "application/problem+json" || !json.Valid(w.Body.Bytes())) {
		t.Errorf("%s %s?%s with %q %q: got %d %q %s, want a problem", method, path, query, headers, body, w.Code, media, w.Body)
	}
	if err := f.api.CheckAnswer(r, w.Code, media, w.Body.Bytes()); err != nil && !cut {
		t.Errorf("%s %s?%s with %q %q is not as described: %v", method, path, query, headers, body, err)
	}
}

// seed is what a fuzzer begins with.
type seed struct {
	query, headers string
	body           []byte
}

// seeds are, of an operation, what is right, and what is nearly so.
func seeds(tb testing.TB, o described) []seed {
	tb.Helper()
	var query []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			query = append(query, p.Name+"=1")
		}
	}
	all := []seed{{}, {query: strings.Join(query, "&")}, {query: "%zz&;=&limit=9999999999999999999&after=-1", headers: "Last-Event-ID: 1-1-1\nX-Request-Id: a b\nAccept: text/html"}}
	if o.RequestBody == nil {
		return all
	}
	for media, content := range o.RequestBody.Content {
		var example struct{ Example json.RawMessage }
		if err := json.Unmarshal(content, &example); err != nil {
			tb.Fatal(err)
		}
		body := []byte(example.Example)
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		header := "Content-Type: " + media
		for _, b := range slices.Concat([][]byte{body, body[:len(body)/2]}, odd) {
			all = append(all, seed{headers: header, body: b})
		}
		all = append(all, seed{headers: "Content-Type: text/html", body: body}, seed{headers: header + "\nContent-Encoding: gzip", body: body})
	}
	return all
}

// odd are bodies that are nearly something.
var odd = [][]byte{
	nil, []byte("null"), []byte("[]"), []byte("{}"), []byte(`"`), []byte("\xff\xfe"), []byte("1e999"), []byte(strings.Repeat("[", 20_000)),
	[]byte(`{"flow":"hello","input":{"name":"x"},"id":"../\u0000"}`), []byte(`{"flow":"hello@","idempotency_key":"` + strings.Repeat("k", 5000) + `"}`),
	[]byte(`{"graph":{"name":"","tasks":[]}}`), []byte(`{"graph":[],"timeout":"-1s"}`), []byte(`{"module":"@","grants":1,"limits":[]}`),
	[]byte(`{"target":{"flow":"hello"},"cron":"* * * * * *"}`), []byte(`{"target":{"flow":"hello"},"every":"1ns"}`), []byte(`{"target":{},"at":"9999-99-99T00:00:00Z"}`),
	[]byte(`{"limit":1e3}`), []byte(`{"limit":1.5}`), []byte(`{"limit":9223372036854775808}`),
	[]byte(`{"language":"python","source":"1","files":{"../x":"eA=="},"files_out":["["]}`), []byte("name: x\ntasks: {a: {direct: {func: none}}}\n"), []byte("&a [*a]"),
	[]byte("a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"), []byte("\x00asm\x01\x00\x00\x00"), []byte("\x00asm\x0d\x00\x01\x00"),
}
