package mcp_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/flowfile"
	"github.com/graflow/graflow-wasm/internal/guesttest"
	"github.com/graflow/graflow-wasm/internal/mcp"
	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
	protocol "github.com/modelcontextprotocol/go-sdk/mcp"
)

// guest is a module of testdata/guest.
func guest(tb testing.TB, name, task string) mcp.Module {
	tb.Helper()
	host, _ := machine(tb)
	code, err := os.ReadFile(guesttest.Build(tb, "testdata/guest"))
	if err != nil {
		tb.Fatal(err)
	}
	module, err := host.Compile(tb.Context(), code)
	if err != nil {
		tb.Fatal(err)
	}
	return mcp.Module{Name: name, Task: task, Code: module}
}

func TestModules(t *testing.T) {
	t.Parallel()
	server := newServer(t, mcp.Config{
		Modules: []mcp.Module{guest(t, "thumbs", ""), guest(t, "thumbs.2", "resize"), guest(t, "thumbs.2", "resize")},
		Limits:  wasmhost.Limits{Timeout: time.Second}, Check: flowfile.CheckSchema,
	})
	session := connect(t, server, nil)
	var names []string
	for tool, err := range session.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
		if tool.Name == "resize" && tool.Description != "doubles a box" {
			t.Errorf("got the description %q", tool.Description)
		}
	}
	if got, want := strings.Join(names, " "), "fail loop resize run_code shout thumbs_2_resize thumbs_2_resize_2 thumbs_run_code total"; got != want {
		t.Errorf("got tools %s, want %s", got, want)
	}
	for _, test := range []struct {
		tool string
		args any
		want string // the result, or part of the error
	}{
		{"resize", args{"width": 2, "height": 3}, `{"width":4,"height":6}`},
		{"thumbs_2_resize_2", args{"width": 2, "height": 3}, `{"width":4,"height":6}`},
		{"shout", args{"input": "hey"}, `{"value":"hey!"}`},
		{"total", args{"input": []args{{"width": 2, "height": 3}, {"width": 1, "height": 1}}}, `{"value":7}`},
		{"thumbs_run_code", args{"width": 1, "height": 1}, `{"value":"{1 1}"}`},
		{"resize", args{"width": "wide", "height": 3}, `"kind":"invalid_args"`},
		{"shout", "hey", "want an object"},
		{"shout", args{"inptu": "hey"}, `unknown argument \"inptu\"`},
		{"shout", nil, `argument \"input\" is missing`},
		{"fail", args{"width": 1, "height": 1}, `{"error":{"kind":"sorry","message":"as you asked"},"log":"info: about to fail\n"}`},
		{"loop", args{"width": 1, "height": 1}, `"kind":"timeout"`},
	} {
		result, err := session.CallTool(t.Context(), &protocol.CallToolParams{Name: test.tool, Arguments: test.args})
		if err != nil {
			t.Errorf("%s: %v", test.tool, err)
			continue
		}
		text := result.Content[0].(*protocol.TextContent).Text
		isError := !strings.HasPrefix(test.want, "{") || strings.HasPrefix(test.want, `{"error"`)
		if result.IsError != isError || !strings.Contains(text, test.want) {
			t.Errorf("%s: got isError %v, %s; want %s", test.tool, result.IsError, text, test.want)
		}
		if structured, _ := json.Marshal(result.StructuredContent); !isError && !sameJSON(t, structured, text) {
			t.Errorf("%s: got %s structured, and %s as text", test.tool, structured, text)
		}
	}
}

func sameJSON(t *testing.T, a []byte, b string) bool {
	t.Helper()
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return string(p) == string(q)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, sandbox := machine(t)
	languages := []script.Language{script.JavaScript}
	for want, config := range map[string]mcp.Config{
		"Config.Sandbox is missing":        {},
		`module thumbs has no task "crop"`: {Sandbox: sandbox, Languages: languages, Modules: []mcp.Module{guest(t, "thumbs", "crop")}},
		`"https://a.com/path"`:             {Sandbox: sandbox, Languages: languages, HTTP: []string{"https://a.com/path"}},
	} {
		server, err := mcp.New(t.Context(), config)
		if err == nil {
			server.Close()
			t.Errorf("got a server, want %s", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// faulty is a module whose host has a fault.
type faulty struct{}

// Tasks implements mcp.Code.
func (faulty) Tasks(context.Context) ([]abi.TaskDescription, error) {
	return []abi.TaskDescription{{Name: "boom"}}, nil
}

// Call implements mcp.Code.
func (faulty) Call(context.Context, string, []byte, wasmhost.Options) (wasmhost.Result, error) {
	panic("boom")
}

func TestPanic(t *testing.T) {
	t.Parallel()
	session := connect(t, newServer(t, mcp.Config{Concurrency: 1, Modules: []mcp.Module{{Name: "m", Code: faulty{}}}}), nil)
	result, err := session.CallTool(t.Context(), &protocol.CallToolParams{Name: "boom", Arguments: args{"input": 1}})
	if err != nil || !result.IsError || read(t, result).kind() != "internal" {
		t.Errorf("got %v, %+v", err, result)
	}
	if o, _ := run(t, session, args{"language": "javascript", "code": "1"}); string(o.Value) != "1" { // the slot is free again
		t.Errorf("got %s, %+v", o.Value, o.Error)
	}
}
