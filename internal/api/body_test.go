package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// chunked hides how long a body is.
type chunked struct{ io.Reader }

func TestBodyLimits(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{MaxFlow: 1000, MaxJSON: 2048, MaxModule: 3000, MaxCode: 4000, MaxSecret: 50})
	for _, c := range []struct {
		method, path, media, limit string
		size                       int
	}{
		{"PUT", "/v1/flows", "application/yaml", "1000 bytes", 1001},
		{"POST", "/v1/flows/validate", "text/plain", "1000 bytes", 1001},
		{"POST", "/v1/runs", "application/json", "2 KiB", 2049},
		{"POST", "/v1/runs/r/answers/p", "application/json", "2 KiB", 2049},
		{"POST", "/v1/modules?name=a", "application/wasm", "3000 bytes", 3001},
		{"POST", "/v1/restore", "application/json", "3000 bytes", 3001},
		{"POST", "/v1/code", "application/json", "4000 bytes", 4001},
		{"PUT", "/v1/secrets/a", "application/octet-stream", "50 bytes", 51},
	} {
		for _, known := range []bool{true, false} {
			text := strings.Repeat(" ", c.size)
			r := f.request(c.method, c.path, text, "Content-Type", c.media, "Authorization", "Bearer "+f.tokens[ops.RoleOperator])
			if !known {
				r.Body, r.ContentLength = io.NopCloser(chunked{strings.NewReader(text)}), -1
			}
			reply := f.do(r)
			f.want(reply, 413, nil)
			if p := f.wantProblem(reply); !strings.Contains(p.Detail, c.limit) {
				t.Errorf("%s: %s, want it to tell %s", c.path, p.Detail, c.limit)
			}
		}
		r := f.ask(c.method, c.path, strings.Repeat(" ", c.size-1), "Content-Type", c.media)
		if r.status == 413 {
			t.Errorf("%s: %d bytes are too many", c.path, c.size-1)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	for _, c := range []struct {
		method, path, media, body string
		want                      int
	}{
		{"POST", "/v1/runs", "application/x-www-form-urlencoded", "{}", 415},
		{"POST", "/v1/runs", "text/plain", "{}", 415},
		{"POST", "/v1/runs", "application/json; charset=utf-8", "{}", 422},
		{"POST", "/v1/runs", "application/vnd.ours+json", "{}", 422},
		{"POST", "/v1/runs", "application/json+;;", "{}", 415},
		{"POST", "/v1/runs", "", "{}", 422},
		{"POST", "/v1/runs", "application/json", "{", 400},
		{"POST", "/v1/runs", "application/json", "", 400},
		{"POST", "/v1/runs", "application/json", "null", 422},
		{"POST", "/v1/runs", "application/json", "[]", 422},
		{"PUT", "/v1/flows", "application/x-yaml", hello, 200},
		{"PUT", "/v1/flows", "image/png", hello, 415},
		{"PUT", "/v1/flows", "", hello, 200},
		{"PUT", "/v1/flows", "", "", 400},
		{"POST", "/v1/modules?name=a", "application/json", "x", 415},
		{"PUT", "/v1/secrets/a", "application/json", "x", 415},
		{"POST", "/v1/runs/none/cancel", "", "", 404},
		{"POST", "/v1/runs/none/cancel", "application/json", "{}", 404},
	} {
		r := f.request(c.method, c.path, c.body, "Authorization", "Bearer "+f.tokens[ops.RoleOperator])
		r.Header.Set("Content-Type", c.media)
		if c.media == "" {
			r.Header.Del("Content-Type")
		}
		reply := f.do(r)
		if reply.status != c.want {
			t.Errorf("%s %s %q %q: got %d %s, want %d", c.method, c.path, c.media, c.body, reply.status, reply.body, c.want)
		}
		if reply.status >= 400 {
			f.wantProblem(reply)
		}
	}
	f.want(f.ask("PUT", "/v1/flows", hello, "Content-Encoding", "gzip"), 415, nil)
}

// partial sends the beginning of a request with a body of 100 bytes, and returns the
// answer. Then it sends nothing more, or closes what it sends on.
func (f *fixture) partial(token string, closes bool) reply {
	f.Helper()
	c, err := (&net.Dialer{}).DialContext(f.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		f.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST /v1/runs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", token)
	if closes {
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			f.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, raw}
}

// TestBodyCutShort sends less than was told: it is the client's fault.
func TestBodyCutShort(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	f.want(f.partial(f.tokens[ops.RoleOperator], true), 400, nil)
}

// TestBodyTooSlow does not wait for a body for ever.
func TestBodyTooSlow(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{BodyTime: 100 * time.Millisecond, MaxJSON: 1000})
	f.want(f.partial(f.tokens[ops.RoleOperator], false), 408, nil)
	f.want(f.partial("none", false), 401, nil) // nor does who has no token hold a connection
}

// storing is a registry that a push stays in until it is let go.
type storing struct {
	ops.Modules

	in, out chan struct{}
}

func (s storing) Push(context.Context, ops.ModulePush, []byte) (ops.Module, error) {
	s.in <- struct{}{}
	<-s.out
	return ops.Module{}, nil
}

// TestUploadsWait has large bodies wait for one another, while small ones pass.
func TestUploadsWait(t *testing.T) {
	t.Parallel()
	s := storing{in: make(chan struct{}), out: make(chan struct{})}
	f := serve(t, api.Config{Uploads: 2, Service: ops.Service{Modules: s}})
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			f.want(f.ask("POST", "/v1/modules?name=a", []byte("m"), "Content-Type", "application/wasm"), 201, nil)
		})
	}
	for range 2 {
		<-s.in
	}
	f.want(f.ask("GET", "/v1/service", nil), 200, nil) // meanwhile the others come to wait
	select {
	case <-s.in:
		t.Error("a third is let in")
	default:
	}
	for range 3 {
		s.out <- struct{}{}
		<-s.in
	}
	close(s.out)
	wait.Wait()
}
