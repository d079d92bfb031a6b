package egress_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// redirectTo answers with a redirect to what the query says.
func redirectTo(w http.ResponseWriter, r *http.Request) {
	status, _ := strconv.Atoi(r.URL.Query().Get("status"))
	w.Header().Set("Location", r.URL.Query().Get("to"))
	w.WriteHeader(status)
}

func TestRedirectIsChecked(t *testing.T) {
	t.Parallel()
	port := serve(t, redirectTo)
	resolver := loopback("api.test", "other.test")
	client := newClient(t, egress.Config{Resolver: resolver})
	granted := rules(t, []string{"api.test:*", "169.254.169.254", "10.0.0.1"}, "127.0.0.0/8")
	for to, part := range map[string]string{
		"http://169.254.169.254/latest/meta-data": "cloud metadata",
		"http://10.0.0.1/":                        "private",
		"http://other.test/":                      "granted are",
		"//other.test/":                           "granted are",
		"file:///etc/passwd":                      "only http and https",
		"gopher://api.test/":                      "only http and https",
	} {
		_, err := client.Do(t.Context(), granted, get("http://api.test:%s/?status=302&to=%s", port, to), plenty())
		denied(t, err, part)
	}
	for _, to := range []string{"http://u:p@api.test/", "http://127.1/", "http://%zz/"} {
		request := get("http://api.test:%s/?status=302", port)
		request.URL += "&to=" + urlEscape(to)
		_, err := client.Do(t.Context(), granted, request, plenty())
		if !errors.Is(err, abi.Invalid) {
			t.Errorf("to %s: error %v, want abi.Invalid", to, err)
		}
	}
	for _, name := range resolver.asked {
		if name != "api.test" {
			t.Errorf("%s was resolved", name)
		}
	}
}

func TestRedirectLoopEnds(t *testing.T) {
	t.Parallel()
	served := 0
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		served++
		http.Redirect(w, r, "/", http.StatusFound)
	})
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	budget := plenty()
	_, err := client.Do(t.Context(), local(t), get("http://api.test:%s/", port), budget)
	if !errors.Is(err, egress.ErrTooManyRedirects) || served != 11 {
		t.Errorf("error %v after %d requests, want 11", err, served)
	}
	if used := plenty().Requests - budget.Requests; used != served {
		t.Errorf("%d requests were charged, %d served", used, served)
	}
	few := &egress.Budget{Requests: 3, Bytes: 1 << 20}
	_, err = client.Do(t.Context(), local(t), get("http://api.test:%s/", port), few)
	if !errors.Is(err, abi.TooLarge) || served != 14 {
		t.Errorf("error %v after %d requests, want 3 more", err, served-11)
	}
}

func TestRedirectMethods(t *testing.T) {
	t.Parallel()
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Method+" "+string(body)+" "+r.Header.Get("Content-Type"))
			return
		}
		redirectTo(w, r)
	})
	client := newClient(t, egress.Config{Resolver: loopback("api.test")})
	for _, test := range []struct{ method, status, want string }{
		{"POST", "301", "GET  "},
		{"POST", "302", "GET  "},
		{"POST", "303", "GET  "},
		{"POST", "307", "POST body text/x"},
		{"POST", "308", "POST body text/x"},
		{"PUT", "302", "PUT body text/x"},
		{"PUT", "303", "GET  "},
		{"DELETE", "301", "DELETE body text/x"},
	} {
		request := get("http://api.test:%s/?status=%s&to=/end", port, test.status)
		request.Method, request.Body = test.method, []byte("body")
		request.Header = map[string]string{"Content-Type": "text/x"}
		response, err := client.Do(t.Context(), local(t), request, plenty())
		if err != nil || string(response.Body) != test.want {
			t.Errorf("%s %s: %q, error %v, want %q", test.method, test.status, response.Body, err, test.want)
		}
	}
	response, err := client.Do(t.Context(), local(t), get("http://api.test:%s/?status=304&to=/end", port), plenty())
	if err != nil || response.Status != http.StatusNotModified {
		t.Errorf("304: %d, error %v", response.Status, err)
	}
}

func TestRedirectDropsSecrets(t *testing.T) {
	t.Parallel()
	var got http.Header
	end := serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/end":
			got = r.Header
		case "/away":
			http.Redirect(w, r, "http://other.test:"+end, http.StatusFound)
		}
	})
	secrets := map[string]string{
		"Authorization": "Bearer s", "Cookie": "s=1", "X-Api-Key": "s", "X-Anything": "s",
	}
	client := newClient(t, egress.Config{Resolver: loopback("api.test", "other.test")})
	for path, kept := range map[string]bool{"same": true, "away": false} {
		request := get("http://api.test:%s/%s", port, path)
		request.Header = map[string]string{"Accept": "text/x"}
		for name, value := range secrets {
			request.Header[name] = value
		}
		if _, err := client.Do(t.Context(), local(t), request, plenty()); err != nil {
			t.Fatal(err)
		}
		for name := range secrets {
			if (got.Get(name) != "") != kept {
				t.Errorf("%s: header %s is %q", path, name, got.Get(name))
			}
		}
		if got.Get("Accept") != "text/x" || got.Get("Referer") != "" {
			t.Errorf("%s: header %v", path, got)
		}
	}
}

func TestRedirectToPlainIsDenied(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(redirectTo))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := newClient(t, egress.Config{Resolver: loopback("example.com"), RootCAs: roots})
	_, err := client.Do(t.Context(), local(t),
		get("https://example.com:%s/?status=302&to=http://example.com/", portOf(t, server)), plenty())
	denied(t, err, "https to http")
}
