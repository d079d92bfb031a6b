package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/internal/api"
	"github.com/graflow/graflow-wasm/internal/ops"
)

var update = flag.Bool("update", false, "write golden files")

// bare is a server without parts.
func bare(tb testing.TB) *api.Server {
	tb.Helper()
	s, err := api.New(api.Config{Tokens: drawn(tb, map[ops.Role]string{}), Service: ops.Service{Version: "v1"}})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// document is the OpenAPI document.
func document(tb testing.TB) []byte {
	tb.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, bare(tb).OpenAPI(), "", "  "); err != nil {
		tb.Fatal(err)
	}
	indented.WriteByte('\n')
	return indented.Bytes()
}

func TestOpenAPIGolden(t *testing.T) {
	t.Parallel()
	got := document(t)
	if *update {
		if err := os.WriteFile("openapi.json", got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.json is not what the API is: run go test ./internal/api -run Golden -update, and look at what has changed")
	}
}

// TestOpenAPIRefs follows every reference in the document.
func TestOpenAPIRefs(t *testing.T) {
	t.Parallel()
	var doc any
	if err := json.Unmarshal(document(t), &doc); err != nil {
		t.Fatal(err)
	}
	refs := 0
	used := map[string]bool{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				used[ref] = true
				if !resolves(doc, ref) {
					t.Errorf("%s: %s leads nowhere", at, ref)
				}
			}
			for k, child := range v {
				walk(at+"/"+k, child)
			}
		case []any:
			for _, child := range v {
				walk(at+"/[]", child)
			}
		}
	}
	walk("#", doc)
	if refs < 100 {
		t.Errorf("got %d references: nothing was looked at", refs)
	}
	for kind, all := range doc.(map[string]any)["components"].(map[string]any) {
		for name := range all.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] && kind != "securitySchemes" {
				t.Errorf("nothing refers to %s", ref)
			}
		}
	}
}

func resolves(doc any, ref string) bool {
	at := doc
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, _ := at.(map[string]any)
		if at = object[part]; at == nil {
			return false
		}
	}
	return strings.HasPrefix(ref, "#/")
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// TestOpenAPIOperations holds that each operation is described whole.
func TestOpenAPIOperations(t *testing.T) {
	t.Parallel()
	all := operations(t)
	ids := map[string]bool{}
	for _, o := range all {
		if ids[o.ID] || o.ID == "" {
			t.Errorf("%s %s has the id %q, which is not its own", o.method, o.path, o.ID)
		}
		ids[o.ID] = true
		if o.Summary == "" || o.Description == "" || len(o.Tags) != 1 || strings.HasSuffix(o.Summary, ".") || !strings.HasSuffix(o.Description, ".") {
			t.Errorf("%s is described by %q, %q, %q", o.ID, o.Summary, o.Description, o.Tags)
		}
		for _, m := range placeholder.FindAllStringSubmatch(o.path, -1) {
			if !slices.ContainsFunc(o.Parameters, func(p parameter) bool { return p.Name == m[1] && p.In == "path" && p.Required }) {
				t.Errorf("%s: {%s} is no parameter", o.ID, m[1])
			}
		}
		for _, p := range o.Parameters {
			if p.Description == "" {
				t.Errorf("%s: nothing tells what %s is", o.ID, p.Name)
			}
		}
		if b := o.RequestBody; b != nil && (b.Description == "" || len(b.Content) != 1) {
			t.Errorf("%s: its body is %+v", o.ID, b)
		}
		if !slices.ContainsFunc(slices.Collect(maps.Keys(o.Responses)), func(code string) bool { return code[0] == '2' }) {
			t.Errorf("%s never succeeds", o.ID)
		}
		for _, code := range []string{"401", "403", "429", "500"} {
			if o.Responses[code] == nil {
				t.Errorf("%s: nothing tells of %s", o.ID, code)
			}
		}
	}
	if len(all) != len(api.Roles) {
		t.Errorf("%d operations have %d roles", len(all), len(api.Roles))
	}
	for id := range api.Roles {
		if !ids[id] {
			t.Errorf("there is a role for %s, which is no operation", id)
		}
	}
}

// TestOpenAPIFields holds that all that clients send is described, and that nothing is
// described that is not there.
func TestOpenAPIFields(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				AdditionalProperties any
				Properties           map[string]struct{ Description string }
			}
		}
	}
	if err := json.Unmarshal(document(t), &doc); err != nil {
		t.Fatal(err)
	}
	closed := 0
	for name, schema := range doc.Components.Schemas {
		if schema.AdditionalProperties != false { // it is not sent
			continue
		}
		closed++
		for field, p := range schema.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
	if closed < 8 {
		t.Errorf("%d schemas take no more than they tell, want those of all bodies", closed)
	}
	for key, about := range api.Fields {
		name, field, _ := strings.Cut(key, ".")
		if p, ok := doc.Components.Schemas[name].Properties[field]; !ok || p.Description != about {
			t.Errorf("there is no %s, or it tells of itself: %q", key, p.Description)
		}
	}
}

func TestOpenAPIExamples(t *testing.T) {
	t.Parallel()
	n, err := bare(t).CheckExamples()
	if err != nil || n < 20 {
		t.Errorf("%d examples: %v", n, err)
	}
}

// TestOpenAPIExamplesWork sends what the document shows.
func TestOpenAPIExamplesWork(t *testing.T) {
	t.Parallel()
	f := start(t, api.Config{})
	examples := map[string]json.RawMessage{}
	for _, o := range operations(t) {
		if o.RequestBody == nil {
			continue
		}
		for _, content := range o.RequestBody.Content {
			var m struct{ Example json.RawMessage }
			if err := json.Unmarshal(content, &m); err != nil {
				t.Fatal(err)
			}
			examples[o.ID] = m.Example
		}
	}
	var flow string
	if err := json.Unmarshal(examples["put-flow"], &flow); err != nil {
		t.Fatal(err)
	}
	f.want(f.ask("PUT", "/v1/flows", flow), 200, nil)
	var begun ops.Submitted
	f.want(f.ask("POST", "/v1/runs", examples["submit-run"]), 201, &begun)
	if o := f.ended(begun.Run); string(o.Output) != `"Hello, Ada"` {
		t.Errorf("the example came to %+v", o)
	}
	f.want(f.ask("PUT", "/v1/schedules/nightly", examples["put-schedule"]), 200, nil)
	f.want(f.ask("PUT", "/v1/queues/default/limit", examples["limit-queue"]), 204, nil)
	var code ops.CodeResult
	f.want(f.ask("POST", "/v1/code", examples["run-code"]), 200, &code)
	if string(code.Result) != "42" {
		t.Errorf("the example came to %+v", code)
	}
	f.want(f.ask("PUT", "/v1/sessions/p", examples["put-session"]), 201, nil)
	f.want(f.ask("POST", "/v1/sessions/notes/code", examples["run-in-session"]), 200, &code)
	if string(code.Result) != "42" || code.Session == nil {
		t.Errorf("the example came to %+v", code)
	}
}

// TestOpenAPIServed serves what is in the repository, to everybody, and no pages.
func TestOpenAPIServed(t *testing.T) {
	t.Parallel()
	f := serve(t, api.Config{Service: ops.Service{Version: "v1"}})
	r := f.askAs("", "GET", "/openapi.json", nil)
	f.want(r, 200, nil)
	var got bytes.Buffer
	if err := json.Indent(&got, r.body, "", "  "); err != nil {
		t.Fatal(err)
	}
	if want := document(t); !bytes.Equal(append(got.Bytes(), '\n'), want) {
		t.Error("another document is served")
	}
	if media := r.header.Get("Content-Type"); media != "application/openapi+json" {
		t.Errorf("it is %s", media)
	}
}
