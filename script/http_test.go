package script_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTeapot)
		_, _ = fmt.Fprintf(w, `{"method": %q, "body": %q, "kind": %q}`, r.Method, body, r.Header.Get("X-Kind"))
	}))
	defer server.Close()
	grants := wasmhost.Grants{HTTP: []string{server.URL}, HTTPNetworks: []string{"127.0.0.0/8"}}
	for l, code := range map[script.Language]string{
		script.Python: `
import json, urllib.request, urllib.error
try:
  urllib.request.urlopen(urllib.request.Request(input, b"hi", {"X-Kind": "k"}, method="PUT"))
except urllib.error.HTTPError as e:
  result = [e.code, json.loads(e.read())]`,
		script.JavaScript: `
const r = await fetch(input, {method: "PUT", body: "hi", headers: {"X-Kind": "k"}})
;[r.status, await r.json()]`,
	} {
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Input: server.URL, Grants: grants})
		if want := "[418 map[body:hi kind:k method:PUT]]"; err != nil || fmt.Sprint(tree(t, result.Value)) != want {
			t.Errorf("%s: got %s, %v, want %s", l, result.Value, err, want)
		}
		if result.Ledger.HTTPRequests != 1 {
			t.Errorf("%s: got %d requests", l, result.Ledger.HTTPRequests)
		}
		_, err = sandbox(t, l).Run(t.Context(), l, code, script.Options{Input: server.URL})
		if err == nil || !strings.Contains(err.Error(), "grant") {
			t.Errorf("%s: got %v, want it not granted", l, err)
		}
	}
}
