package wasm_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// answers are tools that count their calls.
type answers struct{ calls atomic.Int32 }

func (a *answers) CallTool(context.Context, string, json.RawMessage) (json.RawMessage, error) {
	a.calls.Add(1)
	return json.RawMessage("null"), nil
}

// noGrant wants a guest denied, once, and the grant named, whatever it may retry.
func noGrant(t *testing.T) {
	t.Helper()
	for power, grants := range map[string]string{
		"channel": `{"channel":false}`, "control": `{"control":false}`, "secrets": `{}`, "tools": `{}`, "http": `{}`,
	} {
		t.Run(power, func(t *testing.T) {
			t.Parallel()
			tools := &answers{}
			tr := try(t, wasm.Config{Tools: tools, Secrets: secretStore{"key": "hunter2"}, Redactor: newRedactor}, nil)
			a := hostile(t, "a", "ask")
			a.Grants, a.Retry = json.RawMessage(grants), &engine.Retry{Max: 3}
			out := tr.run(`"`+power+`"`, a)
			tr.wantFailed(out, engine.KindDenied, `task "a"`, `export "ask"`, "denied", `the capability "`+power)
			var denied *wasmhost.DeniedError
			if !errors.As(out.Error, &denied) || !strings.HasPrefix(denied.Capability, power) {
				t.Errorf("got %v, want %s denied", out.Error.Err, power)
			}
			if out.Error.Attempts > 1 || tools.calls.Load() > 0 || strings.Contains(string(marshal(t, out)), "hunter2") {
				t.Errorf("got %s after %d calls of tools, want it denied at once", marshal(t, out), tools.calls.Load())
			}
		})
	}
}

// nothingMounted: where there is no import of its own to refuse, there is nothing
// to be found.
func nothingMounted(t *testing.T) {
	t.Helper()
	tr := try(t, wasm.Config{}, nil)
	for _, file := range []string{"/etc/passwd", "../../../etc/passwd", "/", "/tmp/x"} {
		out := tr.run(string(marshal(t, file)), task(t, "a", "look"))
		tr.wantFailed(out, engine.KindError, `task "a"`, `export "look"`, "open "+file)
	}
}

// trapsAreTaskErrors wants what goes wrong in a guest told with module and export,
// and with the guest's own functions where one of them trapped.
func trapsAreTaskErrors(t *testing.T) {
	t.Helper()
	cache := t.TempDir()
	for export, want := range map[string]struct{ kind, message, stack string }{
		"wild":    {"trap", "out of bounds memory access", "main.peek\nmain.wild"},
		"pointer": {"error", "returned -3", ""}, // abi.Invalid: the guest is told, and gives up
		"no_text": {"invalid_output", "UTF-8", ""},
		"no_json": {"invalid_output", "JSON", ""},
	} {
		t.Run(export, func(t *testing.T) {
			t.Parallel()
			tr := try(t, wasm.Config{CacheDir: cache}, nil)
			a := engine.Task{ID: "a", Handler: "wasm", Spec: marshal(t, "testdata/acceptance#"+export)} // with names
			out := tr.run("null", engine.Seq(a, task(t, "b", "echo")))
			tr.wantFailed(out, want.kind, `task "a"`, `module "testdata/acceptance"`, `export "`+export+`"`, want.message)
			if !strings.HasPrefix(out.Error.Stack, want.stack) || want.stack == "" && out.Error.Stack != "" {
				t.Errorf("got stack %q, want %q", out.Error.Stack, want.stack)
			}
			if string(out.Output) != "null" || out.Steps != 1 {
				t.Errorf("got %s, want nothing of it to be left", marshal(t, out))
			}
		})
	}
}

// redirectElsewhere wants a request stopped at the hop that leads to a host which
// is not granted.
func redirectElsewhere(t *testing.T) {
	t.Helper()
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { hits.Add(1) }))
	t.Cleanup(other.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.URL, http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("hello"))
	}))
	t.Cleanup(server.Close)
	tr := try(t, wasm.Config{}, nil)
	a := hostile(t, "a", "get")
	granted := strings.TrimPrefix(server.URL, "http://")
	a.Grants = marshal(t, map[string][]string{"http": {"http://" + granted}, "http_networks": {"127.0.0.0/8"}})
	tr.wantSucceeded(tr.run(string(marshal(t, server.URL+"/")), a), `"hello"`)
	out := tr.run(string(marshal(t, server.URL+"/away")), a)
	tr.wantFailed(out, engine.KindDenied, `export "get"`, "http")
	var denied *wasmhost.DeniedError
	if !errors.As(out.Error, &denied) || !strings.Contains(denied.Capability, strings.TrimPrefix(other.URL, "http://")) {
		t.Errorf("got %v, want the host of the redirect named", out.Error.Err)
	}
	if n := hits.Load(); n > 0 {
		t.Errorf("the host that is not granted was asked %d times", n)
	}
}
