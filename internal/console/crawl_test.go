package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

var (
	links   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	actions = regexp.MustCompile(`<form[^>]*method="post"[^>]*action="([^"]*)"`)
)

// crawl reads all pages that can be come to from a page, and returns their paths and
// texts.
func (b *browser) crawl(t *testing.T, from string) map[string]string {
	t.Helper()
	pages, next := map[string]string{}, []string{from}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if _, seen := pages[at]; seen {
			continue
		}
		status, body := b.get(at)
		pages[at] = body
		if status != http.StatusOK {
			t.Errorf("GET %s: %d", at, status)
			continue
		}
		base, err := url.Parse(at)
		must(t, err)
		if strings.HasPrefix(at, "/static/") || strings.Contains(at, "/data") || strings.Contains(at, "/content") || strings.Contains(at, "/checkpoint") || strings.Contains(at, "/files/") {
			continue
		}
		for _, found := range links.FindAllStringSubmatch(body, -1) {
			u, err := base.Parse(html.UnescapeString(found[1]))
			if err != nil {
				t.Errorf("%s links to %q: %v", at, found[1], err)
				continue
			}
			if u.Host != "" || u.Scheme != "" {
				t.Errorf("%s links to elsewhere: %s", at, found[1])
				continue
			}
			if strings.HasPrefix(found[1], "#") {
				continue
			}
			u.Fragment = ""
			next = append(next, u.String())
		}
	}
	return pages
}

// fill has the cluster hold some of everything, with hostile words wherever it takes
// words.
func (s *site) fill(t *testing.T) {
	t.Helper()
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(2)>{{.}}`
	quoted := strings.ReplaceAll(strings.ReplaceAll(evil, `\`, `\\`), `"`, `\"`)
	flow := `name: "evil ` + quoted + `"
description: "` + quoted + `"
input: {type: object, description: "` + quoted + `"}
tasks:
  say: {direct: {func: work}, with: {ms: 1, say: "` + quoted + `"}, doc: "` + quoted + `"}
  mark: {direct: {func: mark}}
  ask: {direct: {func: ask}, with: {name: "` + quoted + `", message: "` + quoted + `", schema: {type: object, properties: {"` + quoted + `": {type: string, title: "` + quoted + `", description: "` + quoted + `"}, pick: {enum: ["` + quoted + `", 2]}}}}}
  cond: {direct: {func: echo}}
flow: say >> mark >> ask >> cond
edges: [{from: say, to: cond, when: 'result.did != "<script>alert(3)</script>"'}]
`
	s.settle(s.submit("evil-asks", flow, `{"<script>alert(4)</script>": "`+quoted+`"}`))
	s.settle(s.submit("evil-fails", "name: x\ntasks: {f: {direct: {func: work}, with: {ms: 1, fail: \""+quoted+"\"}, retry: {max: 1}}, never: {direct: {func: echo}}}\nflow: f >> never\n", `"`+quoted+`"`))
	s.settle(s.submit("good", chain(30), `null`))
	must(t, s.service.Runs.Cancel(t.Context(), s.submit("evil-stopped", waiting, `null`), evil))
	s.settle("evil-stopped")
	if _, err := s.service.Flows.Put(t.Context(), flow, evil); err != nil {
		t.Fatal(err)
	}
	must(t, s.cluster.Bus.Bury(t.Context(), engine.DeadLetter{Run: "evil-fails", Task: evil, Activation: evil, Attempt: 1, Delivered: 3, Reason: evil, Data: json.RawMessage(`"` + quoted + `"`)}))
	form := ops.Schedule{Name: "nightly", Target: ops.Target{Source: flow}, Every: engine.Duration(1000 * time.Hour), Input: json.RawMessage(`{"a": "` + quoted + `"}`)}
	if _, err := s.service.Schedules.Put(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.Secrets.Set(t.Context(), "KEY", []byte("the value of the secret")); err != nil {
		t.Fatal(err)
	}
}

// TestEveryLink reads every page that there is, as each role: all answer, and what was
// made up by users is text in all of them.
func TestEveryLink(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fill(t)
	for _, role := range ops.Roles() {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			pages := s.as(role).crawl(t, "/")
			if len(pages) < 20 {
				t.Errorf("got %d pages, want many", len(pages))
			}
			for at, body := range pages {
				check(t, role, at, body)
			}
		})
	}
}

// check wants a page without anything that its users could have it do.
func check(t *testing.T, role ops.Role, at, body string) {
	t.Helper()
	if strings.HasPrefix(at, "/static/") || !strings.Contains(body, "<!doctype html>") {
		return
	}
	for _, bad := range []string{"<script>", "<img", " style=", "<style", "javascript:", "ZgotmplZ", "&lt;no value&gt;", "<no value>", "the value of the secret"} {
		if strings.Contains(body, bad) {
			t.Errorf("%s has %s:\n%s", at, bad, around(body, bad))
		}
	}
	if handlers := regexp.MustCompile(`<[^>"']*(?:"[^"]*"[^>"']*)*\son[a-z]+=`).FindString(body); handlers != "" {
		t.Errorf("%s has a handler: %s", at, handlers)
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%s has %d headings of the first level, want one", at, n)
	}
	for _, found := range regexp.MustCompile(`\sid="([^"]*)"`).FindAllStringSubmatch(body, -1) {
		if n := strings.Count(body, found[0]); n != 1 {
			t.Errorf("%s has the id %q %d times", at, found[1], n)
		}
	}
	for _, field := range regexp.MustCompile(`<(?:input|select|textarea)[^>]*>`).FindAllString(body, -1) {
		id := regexp.MustCompile(`\sid="([^"]*)"`).FindStringSubmatch(field)
		labeled := id != nil && strings.Contains(body, `for="`+id[1]+`"`)
		if !labeled && !strings.Contains(field, `type="hidden"`) && !strings.Contains(field, `type="radio"`) && !strings.Contains(field, `type="checkbox"`) {
			t.Errorf("%s has a field without a label: %s", at, field)
		}
	}
	if n, m := strings.Count(body, "<table"), strings.Count(body, "<caption"); n != m {
		t.Errorf("%s has %d tables and %d captions", at, n, m)
	}
	if role == ops.RoleViewer {
		for _, form := range actions.FindAllStringSubmatch(body, -1) {
			if form[1] != "/logout" {
				t.Errorf("%s has a form for a viewer: %s", at, form[1])
			}
		}
	}
}

func around(text, what string) string {
	i := strings.Index(text, what)
	return text[max(0, i-200):min(len(text), i+200)]
}

// TestPolicy wants every answer to say what browsers may do with it.
func TestPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	for _, path := range []string{"/login", "/runs", "/runs/nobody", "/nothing", "/static/console.css", "/static/graph.css", "/static/", "/static/nothing", "/runs/nobody/live", "/runs?since=never"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		must(t, err)
		answer, err := b.Do(r)
		must(t, err)
		_ = answer.Body.Close()
		policy := strings.Split(answer.Header.Get("Content-Security-Policy"), "; ")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !slices.Contains(policy, want) {
				t.Errorf("%s: the policy %q has no %s", path, policy, want)
			}
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
}

// deeds are all that can be done, and who may.
var deeds = map[string]ops.Role{
	"/runs/r/cancel": ops.RoleSubmitter, "/runs/r/pause": ops.RoleSubmitter, "/runs/r/resume": ops.RoleSubmitter, "/runs/r/answer": ops.RoleSubmitter,
	"/runs/r/retry": ops.RoleSubmitter, "/runs/r/fork": ops.RoleSubmitter, "/submit": ops.RoleSubmitter, "/code": ops.RoleSubmitter,
	"/runs/r/delete": ops.RoleOperator, "/flows": ops.RoleOperator, "/flows/f/remove": ops.RoleOperator, "/modules": ops.RoleOperator, "/modules/m/remove": ops.RoleOperator,
	"/queues/q/limit": ops.RoleOperator, "/dead/1/retry": ops.RoleOperator, "/dead/1/remove": ops.RoleOperator, "/secrets": ops.RoleOperator, "/secrets/s/remove": ops.RoleOperator,
	"/schedules": ops.RoleOperator, "/schedules/s/pause": ops.RoleOperator, "/schedules/s/resume": ops.RoleOperator, "/schedules/s/trigger": ops.RoleOperator, "/schedules/s/remove": ops.RoleOperator,
}

// TestRoles wants the server to refuse what a role may not do, and what somebody asks
// who has not logged in.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, role := range append(ops.Roles(), "") {
		b := s.as(role)
		for path, needs := range deeds {
			status, _ := b.post(path, "nothing", "at all")
			switch {
			case role == "" && status != http.StatusUnauthorized:
				t.Errorf("POST %s without a token: %d, want 401", path, status)
			case role != "" && !role.May(needs) && status != http.StatusForbidden:
				t.Errorf("POST %s as %s: %d, want 403", path, role, status)
			case role.May(needs) && (status == http.StatusForbidden || status == http.StatusUnauthorized):
				t.Errorf("POST %s as %s: %d", path, role, status)
			case status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable:
				t.Errorf("POST %s as %s: %d", path, role, status)
			}
		}
		if status, _ := b.get("/secrets"); (status == http.StatusOK) != (role == ops.RoleOperator || role == "") { // "": the login page
			t.Errorf("GET /secrets as %q: %d", role, status)
		}
	}
}

// TestOtherOrigins wants forms of other sites to do nothing, whoever is logged in.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	run := s.submit("r", waiting, `null`)
	s.holds(run)
	b := s.as(ops.RoleOperator)
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/runs/r/cancel", nil)
		must(t, err)
		r.Header.Set(name, value)
		answer, err := b.Do(r)
		must(t, err)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s: %d, want 403", name, value, answer.StatusCode)
		}
	}
	story, err := s.service.Runs.Show(t.Context(), run)
	must(t, err)
	if story.Status != engine.StatusRunning {
		t.Errorf("the run is %s", story.Status)
	}
	close(s.open)
	s.settle(run)
}
