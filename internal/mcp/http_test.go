package mcp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// bearer sends a token with each request.
type bearer struct {
	token string
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// listen serves by HTTP.
func listen(tb testing.TB, config mcp.Config, by mcp.HTTP) (url string) {
	tb.Helper()
	server := newServer(tb, config)
	srv := httptest.NewServer(server.Handler(by))
	tb.Cleanup(func() {
		server.Close()
		srv.CloseClientConnections()
		srv.Close()
	})
	return srv.URL
}

// dial is a client by HTTP, with connections of its own.
func dial(tb testing.TB, url, token string) *protocol.ClientSession {
	tb.Helper()
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return connectTo(tb, &protocol.StreamableClientTransport{
		Endpoint: url, MaxRetries: -1, HTTPClient: &http.Client{Transport: bearer{token, transport}},
	}, nil)
}

// TestClients has many clients by HTTP, each with a session of the same name.
func TestClients(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{}, mcp.HTTP{})
	var all sync.WaitGroup
	for i := range 30 {
		session := dial(t, url, "")
		language, code := "python", "x = %d"
		if i%2 == 1 {
			language, code = "javascript", "globalThis.x = %d"
		}
		all.Go(func() {
			o, _ := run(t, session, args{"language": language, "code": fmt.Sprintf(code, i), "session": "s"})
			if o.Error != nil || !o.Session.New {
				t.Errorf("client %d: got %+v, %+v", i, o.Error, o.Session)
				return
			}
			for range 3 {
				if o, _ := run(t, session, args{"language": language, "code": "x", "session": "s"}); string(o.Value) != fmt.Sprint(i) {
					t.Errorf("client %d: got %s, %+v", i, o.Value, o.Error)
				}
			}
		})
	}
	all.Wait()
}

func TestHTTPProgress(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{Limits: wasmhost.Limits{Timeout: time.Hour}, Concurrency: 1}, mcp.HTTP{})
	heard := newListener()
	session := connectTo(t, &protocol.StreamableClientTransport{Endpoint: url, MaxRetries: -1}, heard.options())
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-heard.first
		cancel()
	}()
	if _, err := session.CallTool(ctx, withToken(args{"language": "python", "code": "print('running')\nwhile True: pass"})); err == nil {
		t.Error("a call that was canceled has succeeded")
	}
	if o, _ := run(t, session, args{"language": "python", "code": "1"}); string(o.Value) != "1" {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	url := listen(t, mcp.Config{}, mcp.HTTP{Token: token})
	session := dial(t, url, token)
	if o, _ := run(t, session, args{"language": "javascript", "code": "1 + 1"}); string(o.Value) != "2" {
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
	for _, given := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Bearer " + token + "0", "Basic " + token, token} {
		header := http.Header{}
		if given != "" {
			header.Set("Authorization", given)
		}
		if status, response := post(t, url, header, initialize); status != http.StatusUnauthorized || response.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: got %d, want 401", given, status)
		}
		header.Set("Mcp-Session-Id", session.ID()) // that of another client
		if status, _ := post(t, url, header, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); status != http.StatusUnauthorized {
			t.Errorf("%q: got %d, want 401", given, status)
		}
	}
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// post sends one message.
func post(t *testing.T, url string, header http.Header, message string) (int, http.Header) {
	t.Helper()
	return send(t, http.MethodPost, url, "", header, strings.NewReader(message))
}

func send(t *testing.T, method, url, host string, header http.Header, body io.Reader) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header, r.Host = header.Clone(), host
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header
}

// TestForeignPages sends what a page in a browser could make it send.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{}, mcp.HTTP{})
	own := strings.TrimPrefix(url, "http://")
	for _, test := range []struct {
		method, host string
		header       map[string]string
		want         int
	}{
		{http.MethodPost, "", nil, http.StatusOK},
		{http.MethodPost, "", map[string]string{"Origin": url}, http.StatusOK},
		{http.MethodPost, "", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{http.MethodPost, "", map[string]string{"Origin": "null"}, http.StatusForbidden},
		{http.MethodPost, "", map[string]string{"Origin": url + "0"}, http.StatusForbidden},
		{http.MethodPost, "", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{http.MethodGet, "", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{http.MethodDelete, "", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{http.MethodPost, "evil.example", nil, http.StatusForbidden},
		{http.MethodPost, "evil.example", map[string]string{"Origin": "http://evil.example"}, http.StatusForbidden},
		{http.MethodPost, strings.Replace(own, "127.0.0.1", "localhost", 1), nil, http.StatusOK},
	} {
		header := http.Header{}
		for name, value := range test.header {
			header.Set(name, value)
		}
		if got, _ := send(t, test.method, url, test.host, header, strings.NewReader(initialize)); got != test.want {
			t.Errorf("%s to %q with %v: got %d, want %d", test.method, test.host, test.header, got, test.want)
		}
	}
}

func TestHTTPBounds(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{Clients: 2}, mcp.HTTP{})
	long := io.MultiReader(strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"`), io.LimitReader(zeros{}, 33<<20)) // of no length that is told
	if got, _ := send(t, http.MethodPost, url, "", http.Header{}, long); got != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d for a message of 33 MiB, want 413", got)
	}
	first := dial(t, url, "")
	dial(t, url, "")
	if got, header := post(t, url, http.Header{}, initialize); got != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("got %d for a third client, want 503", got)
	}
	if o, _ := run(t, first, args{"language": "javascript", "code": "1"}); o.Error != nil {
		t.Errorf("got %+v", o.Error)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	dial(t, url, "")
}

// TestHTTPIdle has a client that is silent, and makes room for another.
func TestHTTPIdle(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{Clients: 1}, mcp.HTTP{Idle: 50 * time.Millisecond})
	if got, _ := post(t, url, http.Header{}, initialize); got != http.StatusOK {
		t.Fatalf("got %d for the first client", got)
	}
	for end := time.Now().Add(time.Minute); ; {
		got, _ := post(t, url, http.Header{}, initialize)
		if got == http.StatusOK {
			return
		}
		if got != http.StatusServiceUnavailable || time.Now().After(end) {
			t.Fatalf("got %d for the second client", got)
		}
	}
}

type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// TestDelete has a client leave while its code runs.
func TestDelete(t *testing.T) {
	t.Parallel()
	url := listen(t, mcp.Config{Limits: wasmhost.Limits{Timeout: time.Hour}}, mcp.HTTP{})
	heard := newListener()
	session := connectTo(t, &protocol.StreamableClientTransport{Endpoint: url, MaxRetries: -1}, heard.options())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = session.CallTool(context.Background(), withToken(args{"language": "python", "code": "print(1)\nwhile True: pass"})) // it fails, or tells that it was canceled
	}()
	<-heard.first
	header := http.Header{}
	header.Set("Mcp-Session-Id", session.ID())
	if got, _ := send(t, http.MethodDelete, url, "", header, nil); got != http.StatusNoContent {
		t.Errorf("got %d, want 204", got)
	}
	<-ended
	if got, _ := post(t, url, header, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); got != http.StatusNotFound {
		t.Errorf("got %d for a client who left, want 404", got)
	}
}
