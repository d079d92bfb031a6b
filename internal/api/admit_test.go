package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// described is an operation as the document has it.
type described struct {
	method, path string
	ID           string   `json:"operationId"`
	Role         ops.Role `json:"x-role"`
	Summary      string
	Description  string
	Tags         []string
	Parameters   []parameter
	RequestBody  *struct {
		Description string
		Content     map[string]json.RawMessage
	}
	Responses map[string]json.RawMessage
}

type parameter struct {
	Name, In, Description string
	Required              bool
}

// operations are those of the document.
func operations(tb testing.TB) []described {
	tb.Helper()
	var doc struct {
		Paths map[string]map[string]described
	}
	if err := json.Unmarshal(document(tb), &doc); err != nil {
		tb.Fatal(err)
	}
	var all []described
	for path, methods := range doc.Paths {
		for method, o := range methods {
			o.method, o.path = strings.ToUpper(method), path
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b described) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// fill puts values in place of a path's parameters.
func fill(path string) string {
	return strings.NewReplacer("{run}", "r", "{pause}", "p", "{ref}", "x", "{digest}", "sha256:00", "{name}", "n", "{queue}", "q", "{number}", "7").Replace(path)
}

// TestRoles asks for each operation with each role, and with none: whose role is too
// low is refused, before anything else is looked at.
func TestRoles(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{RefusedRate: -1}) // it has no parts: what passes is not there
	for _, o := range operations(t) {
		if !o.Role.Valid() {
			t.Errorf("%s has the role %q", o.ID, o.Role)
		}
		for _, role := range append(ops.Roles(), "") {
			r := f.askAs(role, o.method, fill(o.path), nil)
			p := problem{}
			if r.status >= 400 {
				p = f.wantProblem(r)
			}
			switch {
			case role == "" && (r.status != 401 || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer")):
				t.Errorf("%s without a token: got %d %v", o.ID, r.status, r.header)
			case role == "":
			case role.May(o.Role) && (r.status == 401 || r.status == 403):
				if o.ID != "push-module" { // which looks at more, see TestPushRefuses
					t.Errorf("%s as %s: got %d %s", o.ID, role, r.status, p.Detail)
				}
			case !role.May(o.Role) && (r.status != 403 || !strings.Contains(p.Detail, string(o.Role))):
				t.Errorf("%s as %s: got %d %s, want it refused", o.ID, role, r.status, p.Detail)
			}
		}
	}
}

// TestRolesAreThose holds what the roles are for, against the table itself.
func TestRolesAreThose(t *testing.T) {
	t.Parallel()
	for _, o := range operations(t) {
		sessions := strings.HasPrefix(o.path, "/v1/sessions") // who runs code keeps them
		reads := o.method == "GET" && !strings.HasPrefix(o.path, "/v1/secrets") && !sessions
		if reads != (o.Role == ops.RoleViewer) {
			t.Errorf("%s %s takes a %s", o.method, o.path, o.Role)
		}
		runs := o.method == "POST" && (strings.HasPrefix(o.path, "/v1/runs") || o.path == "/v1/restore" || o.path == "/v1/code" || o.path == "/v1/flows/validate" || o.path == "/v1/modules")
		if (runs || sessions) != (o.Role == ops.RoleSubmitter) {
			t.Errorf("%s %s takes a %s", o.method, o.path, o.Role)
		}
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{RefusedRate: -1})
	token := f.tokens[ops.RoleViewer]
	for header, want := range map[string]int{
		"Bearer " + token: 200, "bearer  " + token + " ": 200, "BEARER " + token: 200,
		"Bearer": 401, "Bearer ": 401, "Basic " + token: 401, token: 401, "Bearer " + token + "x": 401, "Bearer " + token[:20]: 401,
	} {
		r := f.ask("GET", "/v1/service", nil, "Authorization", header)
		f.want(r, want, nil)
		if strings.Contains(string(r.body), token) {
			t.Errorf("%q: the answer repeats the token", header)
		}
	}
}

// TestCookie has the console's cookie work for its own pages, and for no others.
func TestCookie(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{RefusedRate: -1})
	cookie := []string{"Cookie", f.all.Cookie() + "=" + f.tokens[ops.RoleOperator]}
	ask := func(method, path string, more ...string) int {
		t.Helper()
		r := f.do(f.request(method, path, nil, append(slices.Clone(cookie), more...)...))
		if r.status >= 400 {
			f.wantProblem(r)
		}
		return r.status
	}
	for _, c := range []struct {
		method, path string
		headers      []string
		want         int
	}{
		{"GET", "/v1/service", nil, 200},
		{"GET", "/v1/service", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"GET", "/v1/service", []string{"Sec-Fetch-Site", "none"}, 200},
		{"GET", "/v1/service", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/v1/service", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"DELETE", "/v1/runs/none", []string{"Sec-Fetch-Site", "same-origin"}, 404},
		{"DELETE", "/v1/runs/none", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"DELETE", "/v1/runs/none", []string{"Origin", f.url}, 404},
		{"DELETE", "/v1/runs/none", []string{"Origin", "http://elsewhere.example"}, 403},
		{"DELETE", "/v1/runs/none", []string{"Origin", "null"}, 403},
		// A token in a header is nothing that a browser adds by itself.
		{"DELETE", "/v1/runs/none", []string{"Origin", "http://elsewhere.example", "Authorization", "Bearer " + f.tokens[ops.RoleOperator]}, 404},
		{"GET", "/v1/service", []string{"Authorization", "Bearer wrong"}, 401},
	} {
		if got := ask(c.method, c.path, c.headers...); got != c.want {
			t.Errorf("%s %s with %v: got %d, want %d", c.method, c.path, c.headers, got, c.want)
		}
	}
	f.want(f.do(f.request("GET", "/v1/service", nil, "Cookie", f.all.Cookie()+"=wrong")), http.StatusUnauthorized, nil)
}

func TestRates(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{Rate: 0.001, Burst: 3, RefusedRate: 0.001, RefusedBurst: 2})
	for range 3 {
		f.want(f.askAs(ops.RoleViewer, "GET", "/v1/service", nil), 200, nil)
	}
	r := f.askAs(ops.RoleViewer, "GET", "/v1/service", nil)
	f.want(r, 429, nil)
	if after := r.header.Get("Retry-After"); after == "" || after == "0" {
		t.Errorf("got Retry-After %q", after)
	}
	f.want(f.ask("GET", "/v1/service", nil), 200, nil) // another token is not concerned

	for range 2 {
		f.want(f.askAs("", "GET", "/v1/service", nil), 401, nil)
	}
	r = f.ask("GET", "/v1/service", nil, "Authorization", "Bearer wrong")
	f.want(r, 429, nil)
	if r.header.Get("Retry-After") == "" {
		t.Error("got no Retry-After")
	}
	f.want(f.ask("GET", "/v1/service", nil), 200, nil) // a good token is not refused for what others do
}
