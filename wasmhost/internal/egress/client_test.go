package egress_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

func TestDoSendsAndReceives(t *testing.T) {
	t.Parallel()
	var got *http.Request
	var body []byte
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, "pong")
	})
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	response, err := client.Do(t.Context(), local(t), abi.HTTPRequest{
		Method: "post",
		URL:    "http://API.test.:" + port + "/a%2Fb?q=1#frag",
		Header: map[string]string{
			"x-mine": "1", "Host": "api.test:" + port, "Connection": "close", "content-length": "9999",
			"Transfer-Encoding": "chunked", "Proxy-Authorization": "p", "TE": "trailers", "Expect": "100-continue",
		},
		Body: []byte("ping"),
	}, plenty())
	if err != nil {
		t.Fatal(err)
	}
	if response.Status != http.StatusTeapot || string(response.Body) != "pong" || len(response.Header["X-Two"]) != 2 {
		t.Errorf("response %d %v %q", response.Status, response.Header, response.Body)
	}
	if got.Method != "POST" || got.RequestURI != "/a%2Fb?q=1" || got.Host != "api.test:"+port || string(body) != "ping" {
		t.Errorf("request %s %s to %s with %q", got.Method, got.RequestURI, got.Host, body)
	}
	if got.Header.Get("X-Mine") != "1" || got.ContentLength != 4 || got.TransferEncoding != nil || got.Close {
		t.Errorf("header %v, length %d", got.Header, got.ContentLength)
	}
	for _, name := range []string{"Proxy-Authorization", "Te", "Expect", "Accept-Encoding"} {
		if value := got.Header.Get(name); value != "" {
			t.Errorf("header %s: %q was sent", name, value)
		}
	}
}

func TestDoRefusesBadRequests(t *testing.T) {
	t.Parallel()
	client := newClient(t, egress.Config{Resolver: loopback()})
	for name, request := range map[string]abi.HTTPRequest{
		"relative":       {URL: "/x"},
		"no host":        {URL: "http:///x"},
		"opaque":         {URL: "http:x"},
		"userinfo":       {URL: "http://a:b@c.test/"},
		"empty user":     {URL: "http://@c.test/"},
		"port 0":         {URL: "http://c.test:0/"},
		"big port":       {URL: "http://c.test:65536/"},
		"empty port":     {URL: "http://c.test:/"},
		"decimal ip":     {URL: "http://2130706433/"},
		"short ip":       {URL: "http://127.1/"},
		"hex ip":         {URL: "http://0x7f.0.0.0x1/"},
		"octal ip":       {URL: "http://0177.0.0.1/"},
		"zone":           {URL: "http://[fe80::1%25lo]/"},
		"mapped":         {URL: "http://[::ffff:127.0.0.1]/"},
		"space":          {URL: "http://a b/"},
		"line feed":      {URL: "http://c.test/\nX: y"},
		"long":           {URL: "http://c.test/" + strings.Repeat("a", 64<<10)},
		"method":         {URL: "http://c.test/", Method: "GET /\r\n"},
		"connect":        {URL: "http://c.test/", Method: "CONNECT"},
		"trace":          {URL: "http://c.test/", Method: "trace"},
		"header name":    {URL: "http://c.test/", Header: map[string]string{"a b": "c"}},
		"no header name": {URL: "http://c.test/", Header: map[string]string{"": "c"}},
		"header value":   {URL: "http://c.test/", Header: map[string]string{"a": "b\r\nc: d"}},
		"header twice":   {URL: "http://c.test/", Header: map[string]string{"a": "b", "A": "c"}},
		"other host":     {URL: "http://c.test/", Header: map[string]string{"Host": "d.test"}},
		"header bomb":    {URL: "http://c.test/", Header: map[string]string{"a": strings.Repeat("b", 64<<10)}},
	} {
		_, err := client.Do(t.Context(), local(t), request, plenty())
		if !errors.Is(err, abi.Invalid) {
			t.Errorf("%s: error %v, want abi.Invalid", name, err)
		}
	}
}

func TestDoObeysContext(t *testing.T) {
	t.Parallel()
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil { // a byte now and then, without end
			fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	client := newClient(t, egress.Config{Resolver: loopback("slow.test")})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := client.Do(ctx, local(t), get("http://slow.test:%s/", port), plenty())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the deadline", err)
	}
}

func TestDoCanceledWhileWaiting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	port := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	client := newClient(t, egress.Config{Resolver: loopback("slow.test")})
	_, err := client.Do(ctx, local(t), get("http://slow.test:%s/", port), plenty())
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}

func TestDoVerifiesTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Host)
	}))
	server.Config.ErrorLog = quiet()
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate()) // for example.com and 127.0.0.1
	port := portOf(t, server)
	resolver := loopback("example.com", "wrong.test")
	trusting := newClient(t, egress.Config{Resolver: resolver, RootCAs: roots})
	for _, host := range []string{"example.com", "127.0.0.1"} {
		response, err := trusting.Do(t.Context(), local(t), get("https://%s:%s/", host, port), plenty())
		if err != nil || string(response.Body) != net.JoinHostPort(host, port) {
			t.Errorf("%s: %q, error %v", host, response.Body, err)
		}
	}
	var wrongName x509.HostnameError
	_, err := trusting.Do(t.Context(), local(t), get("https://wrong.test:%s/", port), plenty())
	if !errors.As(err, &wrongName) {
		t.Errorf("wrong name: error %v", err)
	}
	var unknown x509.UnknownAuthorityError
	other := newClient(t, egress.Config{Resolver: resolver, RootCAs: x509.NewCertPool()})
	_, err = other.Do(t.Context(), local(t), get("https://example.com:%s/", port), plenty())
	if !errors.As(err, &unknown) {
		t.Errorf("unknown authority: error %v", err)
	}
}

// Not parallel: it sets the environment.
func TestDoIgnoresProxyOfEnvironment(t *testing.T) {
	proxied := false
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied = true })
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:"+proxy)
	t.Setenv("http_proxy", "http://127.0.0.1:"+proxy)
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "direct") })
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	response, err := client.Do(t.Context(), local(t), get("http://api.test:%s/", port), plenty())
	if err != nil || string(response.Body) != "direct" || proxied {
		t.Errorf("body %q, error %v, proxied %t", response.Body, err, proxied)
	}
}

func TestDoTriesTheNextAddress(t *testing.T) {
	t.Parallel()
	port := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "second") })
	resolver := both{"127.0.0.99", "127.0.0.1"} // nothing listens at the first
	client := newClient(t, egress.Config{Resolver: resolver})
	response, err := client.Do(t.Context(), local(t), get("http://two.test:%s/", port), plenty())
	if err != nil || string(response.Body) != "second" {
		t.Errorf("body %q, error %v", response.Body, err)
	}
}
