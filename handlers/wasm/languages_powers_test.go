package wasm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/wasm"
	"github.com/graflow/graflow-wasm/sdk/abi"
)

// toolbox has a tool that answers with its arguments, and one that fails.
type toolbox struct{}

func (toolbox) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	switch name {
	case "echo":
		return args, nil
	case "busy":
		return nil, &abi.ToolError{Kind: "busy", Message: "later, grüße"}
	}
	return nil, abi.NotFound
}

// serveText is the URL of a server that answers with what it was sent.
func serveText(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/x-test")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.URL.Path, r.Header.Get("X-Test"), body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// failsWith begins what is wanted of an attempt that fails; the kind follows.
const failsWith = "fails: "

func TestLanguagesPowers(t *testing.T) {
	t.Parallel()
	server := serveText(t)
	host := strings.TrimPrefix(server, "http://")
	cases := []struct{ program, input, grants, want string }{
		{"secret", `"api-key"`, `{"secrets":["api-key"],"allow_secret_output":true}`, `"hunter2"`},
		{"secret", `"api-key"`, ``, failsWith + engine.KindDenied},
		{"http", `{"method":"POST","url":"` + server + `/x","header":{"X-Test":"ü"},"text":"grüße 👋"}`, `{"http":["` + server + `"],"http_networks":["127.0.0.0/8"]}`, `{"status":418,"kind":"text/x-test","text":"POST /x ü grüße 👋"}`},
		{"http", `{"method":"GET","url":"` + server + `"}`, `{"http":["` + server + `"],"http_networks":["127.0.0.0/8"]}`, `{"status":418,"kind":"text/x-test","text":"GET /  "}`},
		{"http", `{"method":"GET","url":"http://` + host + `"}`, ``, failsWith + engine.KindDenied},
		{"tool", `{"name":"echo","args":{"n":[1,"ü"]}}`, `{"tools":["echo"]}`, `{"n":[1,"ü"]}`},
		{"tool", `{"name":"echo","args":1}`, `{"tools":["other"]}`, failsWith + engine.KindDenied},
		{"tool", `{"name":"none","args":1}`, `{"tools":["*"]}`, failsWith + engine.KindError},
		{"tools", `[{"name":"echo","args":1},{"name":"busy","args":null},{"name":"none","args":null},{"name":"hidden","args":null},{"name":"echo","args":{"a":"ü"}}]`, `{"tools":["echo","busy","none"]}`, `[1,{"kind":"busy","message":"later, grüße"},{"kind":"not_found","message":"not found"},{"kind":"denied","message":"tool \"hidden\" is not granted"},{"a":"ü"}]`},
	}
	eachLanguage(t, func(t *testing.T, module string) {
		t.Helper()
		h := newHandler(t, wasm.Config{Secrets: vault{}, Redactor: newRedactor, Tools: toolbox{}})
		for _, c := range cases {
			call := programCall(t, module, c.program, c.input)
			call.Task.Grants = json.RawMessage(c.grants)
			r, err := h.Handle(t.Context(), call)
			got := string(r.Value)
			if err != nil {
				got = failsWith + taskError(t, err).Kind
			}
			if err == nil && !strings.HasPrefix(c.want, failsWith) {
				got, c.want = canonical(t, r.Value), canonical(t, []byte(c.want))
			}
			if got != c.want {
				t.Errorf("%s of %s with %s: got %s, %v, want %s", c.program, c.input, c.grants, got, err, c.want)
			}
		}
	})
}
