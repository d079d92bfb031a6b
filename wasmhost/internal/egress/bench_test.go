package egress_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
)

// A request over a connection that is kept, beside what net/http alone takes.
func BenchmarkDo(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	b.Cleanup(server.Close)
	b.Run("egress", func(b *testing.B) {
		rules, err := egress.ParseRules([]string{"example.com", "*.example.org:8443", "127.0.0.1:*"}, []string{"127.0.0.0/8"})
		if err != nil {
			b.Fatal(err)
		}
		client := egress.NewClient(egress.Config{})
		b.Cleanup(client.Close)
		budget := &egress.Budget{Requests: math.MaxInt, Bytes: math.MaxInt64}
		for b.Loop() {
			if _, err := client.Do(b.Context(), rules, abi.HTTPRequest{URL: server.URL}, budget); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		for b.Loop() {
			response, err := server.Client().Get(server.URL)
			if err != nil {
				b.Fatal(err)
			}
			response.Body.Close()
		}
	})
}
