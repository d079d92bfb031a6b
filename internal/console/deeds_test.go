package console_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// does posts a form and wants the page that follows to have texts.
func (b *browser) does(path string, form []string, texts ...string) string {
	b.s.t.Helper()
	status, body := b.post(path, form...)
	if status != http.StatusOK {
		b.s.t.Fatalf("POST %s: %d\n%s", path, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.s.t.Fatalf("POST %s: no %q in\n%s", path, text, body)
		}
	}
	return body
}

// refuses posts a form and wants it refused, with a page that has texts.
func (b *browser) refuses(path string, status int, form []string, texts ...string) {
	b.s.t.Helper()
	got, body := b.post(path, form...)
	if got != status {
		b.s.t.Errorf("POST %s %q: %d, want %d\n%s", path, form, got, status, body)
	}
	for _, text := range texts {
		if !strings.Contains(body, text) {
			b.s.t.Errorf("POST %s %q: no %q in\n%s", path, form, text, body)
		}
	}
}

func TestSubmit(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleSubmitter)
	const flow = "name: small\ninput: {type: object, required: [n], properties: {n: {type: integer}}}\ntasks: {a: {direct: {func: echo}}}\n"
	b.does("/submit", []string{"how", "source", "source", flow, "input", `{"n": 7}`, "id", "one/two"}, "The run was submitted", "one/two")
	o := s.settle("one/two")
	if string(o.Output) != `{"n":7}` {
		t.Errorf("it came to %s", o.Output)
	}
	b.does("/submit", []string{"how", "source", "source", flow, "input", `{"n": 7}`, "key", "k"}, "The run was submitted")
	b.does("/submit", []string{"how", "source", "source", flow, "input", `{"n": 7}`, "key", "k"}, "That run was there before")

	b.refuses("/submit", http.StatusUnprocessableEntity, []string{"how", "source", "source", "name: x\ntasks:\n  a: {direct: {func: echo}, retry: often}\n"}, `<li value="3" class="bad">`, `class="fault"`, "a: {direct: {func: echo}, retry: often}")
	b.refuses("/submit", http.StatusUnprocessableEntity, []string{"how", "source", "source", flow, "input", `{"n": "x"}`}, "not valid")
	b.refuses("/submit", http.StatusBadRequest, []string{"how", "source", "source", flow, "input", "{n}"}, "The input is not JSON")
	b.refuses("/submit", http.StatusBadRequest, []string{"how", "source", "source", " "}, "The flow file is empty")
	b.refuses("/submit", http.StatusBadRequest, []string{"how", "source", "source", flow, "timeout", "soon"}, "The timeout")
	b.refuses("/submit", http.StatusConflict, []string{"how", "source", "source", flow, "input", `{"n": 8}`, "id", "one/two"}, "Choose another id")
	b.refuses("/submit", http.StatusNotFound, []string{"how", "flow", "flow", "nothing"}, "not found")

	if _, err := s.service.Flows.Put(t.Context(), flow, "otto"); err != nil {
		t.Fatal(err)
	}
	b.has("/submit?flow=small", `<option value="small" selected>`, "&#34;n&#34;: 0")
	b.does("/submit", []string{"how", "flow", "flow", "small", "input", `{"n": 1}`}, "The run was submitted")
}

func TestSteer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	s.submit("r", waiting, `null`)
	s.holds("r")
	b.has("/runs/r", `action="/runs/r/cancel"`, `action="/runs/r/pause"`, `href="/runs/r/delete"`)
	b.does("/runs/r/pause", []string{"message", "lunch"}, "The run is being paused")
	s.until("r", func(n engine.Notice) bool { return n.Type == engine.NoticeRunHeld })
	b.has("/runs/r", "paused by hand (“lunch”)", `action="/runs/r/resume"`)
	b.does("/runs/r/resume", nil, "The run goes on")
	b.refuses("/runs/r/delete", http.StatusConflict, nil, "Cancel the run first")
	b.does("/runs/r/cancel", []string{"message", "enough"}, "The run is being canceled")
	if o := s.settle("r"); o.Status != engine.StatusCanceled || o.Message != "enough" {
		t.Errorf("it is %s: %s", o.Status, o.Message)
	}
	b.refuses("/runs/r/cancel", http.StatusConflict, nil, "The run has ended meanwhile")
	b.has("/runs/r", "Canceled: “enough”.", `action="/runs/r/retry"`)
	b.has("/runs/r/delete", "removed for good", `action="/runs/r/delete"`)
	b.does("/runs/r/delete", nil, "The run was removed")
	if status, body := b.get("/runs/r"); status != http.StatusNotFound || !strings.Contains(body, "There is no such thing") {
		t.Errorf("GET /runs/r: %d\n%s", status, body)
	}
	close(s.open)
}

func TestRetryAndFork(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleSubmitter)
	s.settle(s.submit("r", printing, `{"day": "d"}`))
	b.has("/runs/r", "the printer is out of paper", "halfway", "×3")
	b.has("/runs/r/task?id=print", "Attempts", "Retry from print", "the next attempt 120 ms later")
	b.refuses("/runs/r/retry", http.StatusBadRequest, []string{"input", "{"}, "not JSON")
	close(s.mend)
	b.does("/runs/r/retry", []string{"task", "print"}, "The run is being retried")
	if o := s.settle("r"); o.Status != engine.StatusSucceeded {
		t.Errorf("it is %s", o.Status)
	}
	b.does("/runs/r/fork", []string{"checkpoint", "halfway", "id", "again"}, "This is the new run", "Goes on from", `href="/runs/r"`)
	if o := s.settle("again"); o.Status != engine.StatusSucceeded {
		t.Errorf("it is %s", o.Status)
	}
	b.has("/runs/again", "print")
	if _, document := b.get("/runs/r/checkpoint?name=halfway"); !strings.Contains(document, `"graflow-wasm checkpoint"`) {
		t.Errorf("the checkpoint is %s", document)
	}
	if _, value := b.get("/runs/r/data?of=input"); value != `{"day":"d"}` {
		t.Errorf("the input is %s", value)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleSubmitter)
	s.settle(s.submit("r", asking, `null`))
	b.has("/runs/r", "Buy 40 chairs", `value="true">Yes`, `name="f.address"`, `<option value="&#34;truck&#34;">`)
	b.refuses("/runs/r/answer", http.StatusBadRequest, []string{"pause", "details", "f.floor", "high"}, "is no integer")
	b.refuses("/runs/r/answer", http.StatusUnprocessableEntity, []string{"pause", "details", "f.address", "Elm 4", "f.by", `"plane"`}, "does not fit", "Go back")
	b.refuses("/runs/r/answer", http.StatusNotFound, []string{"pause", "other", "v", "true"}, "does not wait for that")
	b.does("/runs/r/answer", []string{"pause", "details", "f.address", "Elm 4", "f.floor", "2", "f.by", `"bike"`, "f.lift", ""}, "The answer was given")
	b.does("/runs/r/answer", []string{"pause", "approve", "v", "true"}, "The answer was given")
	if o := s.settle("r"); o.Status != engine.StatusSucceeded {
		t.Fatalf("it is %s", o.Status)
	}
	story, err := s.service.Runs.Show(t.Context(), "r")
	must(t, err)
	for _, task := range story.Tasks {
		if task.Task == "details" && string(task.Output) != `{"address":"Elm 4","by":"bike","floor":2}` {
			t.Errorf("the answer was %s", task.Output)
		}
	}
	s.settle(s.submit("j", "name: j\ntasks: {a: {direct: {func: ask}, with: {name: any}}}\n", `null`))
	b.refuses("/runs/j/answer", http.StatusBadRequest, []string{"pause", "any", "json", "not json"}, "not JSON")
	b.does("/runs/j/answer", []string{"pause", "any", "json", "[1]"}, "The answer was given")
	if o := s.settle("j"); string(o.Output) != "[1]" {
		t.Errorf("it came to %s", o.Output)
	}
}

func TestFlows(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	b.has("/flows", "No flow is stored")
	b.does("/flows", []string{"deed", "validate", "source", asking}, "It is valid. Nothing was stored yet.", `id="graph"`)
	b.has("/flows", "No flow is stored")
	b.refuses("/flows", http.StatusUnprocessableEntity, []string{"deed", "store", "source", "name: x\ntasks: {}\nfloww: a\n"}, `class="bad"`)
	b.does("/flows", []string{"deed", "store", "source", asking}, "The flow was stored", "an offer that somebody approves", "by otto")
	b.has("/flows", "purchase", `href="/submit?flow=purchase"`)
	b.has("/flows/new?from=purchase", "Buy 40 chairs")
	b.has("/flows/purchase/remove", "all its versions are removed")
	b.does("/flows/purchase/remove", nil, "It was removed", "No flow is stored")
}

// upload posts a module with a name.
func (b *browser) upload(t *testing.T, name string, code []byte) (int, string) {
	t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	must(t, w.WriteField("name", name))
	part, err := w.CreateFormFile("module", "x.wasm")
	must(t, err)
	_, err = part.Write(code)
	must(t, err)
	must(t, w.Close())
	return b.do(http.MethodPost, "/modules", w.FormDataContentType(), &form)
}

func TestModules(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	code, err := os.ReadFile(guesttest.Build(t, "../mcp/testdata/guest"))
	must(t, err)
	if status, body := b.upload(t, "bad", []byte("no module")); status != http.StatusUnprocessableEntity || !strings.Contains(body, `id="problem"`) {
		t.Errorf("a file that is no module: %d\n%s", status, body)
	}
	if status, body := b.upload(t, "", code); status != http.StatusBadRequest || !strings.Contains(body, "The module needs a name") {
		t.Errorf("without a name: %d\n%s", status, body)
	}
	status, body := b.upload(t, "add", code)
	if status != http.StatusOK || !strings.Contains(body, "The module was admitted and stored") {
		t.Fatalf("upload: %d\n%s", status, body)
	}
	b.has("/modules", "add@", "otto")
	m, err := s.service.Modules.Show(t.Context(), "add")
	must(t, err)
	if _, back := b.get("/modules/add/content"); back != string(code) {
		t.Error("the module came back as another")
	}
	b.has("/modules/"+m.Digest, m.Digest)
	b.does("/modules/add/remove", nil, "It was removed")
	if status, _ := b.get("/modules/add"); status != http.StatusNotFound {
		t.Errorf("GET /modules/add: %d once it was removed", status)
	}
}

func TestQueuesAndSecrets(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	s.settle(s.submit("", "name: q\ntasks: {a: {direct: {func: echo}}}\n", `null`))
	b.has("/queues", "default", "node")
	b.does("/queues/default/limit", []string{"limit", "3"}, "The limit was set", `value="3"`)
	b.refuses("/queues/default/limit", http.StatusBadRequest, []string{"limit", "many"}, "want a number")
	b.does("/queues/default/limit", []string{"limit", ""}, "The limit was set")
	b.does("/secrets", []string{"name", "KEY", "value", "first\r\nsecond"}, "The secret was set", "KEY")
	b.does("/secrets", []string{"name", "KEY", "value", "other"}, "The secret was replaced")
	if body := b.has("/secrets", "KEY"); strings.Contains(body, "other") {
		t.Error("a secret is shown")
	}
	b.has("/secrets/KEY/remove", "Remove secret KEY")
	b.does("/secrets/KEY/remove", nil, "It was removed", "None is set")
	b.has("/dead", "There are none")
	if status, _ := b.get("/dead/7"); status != http.StatusNotFound {
		t.Errorf("GET /dead/7: %d, want 404", status)
	}
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	s.settle(s.submit("r", printing, `{"day": "d"}`))
	for i := range 2 {
		must(t, s.cluster.Bus.Bury(t.Context(), engine.DeadLetter{Run: "r", Task: "print", Activation: "print", Attempt: 3 + i, Rev: uint64(i), Delivered: 5, Reason: "five workers were lost"}))
	}
	body := b.has("/dead", "five workers were lost", `href="/runs/r"`)
	_, number, _ := strings.Cut(body, `href="/dead/`)
	number, _, _ = strings.Cut(number, `"`)
	b.has("/dead/"+number, "Retry the run from its task", "5 times")
	close(s.mend)
	b.does("/dead/"+number+"/retry", nil, "The run is being retried")
	if o := s.settle("r"); o.Status != engine.StatusSucceeded {
		t.Errorf("it is %s", o.Status)
	}
	body = b.has("/dead", "five workers were lost")
	_, number, _ = strings.Cut(body, `href="/dead/`)
	number, _, _ = strings.Cut(number, `"`)
	b.does("/dead/"+number+"/remove", nil, "It was removed", "There are none")
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleOperator)
	if _, err := s.service.Flows.Put(t.Context(), "name: tick\ntasks: {a: {direct: {func: echo}}}\n", "otto"); err != nil {
		t.Fatal(err)
	}
	form := []string{"name", "nightly", "flow", "tick", "kind", "cron", "cron", "30 6 * * 1-5", "zone", "Europe/Berlin", "input", "7", "overlap", "skip", "missed", "once"}
	b.does("/schedules", form, "The schedule was stored", "30 6 * * 1-5", "Europe/Berlin")
	b.refuses("/schedules", http.StatusUnprocessableEntity, []string{"name", "x", "flow", "tick", "kind", "cron", "cron", "whenever"}, `id="problem"`)
	b.refuses("/schedules", http.StatusBadRequest, []string{"name", "x", "flow", "tick", "kind", "every", "every", "often"}, "want a number with a unit")
	b.refuses("/schedules", http.StatusBadRequest, []string{"name", "x", "flow", "tick", "kind", "at", "at", "noon"}, "want a time")
	b.does("/schedules/nightly/pause", nil, "The schedule is paused")
	b.has("/schedules", "nightly", "paused")
	b.does("/schedules/nightly/resume", nil, "The schedule goes on")
	body := b.does("/schedules/nightly/trigger", nil, "A run was begun")
	if !strings.Contains(body, "tick") {
		t.Errorf("it is no run of tick:\n%s", body)
	}
	b.has("/schedules/nightly/remove", "It begins no more runs")
	b.does("/schedules/nightly/remove", nil, "It was removed", "There are no schedules")
}

func TestCode(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as(ops.RoleSubmitter)
	form := func(source, input string) []string {
		return []string{"language", "javascript", "source", source, "input", input, "timeout", "20s", "memory", "64MiB"}
	}
	b.does("/code", form("export default (n) => { console.log('doubling'); return n * 2 }", "21"), "succeeded", `<span class="n">42</span>`, "doubling", "Fuel")
	b.does("/code", form("const a = 1\nthrow new Error('<b>no</b>')\n", "1"), "failed", "&lt;b&gt;no&lt;/b&gt;", "line 2", `<li value="2" class="bad">`)
	b.refuses("/code", http.StatusBadRequest, form("1", "{"), "The input is not JSON")
	b.refuses("/code", http.StatusBadRequest, form(" ", "1"), "There is no code")
	b.refuses("/code", http.StatusUnprocessableEntity, []string{"language", "javascript", "source", "1", "memory", "much"}, `id="problem"`)
}

// TestLogin wants a cookie that no script reads and no other site sends, and nobody in
// without a token.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.as("")
	if _, body := b.get("/runs?flow=x"); !strings.Contains(body, `value="/runs?flow=x"`) || strings.Contains(body, "Main") {
		t.Errorf("somebody who has not logged in sees\n%s", body)
	}
	b.refuses("/login", http.StatusUnauthorized, []string{"token", "guessed"}, "Nobody has this token")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for next, want := range map[string]string{
		"/runs?flow=x": "/runs?flow=x", "": "/", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "runs": "/", "/\t/evil.example": "/", "javascript:alert(1)": "/",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login", strings.NewReader(formOf("token", tokens[ops.RoleViewer], "next", next)))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer, err := b.Do(r)
		must(t, err)
		_ = answer.Body.Close()
		if got := answer.Header.Get("Location"); got != want {
			t.Errorf("next %q leads to %q, want %q", next, got, want)
		}
		set := answer.Header.Get("Set-Cookie")
		for _, part := range []string{"HttpOnly", "SameSite=Strict", "Path=/"} {
			if !strings.Contains(set, part) {
				t.Errorf("the cookie %q has no %s", set, part)
			}
		}
	}
	b.CheckRedirect = nil
	b.has("/runs", "vera")
	b.does("/logout", nil, "Log in")
	if _, body := b.get("/runs"); !strings.Contains(body, "Log in") {
		t.Error("who has logged out is still in")
	}
}

// TestLoginTries wants tries to be counted before the token is looked at, by address, and
// a cookie of the configured name.
func TestLoginTries(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	cfg := configOf(s.service)
	cfg.Cookie = "of_this_server"
	var tries, looked atomic.Int32
	cfg.TryLogin = func(remote string) time.Duration {
		if !strings.HasPrefix(remote, "127.0.0.1:") {
			t.Errorf("a try from %q", remote)
		}
		if tries.Add(1) > 3 {
			return 1500 * time.Millisecond
		}
		return 0
	}
	cfg.Authenticate = func(token string) (ops.Role, string, bool) {
		looked.Add(1)
		return authenticate(token)
	}
	s.serve(cfg)
	b := s.as("")
	for range 2 {
		b.refuses("/login", http.StatusUnauthorized, []string{"token", "guessed"}, "Nobody has this token")
	}
	in := s.as(ops.RoleViewer)
	was := looked.Load()
	for _, token := range []string{"guessed", tokens[ops.RoleOperator]} {
		b.refuses("/login", http.StatusTooManyRequests, []string{"token", token}, "Too many tries")
	}
	if looked.Load() != was {
		t.Error("a token was looked at, so guessing goes on")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/login", strings.NewReader("token=x"))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := b.Do(r)
	must(t, err)
	_ = answer.Body.Close()
	if after := answer.Header.Get("Retry-After"); after != "2" {
		t.Errorf("got Retry-After %q", after)
	}
	in.has("/runs", "vera") // who is in is not concerned
	at, err := url.Parse(s.URL)
	must(t, err)
	if cookies := in.Jar.Cookies(at); len(cookies) != 1 || cookies[0].Name != "of_this_server" {
		t.Errorf("got cookies %v", cookies)
	}
}

// TestParts has no pages for what a service has not.
func TestParts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	service := s.service
	service.Schedules, service.Secrets, service.Code, service.Modules = nil, nil, nil, nil
	s.serve(configOf(service))
	b := s.as(ops.RoleOperator)
	body := b.has("/runs", "Flows")
	for _, path := range []string{"/schedules", "/secrets", "/code", "/modules"} {
		if strings.Contains(body, `href="`+path+`"`) {
			t.Errorf("the navigation has %s", path)
		}
		if status, _ := b.get(path); status != http.StatusNotFound {
			t.Errorf("GET %s: %d, want 404", path, status)
		}
	}
}

// TestFiles has a file that a task has left, as a file to be stored and never as a page.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	o := s.settle(s.submit("r", `name: r
tasks:
  write:
    script:
      language: javascript
      code: |
        import {writeFileSync} from "node:fs"
        export default () => { writeFileSync("/out/page.html", "<script>alert(1)</script>") }
      files_out: ["*"]
`, `null`))
	if len(o.Files) != 1 {
		t.Fatalf("it left %v: %v", o.Files, o.Error)
	}
	b := s.as(ops.RoleViewer)
	b.has("/runs/r", `<a href="/runs/r/files/`+o.Files[0].Digest+`" download>page.html</a>`, "25 B")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/runs/r/files/"+o.Files[0].Digest, nil)
	must(t, err)
	answer, err := b.Do(r)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	if kind, how := answer.Header.Get("Content-Type"), answer.Header.Get("Content-Disposition"); kind != "application/octet-stream" || how != `attachment; filename=page.html` || string(body) != "<script>alert(1)</script>" {
		t.Errorf("got %s, %s: %s", kind, how, body)
	}
	story, err := s.service.Runs.Events(t.Context(), "r", 0, 1)
	must(t, err)
	if status, _ := b.get("/runs/r/files/" + story[0].Basis.Graph); status != http.StatusNotFound { // a blob of the run, and no file of it
		t.Errorf("the graph as a file: %d, want 404", status)
	}
}

// TestEvents pages through a long journal.
func TestEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.settle(s.submit("r", chain(220), `null`))
	b := s.as(ops.RoleViewer)
	body := b.has("/runs/r/events", "run_started", "Later →")
	_, next, _ := strings.Cut(body, `rel="next" href="`)
	next, _, _ = strings.Cut(next, `"`)
	body = b.has(next, "completed", "From the beginning")
	if strings.Contains(body, "run_started") || strings.Contains(body, "Later →") {
		t.Errorf("the second page is not the end:\n%s", body)
	}
	var story struct{}
	if _, raw := b.get("/runs/r/data?task=t000"); json.Unmarshal([]byte(raw), &story) != nil {
		t.Errorf("the result of t000 is %s", raw)
	}
	b.has("/runs/r/tasks?find=t00", "1–10 of 10")
	b.has("/runs/r/tasks?status=failed", "No task fits")
}
