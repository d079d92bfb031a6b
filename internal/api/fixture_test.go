package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// hello is a flow of one task; asks pauses; fails fails; marks has a checkpoint in the
// midst.
const (
	hello = "name: hello\ninput: {type: object, required: [name], properties: {name: {type: string}}}\ntasks:\n  greet: {direct: {func: greet}}\n"
	asks  = "name: asks\ntasks:\n  ask: {direct: {func: ask}}\n"
	fails = "name: fails\ntasks:\n  fail: {direct: {func: fail}}\n"
	waits = "name: waits\ntasks:\n  wait: {builtin: sleep, with: {duration: 1h}}\n"
	marks = "name: marks\ntasks:\n  mark: {direct: {func: mark}}\n  then: {direct: {func: count}}\nflow: mark >> then\n"
)

// functions are those of the flows.
func functions() *direct.Handler {
	h := direct.New()
	direct.Func(h, "greet", func(c *direct.Context, in struct{ Name string }) (string, error) {
		c.Log("greeting %s", in.Name)
		return "hello " + in.Name, nil
	})
	direct.Func(h, "ask", func(c *direct.Context, _ any) (bool, error) {
		var yes bool
		err := c.Pause(engine.Pause{Name: "approve", Message: "May I?", Schema: json.RawMessage(`{"type":"boolean"}`)}, &yes)
		return yes, err
	})
	direct.Func(h, "mark", func(c *direct.Context, _ any) (int, error) { return 1, c.Checkpoint("half", nil) })
	direct.Func(h, "count", func(_ *direct.Context, in any) (any, error) { return in, nil })
	direct.Func(h, "fail", func(*direct.Context, any) (string, error) { return "", errors.New("broken") })
	return h
}

// fixture is an API over a real cluster, and a token for each role.
type fixture struct {
	testing.TB

	url    string
	tokens map[ops.Role]string
	all    *api.Tokens
	client *http.Client
	api    *api.Server

	service ops.Service
}

// start serves a cluster that has the functions.
func start(tb testing.TB, c api.Config) *fixture {
	tb.Helper()
	c.Service = clustertest.Start(tb, clustertest.Config{Direct: functions()}).Service
	return serve(tb, c)
}

// serve serves what is configured, with a token for each role.
func serve(tb testing.TB, c api.Config) *fixture {
	tb.Helper()
	f := &fixture{TB: tb, tokens: map[ops.Role]string{}, service: c.Service}
	f.all = drawn(tb, f.tokens)
	c.Tokens = f.all
	if c.Rate == 0 { // tests look again at once
		c.Rate = -1
	}
	var err error
	if f.api, err = api.New(c); err != nil {
		tb.Fatal(err)
	}
	f.listen(false)
	return f
}

// listen serves the API, with TLS and HTTP/2 or without.
func (f *fixture) listen(tls bool) {
	f.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = api.NewHTTPServer(f.api.Handler(), nil)
	if srv.EnableHTTP2 = tls; tls {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	f.url, f.client = srv.URL, srv.Client()
	f.Cleanup(func() {
		f.api.Close()
		srv.Close()
	})
}

// drawn draws a token for each role, named as the role.
func drawn(tb testing.TB, tokens map[ops.Role]string) *api.Tokens {
	tb.Helper()
	var lines strings.Builder
	for _, role := range ops.Roles() {
		tokens[role] = api.DrawToken()
		lines.WriteString(api.TokenLine(role, tokens[role], string(role)) + "\n")
	}
	all, err := api.ReadTokens(strings.NewReader(lines.String()))
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// reply is what came back, read whole.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// problem is an error that came back.
type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Message, Location string }
	RequestID           string `json:"request_id"`
}

// ask asks as an operator. A body that is neither a string nor bytes is sent as JSON.
func (f *fixture) ask(method, path string, body any, headers ...string) reply {
	f.Helper()
	return f.askAs(ops.RoleOperator, method, path, body, headers...)
}

func (f *fixture) askAs(role ops.Role, method, path string, body any, headers ...string) reply {
	f.Helper()
	r := f.request(method, path, body, headers...)
	if token := f.tokens[role]; token != "" && r.Header.Get("Authorization") == "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return f.do(r)
}

// request makes one, with headers given as name, value.
func (f *fixture) request(method, path string, body any, headers ...string) *http.Request {
	f.Helper()
	var from io.Reader
	media := ""
	switch b := body.(type) {
	case nil:
	case string:
		from, media = strings.NewReader(b), "application/yaml"
	case []byte:
		from, media = bytes.NewReader(b), "application/octet-stream"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			f.Fatal(err)
		}
		from, media = bytes.NewReader(raw), "application/json"
	}
	r, err := http.NewRequestWithContext(f.Context(), method, f.url+path, from)
	if err != nil {
		f.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func (f *fixture) do(r *http.Request) reply {
	f.Helper()
	resp, err := f.client.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	if r.Method != http.MethodHead {
		if err := f.api.CheckAnswer(r, resp.StatusCode, resp.Header.Get("Content-Type"), raw); err != nil {
			f.Errorf("%s %s is not as described: %v", r.Method, r.URL.Path, err)
		}
	}
	return reply{resp.StatusCode, resp.Header, raw}
}

// want checks the status, and reads the body into v unless that is nil.
func (f *fixture) want(r reply, status int, v any) {
	f.Helper()
	if r.status != status {
		f.Fatalf("got %d %s, want %d", r.status, r.body, status)
	}
	if status >= 400 {
		f.wantProblem(r)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		f.Fatalf("%s: %v", r.body, err)
	}
}

// wantProblem checks that an error is one, and returns it.
func (f *fixture) wantProblem(r reply) problem {
	f.Helper()
	var p problem
	if media := r.header.Get("Content-Type"); media != "application/problem+json" {
		f.Errorf("%d is %q, want application/problem+json: %s", r.status, media, r.body)
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		f.Fatalf("%s: %v", r.body, err)
	}
	if p.Status != r.status || p.Title != http.StatusText(r.status) || p.Detail == "" || p.Type != "about:blank" ||
		p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") {
		f.Errorf("got %+v with status %d", p, r.status)
	}
	return p
}

// submit begins a run of a flow's text.
func (f *fixture) submit(source string, input any) string {
	f.Helper()
	var begun struct{ Run string }
	f.want(f.ask("POST", "/v1/runs", map[string]any{"source": source, "input": input}), 201, &begun)
	return begun.Run
}

// ended waits for a run to end or pause, and returns how it stands.
func (f *fixture) ended(run string) engine.Outcome {
	f.Helper()
	all := f.stream("/v1/runs/" + run + "/stream")
	last := all[len(all)-1]
	if last.name != "outcome" {
		f.Fatalf("the stream ended with %+v", last)
	}
	var o engine.Outcome
	if err := json.Unmarshal([]byte(last.data), &o); err != nil {
		f.Fatal(err)
	}
	return o
}

// until bounds what a test waits for.
const until = 30 * time.Second
