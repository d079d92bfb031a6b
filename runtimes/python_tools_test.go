package runtimes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// toolbox answers calls, and notes what was called together.
type toolbox struct {
	mu      sync.Mutex // guards batches
	batches []string
}

var _ wasmhost.ToolBatch = (*toolbox)(nil)

func (b *toolbox) CallTool(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	answers, err := b.CallTools(ctx, []abi.ToolCall{{Name: name, Args: args}})
	if err != nil {
		return nil, err
	}
	if answers[0].Error != nil {
		return nil, answers[0].Error
	}
	return answers[0].Value, nil
}

func (b *toolbox) CallTools(_ context.Context, calls []abi.ToolCall) ([]abi.ToolAnswer, error) {
	var texts []string
	answers := make([]abi.ToolAnswer, len(calls))
	for i, call := range calls {
		texts = append(texts, fmt.Sprintf("%s(%s)", call.Name, call.Args))
		switch call.Name {
		case "echo", "search", "web.get":
			answers[i].Value = call.Args
		case "now":
			answers[i].Value = json.RawMessage(`{"$time":"2026-01-02T03:04:05Z"}`)
		case "broken":
			answers[i].Error = &abi.ToolError{Kind: "quota", Message: "used up"}
		default:
			answers[i].Error = &abi.ToolError{Kind: "not_found", Message: "no tool " + call.Name}
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, strings.Join(texts, " "))
	return answers, nil
}

type object = map[string]any

var declared = []any{
	object{"name": "search", "doc": "Searches.", "input": object{"type": "object", "properties": object{"a": object{}, "q": object{"type": "string"}}}},
	object{"name": "echo", "input": object{}},
	object{"name": "now", "input": object{"type": "object"}},
	object{"name": "broken"},
	object{"name": "web.get"},
}

func runWithTools(t *testing.T, code string) (answer, []string) {
	t.Helper()
	box := &toolbox{}
	doc := document{Code: code, Tools: declared}
	got, _, err := call(t, doc, wasmhost.Options{
		Services: wasmhost.Services{Tools: box}, Grants: wasmhost.Grants{Tools: []string{"*"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, box.batches
}

func TestPythonTools(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, want, batches string }{
		"by position":      {"search(1, 'x')", `{"a":1,"q":"x"}`, `search({"a":1,"q":"x"})`},
		"by name":          {"search(q='x')", `{"q":"x"}`, `search({"q":"x"})`},
		"both":             {"search(1, q='x')", `{"a":1,"q":"x"}`, `search({"a":1,"q":"x"})`},
		"as one object":    {"search({'q': 'x'})", `{"q":"x"}`, `search({"q":"x"})`},
		"one value":        {"echo([1, b'a'])", `[1,{"$bytes":"YQ=="}]`, `echo([1,{"$bytes":"YQ=="}])`},
		"no value":         {"echo()", "null", "echo(null)"},
		"named values":     {"echo(x=1)", `{"x":1}`, `echo({"x":1})`},
		"empty object":     {"now().year", "2026", "now({})"},
		"special value":    {"echo(b'a')", `{"$bytes":"YQ=="}`, `echo({"$bytes":"YQ=="})`},
		"tools":            {"[tools.search(1), tools['web.get'](2), list(tools), len(tools), 'x' in tools, search.__doc__]", `[{"a":1},2,["search","echo","now","broken","web.get"],5,false,"Searches."]`, `search({"a":1}) | web.get(2)`},
		"module":           {"from graflow import echo, call\nimport graflow\n[echo(1), call('echo', 2), graflow.tools.echo(3)]", "[1,2,3]", "echo(1) | echo(2) | echo(3)"},
		"error":            {"try:\n    broken(1)\nexcept ToolError as e:\n    result = [e.kind, e.message, str(e)]", `["quota","used up","used up"]`, "broken(1)"},
		"unknown":          {"from graflow import ToolError\ntry:\n    ctx.call('nope')\nexcept ToolError as e:\n    result = e.kind", `"not_found"`, "nope(null)"},
		"gather":           {"import asyncio\nawait asyncio.gather(*(echo.later(i) for i in range(3)))", "[0,1,2]", "echo(0) echo(1) echo(2)"},
		"gather errors":    {"import asyncio\ngot = await asyncio.gather(echo.later(1), broken.later(), return_exceptions=True)\n[got[0], got[1].kind]", `[1,"quota"]`, "echo(1) broken(null)"},
		"tasks":            {"import asyncio\nasync def two(x):\n    return await echo.later(await echo.later(x))\nasync def main():\n    async with asyncio.TaskGroup() as g:\n        a = g.create_task(two(1))\n        b = g.create_task(two(2))\n    return [a.result(), b.result()]", "[1,2]", "echo(1) echo(2) | echo(1) echo(2)"},
		"one after other":  {"[await echo.later(1), await echo.later(2)]", "[1,2]", "echo(1) | echo(2)"},
		"asyncio.run":      {"import asyncio\nasync def f():\n    return await asyncio.gather(echo.later(1), echo.later(2))\nasyncio.run(f())", "[1,2]", "echo(1) echo(2)"},
		"to_thread":        {"import asyncio\nawait asyncio.to_thread(echo, 5)", "5", "echo(5)"},
		"parallel":         {"ctx.parallel([('echo', 1), ('search', {'q': 'x'})])", `[1,{"q":"x"}]`, `echo(1) search({"q":"x"})`},
		"parallel fails":   {"try:\n    ctx.parallel([('echo', 1), ('broken', 1), ('nope', 1)])\nexcept ToolError as e:\n    result = e.kind", `"quota"`, "echo(1) broken(1) nope(1)"},
		"map":              {"ctx.map('echo', [1, 2])", "[1,2]", "echo(1) echo(2)"},
		"map of nothing":   {"ctx.map('echo', [])", "[]", ""},
		"pipeline":         {"ctx.pipeline(['echo', 'search', 'echo'], {'q': 1})", `{"q":1}`, `echo({"q":1}) | search({"q":1}) | echo({"q":1})`},
		"canceled unmade":  {"import asyncio\nt = asyncio.ensure_future(echo.later(1))\nawait asyncio.sleep(0)\nt.cancel()\nu = echo.later(2)\nawait u", "2", "echo(2)"},
		"calls then sleep": {"import asyncio\nasync def nap():\n    await asyncio.sleep(0.001)\n    return 'nap'\nawait asyncio.gather(nap(), echo.later(1))", `["nap",1]`, "echo(1)"},
		"timeout":          {"import asyncio\nasync def main():\n    try:\n        await asyncio.wait_for(asyncio.Event().wait(), 0.001)\n    except TimeoutError:\n        return await echo.later('late')", `"late"`, `echo("late")`},
		"sleep":            {"ctx.sleep(0.001)\n1", "1", `graflow.sleep({"seconds":0.001})`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, batches := runWithTools(t, test.code)
			wantValue(t, got, test.want)
			if batches := strings.Join(batches, " | "); batches != test.batches {
				t.Errorf("called %s\nwant   %s", batches, test.batches)
			}
		})
	}
}

func TestPythonToolErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, class, message string }{
		"too many":    {"search(1, 2, 3)", "TypeError", "search() takes 2 arguments at most, 3 were given"},
		"twice":       {"search(1, a=2)", "TypeError", "search() got two values for argument 'a'"},
		"two values":  {"echo(1, 2)", "TypeError", "echo() takes one value, or arguments by name"},
		"failed":      {"broken()", "ToolError", "used up"},
		"failed late": {"await broken.later()", "ToolError", "used up"},
		"absent":      {"tools.nope", "AttributeError", "there is no tool 'nope'; there are: search, echo, now, broken, web.get"},
		"no JSON":     {"echo([print])", "InvalidValue", "argument of echo[0] is of type builtin_function_or_method, which has no JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := runWithTools(t, test.code)
			if got.Error == nil || got.Error.Type != test.class || got.Error.Message != test.message {
				t.Errorf("got %+v, want %s: %s", got.Error, test.class, test.message)
			}
		})
	}
}

// Where tools are not granted all calls fail, and sleeping is only that.
func TestPythonWithoutTools(t *testing.T) {
	t.Parallel()
	got := run(t, "ctx.sleep(0.001)\ntry:\n    ctx.call('x')\nexcept ToolError as e:\n    result = e.kind")
	wantValue(t, got, `"denied"`)
}
