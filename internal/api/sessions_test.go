package api_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

func javascript(code string) map[string]any {
	return map[string]any{"language": "javascript", "source": code}
}

// TestSessions has the holders of two tokens keep sessions, each their own.
func TestSessions(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	var one, again ops.Session
	f.want(f.ask("PUT", "/v1/sessions/notes", map[string]string{"language": "javascript"}), 201, &one)
	f.want(f.ask("PUT", "/v1/sessions/notes", map[string]string{"language": "typescript"}), 200, &again)
	if one.Existed || !again.Existed || again.Language != "javascript" || !again.Created.Equal(one.Created) {
		t.Errorf("created %+v, then %+v", one, again)
	}
	f.want(f.ask("PUT", "/v1/sessions/notes", map[string]string{"language": "python"}), 409, nil)
	f.want(f.ask("PUT", "/v1/sessions/x", map[string]string{"language": "cobol"}), 422, nil)

	var got ops.CodeResult
	f.want(f.ask("POST", "/v1/sessions/notes/code", javascript("var x = 41")), 200, nil)
	f.want(f.ask("POST", "/v1/sessions/notes/code", javascript("x += 1; x")), 200, &got)
	if string(got.Result) != "42" || got.Session == nil || got.Session.Name != "notes" || got.Session.Size == 0 {
		t.Errorf("it came to %s, %+v", got.Result, got.Session)
	}
	f.want(f.askAs(ops.RoleSubmitter, "POST", "/v1/sessions/notes/code", javascript("typeof x")), 200, &got)
	if string(got.Result) != `"undefined"` {
		t.Errorf("another token finds x: it is %s", got.Result)
	}
	f.want(f.askAs(ops.RoleSubmitter, "DELETE", "/v1/sessions/notes", nil), 204, nil)
	f.want(f.askAs(ops.RoleSubmitter, "GET", "/v1/sessions/notes", nil), 404, nil)
	f.want(f.ask("POST", "/v1/sessions/notes/code?anew=true", javascript("typeof x")), 200, &got)
	if string(got.Result) != `"undefined"` {
		t.Errorf("anew x is %s", got.Result)
	}

	var all struct{ Sessions []ops.Session }
	f.want(f.ask("GET", "/v1/sessions", nil), 200, &all)
	f.want(f.ask("GET", "/v1/sessions/notes", nil), 200, &one)
	if len(all.Sessions) != 1 || all.Sessions[0] != one {
		t.Errorf("listed %+v, shown %+v", all, one)
	}
	for range 2 {
		f.want(f.ask("DELETE", "/v1/sessions/notes", nil), 204, nil)
	}
	f.want(f.ask("GET", "/v1/sessions", nil), 200, &all)
	if len(all.Sessions) != 0 {
		t.Errorf("listed %+v", all)
	}
}

// TestSessionsRefuse refuses what is wrong, each time with a problem.
func TestSessionsRefuse(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{MaxCode: 4000})
	for _, name := range []string{"%2E%2E", ".a", "a%2Fb", "a%20b", "%00", strings.Repeat("n", 65)} {
		at := "/v1/sessions/" + name
		for _, r := range []reply{
			f.ask("GET", at, nil), f.ask("DELETE", at, nil),
			f.ask("PUT", at, map[string]string{"language": "python"}), f.ask("POST", at+"/code", javascript("1")),
		} {
			f.want(r, 422, nil)
			f.wantProblem(r)
		}
	}
	for _, body := range []any{map[string]any{"language": "cobol", "source": "1"}, map[string]any{"source": "1"}, []int{}, map[string]any{"language": "python", "source": "1", "limits": 7}} {
		f.want(f.ask("POST", "/v1/sessions/a/code", body), 422, nil)
	}
	f.want(f.ask("POST", "/v1/sessions/a/code", nil), 400, nil)
	f.want(f.ask("POST", "/v1/sessions/a/code", javascript(strings.Repeat(" ", 4000))), 413, nil)
	f.want(f.ask("GET", "/v1/sessions/a/code", nil), 405, nil)
	f.want(f.ask("GET", "/v1/sessions/a", nil), 404, nil)
	f.want(f.askAs(ops.RoleViewer, "GET", "/v1/sessions", nil), 403, nil)
	f.want(f.askAs("", "POST", "/v1/sessions/a/code", javascript("1")), 401, nil)
	f.want(serve(t, api.Config{}).ask("GET", "/v1/sessions", nil), 501, nil)
}

// busySessions are all in use.
type busySessions struct{ ops.Sessions }

func (busySessions) Run(context.Context, string, string, ops.CodeRequest, bool) (ops.CodeResult, error) {
	return ops.CodeResult{}, ops.ErrInUse
}
func (busySessions) Remove(context.Context, string, string) error { return ops.ErrInUse }
func (busySessions) Create(context.Context, string, string, string) (ops.Session, error) {
	return ops.Session{}, ops.ErrInUse
}

func (busySessions) Show(context.Context, string, string) (ops.Session, error) {
	return ops.Session{}, engine.ErrNotFound
}

// TestSessionInUse tells when to ask again.
func TestSessionInUse(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{Service: ops.Service{Sessions: busySessions{}}})
	for _, r := range []reply{
		f.ask("POST", "/v1/sessions/a/code", javascript("1")), f.ask("DELETE", "/v1/sessions/a", nil),
		f.ask("PUT", "/v1/sessions/a", map[string]string{"language": "python"}),
	} {
		f.want(r, 409, nil)
		if p := f.wantProblem(r); !slices.Equal(r.header["Retry-After"], []string{"1"}) || !strings.Contains(p.Detail, "in use") {
			t.Errorf("got %+v with %v, want it to be asked again", p, r.header)
		}
	}
}
