package egress_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

func urlEscape(s string) string { return url.QueryEscape(s) }

func TestBudgetBoundsBodies(t *testing.T) {
	t.Parallel()
	chunk := make([]byte, 64<<10)
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", "1099511627776")
		}
		for { // until the client goes away
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	client := newClient(t, egress.Config{Resolver: loopback("big.test")})
	for _, path := range []string{"endless", "announced"} {
		budget := &egress.Budget{Requests: 1, Bytes: 1 << 20}
		_, err := client.Do(t.Context(), local(t), get("http://big.test:%s/%s", port, path), budget)
		if !errors.Is(err, abi.TooLarge) || budget.Bytes != 0 || budget.Requests != 0 {
			t.Errorf("%s: error %v, budget left %+v", path, err, *budget)
		}
	}
	head := get("http://big.test:%s/announced", port)
	head.Method = "HEAD"
	if _, err := client.Do(t.Context(), local(t), head, plenty()); err != nil {
		t.Errorf("the length that HEAD announces was charged: %v", err)
	}
}

func TestBudgetCountsBothWays(t *testing.T) {
	t.Parallel()
	served := 0
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		served++
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(make([]byte, 1000))
	})
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	request := get("http://api.test:%s/", port)
	request.Method, request.Body = "POST", make([]byte, 3000)
	budget := plenty()
	if _, err := client.Do(t.Context(), local(t), request, budget); err != nil {
		t.Fatal(err)
	}
	used := plenty().Bytes - budget.Bytes
	if used < 4000 || used > 4600 || budget.Requests != plenty().Requests-1 {
		t.Errorf("4000 bytes of bodies were charged as %d, budget left %+v", used, *budget)
	}
	for _, small := range []*egress.Budget{nil, {Requests: 1, Bytes: 2000}, {Requests: 0, Bytes: 1 << 20}} {
		if _, err := client.Do(t.Context(), local(t), request, small); !errors.Is(err, abi.TooLarge) {
			t.Errorf("budget %+v: error %v", small, err)
		}
	}
	if served != 1 {
		t.Errorf("%d requests were sent, want 1", served)
	}
}

func TestCompressedBodiesStayCompressed(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(w, zeros{}, 64<<20)
	w.Close()
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	})
	client := newClient(t, egress.Config{Resolver: loopback("bomb.test")})
	budget := &egress.Budget{Requests: 1, Bytes: 1 << 20}
	response, err := client.Do(t.Context(), local(t), get("http://bomb.test:%s/", port), budget)
	if err != nil || !bytes.Equal(response.Body, bomb.Bytes()) {
		t.Errorf("%d bytes, error %v, want the %d that were sent", len(response.Body), err, bomb.Len())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestResponseHeadersAreBounded(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"headers": "X-Long: " + strings.Repeat("a", 1000) + "\r\n",
		"hints":   "Link: <a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n",
	} {
		port := verbose(t, "HTTP/1.1 103 Early Hints\r\n", line)
		client := newClient(t, egress.Config{Resolver: loopback("bomb.test")})
		if _, err := client.Do(t.Context(), local(t), get("http://bomb.test:%s/", port), plenty()); err == nil {
			t.Errorf("4 MiB of %s gave no error", name)
		}
	}
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 500 {
			w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("a", 1000))
		}
	})
	client := newClient(t, egress.Config{Resolver: loopback("bomb.test")})
	small := &egress.Budget{Requests: 1, Bytes: 400 << 10}
	_, err := client.Do(t.Context(), local(t), get("http://bomb.test:%s/", port), small)
	if !errors.Is(err, abi.TooLarge) {
		t.Errorf("headers beyond the budget: error %v", err)
	}
}

// verbose listens, and answers a connection with a line repeated to 4 MiB
// before the response that counts.
func verbose(t *testing.T, first, line string) (port string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Read(make([]byte, 1))
		fmt.Fprint(conn, first+strings.Repeat(line, 4<<20/len(line)))
		fmt.Fprint(conn, "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}()
	t.Cleanup(func() { listener.Close(); <-done })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func TestUnaskedUpgradeIsRefused(t *testing.T) {
	t.Parallel()
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "chat")
		w.WriteHeader(http.StatusSwitchingProtocols)
	})
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	_, err := client.Do(t.Context(), local(t), get("http://api.test:%s/", port), plenty())
	if err == nil || !strings.Contains(err.Error(), "switches protocols") {
		t.Errorf("error %v", err)
	}
}
