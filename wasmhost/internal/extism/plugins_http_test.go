package extism_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/egress"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
)

// fetch sends what plug-ins ask for to a server here, under the rules.
func fetch(t *testing.T, server *httptest.Server, hosts ...string) func(context.Context, abi.HTTPRequest) (abi.HTTPResponse, error) {
	t.Helper()
	rules, err := egress.ParseRules(hosts, []string{"127.0.0.0/8"})
	if err != nil {
		t.Fatal(err)
	}
	client := egress.NewClient(egress.Config{})
	t.Cleanup(client.Close)
	budget := &egress.Budget{Requests: 1, Bytes: 1 << 20}
	return func(ctx context.Context, request abi.HTTPRequest) (abi.HTTPResponse, error) {
		// What http.wasm asks for cannot be changed.
		request.URL = strings.Replace(request.URL, "https://jsonplaceholder.typicode.com", server.URL, 1)
		return client.Do(ctx, rules, request, budget)
	}
}

func TestPluginHTTP(t *testing.T) {
	t.Parallel()
	const todo = `{"userId": 1, "id": 1, "title": "delectus aut autem", "completed": false}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.Method+" "+r.URL.Path)
		w.Header().Add("X-Two", "a")
		w.Header().Add("X-Two", "b")
		fmt.Fprint(w, todo)
	}))
	t.Cleanup(server.Close)
	input, _ := json.Marshal(map[string]string{"url": server.URL + "/it"})
	p := newPlugin(t)

	state := extism.New(extism.Config{HTTP: fetch(t, server, "127.0.0.1:*")})
	status, err := p.call(t, wasm(t, "http"), "run_test", state)
	if err != nil || status != 0 || string(state.Output()) != todo {
		t.Errorf("http: status %d, error %v, output %q", status, err, state.Output())
	}

	state = extism.New(extism.Config{Input: input, HTTP: fetch(t, server, "127.0.0.1:*")})
	status, err = p.call(t, wasm(t, "http_headers"), "http_get", state)
	var header map[string]string
	if json.Unmarshal(state.Output(), &header) != nil || header["x-path"] != "GET /it" || header["x-two"] != "a,b" {
		t.Errorf("http_headers: status %d, error %v, output %q", status, err, state.Output())
	}

	state = extism.New(extism.Config{Input: input, HTTP: fetch(t, server, "example.com")})
	_, err = p.call(t, wasm(t, "http_headers"), "http_get", state)
	var denied *egress.DeniedError
	if !errors.As(err, &denied) {
		t.Errorf("another host: error %v, want a DeniedError", err)
	}

	_, err = p.call(t, wasm(t, "http"), "run_test", extism.New(extism.Config{}))
	if !errors.Is(err, abi.Denied) {
		t.Errorf("without http: error %v, want abi.Denied", err)
	}
}
