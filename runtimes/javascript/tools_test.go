package javascript_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

// workshop answers tool calls.
type workshop struct{}

func (workshop) CallTool(_ context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	switch name {
	case "echo":
		return args, nil
	case "refuse":
		return nil, &abi.ToolError{Kind: "quota", Message: "none left"}
	}
	return nil, abi.NotFound
}

func withTools(t *testing.T, code string) (answer, wasmhost.Ledger) {
	t.Helper()
	got, ledger, err := call(t, document{Code: code, Tools: []tool{{Name: "echo"}, {Name: "refuse"}, {Name: "not-a-name"}}},
		wasmhost.Options{Grants: wasmhost.Grants{Tools: []string{"*"}}, Services: wasmhost.Services{Tools: workshop{}}})
	if err != nil {
		t.Fatal(err)
	}
	return got, ledger
}

func TestTools(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code, want string
		batches    int // calls of the host
	}{
		{`await echo({a: [1, new Date(0)]})`, `{"a":[1,{"$time":"1970-01-01T00:00:00.000Z"}]}`, 1},
		{`await Promise.all([echo(1), echo(2), tools.echo(3)])`, `[1,2,3]`, 1},
		{`const one = echo(1); await one; [await one, await echo(2)]`, `[1,2]`, 2},
		{`await Promise.all([1, 2].map(async (x) => await echo(await echo(x)) + 1))`, `[2,3]`, 2},
		{`await ctx.parallel([["echo", 1], ["echo", 2]])`, `[1,2]`, 1},
		{`await ctx.map("echo", [1, 2, 3])`, `[1,2,3]`, 1},
		{`await ctx.pipeline(["echo", (x) => x + 1, echo], 1)`, `2`, 2},
		{
			`(await Promise.allSettled([refuse(), tools["not-a-name"]()])).map((r) => [r.reason instanceof ToolError, r.reason.kind, r.reason.message.length > 0])`,
			`[[true,"quota",true],[true,"not_found",true]]`, 1,
		},
		{`echo(1); 5`, `5`, 1},
		{`const seen = []; const a = echo(1).then((x) => seen.push(x)), b = echo(2).then((x) => seen.push(x)); await b; await a; seen`, `[1,2]`, 1},
		{`await ctx.sleep(0.001); "slept"`, `"slept"`, 1},
		{`import { call, ToolError } from "graflow"; export default async () => { try { await call("refuse") } catch (e) { return e.kind } }`, `"quota"`, 1},
		{`await echo(() => 1)`, ``, 0},
	} {
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			got, ledger := withTools(t, c.code)
			if c.want == "" {
				if got.Error == nil || got.Error.Kind != "invalid_result" {
					t.Errorf("got %s %+v", got.Value, got.Error)
				}
				return
			}
			if got.Error != nil || string(got.Value) != c.want || ledger.HostCalls[abi.FuncToolCalls] != c.batches {
				t.Errorf("got %s %+v in %d batches, want %s in %d", got.Value, got.Error, ledger.HostCalls[abi.FuncToolCalls], c.want, c.batches)
			}
		})
	}
}

// TestToolErrorHasAPlace wants a failure to be where the call was made, though the code went
// on since.
func TestToolErrorHasAPlace(t *testing.T) {
	t.Parallel()
	got, _ := withTools(t, "const f = (a) => refuse(a);\nasync function g() {\n  await null;\n  const p = f(1);\n  await null;\n  return p;\n}\nawait Promise.all([1].map(g))")
	e := got.Error
	if e == nil || e.Type != "ToolError" || e.Message != "none left" || e.Line != 1 || e.Column != 24 {
		t.Fatalf("got %+v", e)
	}
	if want := "ToolError: none left\n    at f (main.js:1:24)\n    at g (main.js:4:14)"; !strings.HasSuffix(e.Traceback, want) {
		t.Errorf("got %q, want %q at its end", e.Traceback, want)
	}
}

// board is a channel of one key, which can't be changed.
type board struct{}

func (board) Get(_ context.Context, key string) (json.RawMessage, error) {
	if key != "k" {
		return nil, abi.NotFound
	}
	return json.RawMessage(`[1]`), nil
}

func (board) Keys(context.Context, string) ([]string, error) { return []string{"k"}, nil }

func (board) Apply(context.Context, wasmhost.ChannelOp) error { return abi.Denied }

func TestContext(t *testing.T) {
	t.Parallel()
	code := `console.log(ctx.run, ctx.maxAttempts); ctx.warn("careful", {a: 1});
const said = [];
for (const f of [() => ctx.result("x"), () => ctx.secret("s"), () => ctx.channel.set("k", 1)]) {
	try { f() } catch (e) { said.push(e.name + " " + e.kind) }
}
[ctx.channel.get("k"), ctx.channel.get("none", 5), ctx.channel.get("none"), ctx.channel.keys(), said]`
	want := `[[1],5,null,["k"],["HostError unavailable","HostError denied","HostError denied"]]`
	got, _, err := call(t, document{Code: code, Meta: map[string]any{"run": "r1", "max_attempts": 3}},
		wasmhost.Options{Services: wasmhost.Services{Channel: board{}}})
	if err != nil || got.Error != nil || string(got.Value) != want {
		t.Errorf("got %s %+v %v, want %s", got.Value, got.Error, err, want)
	}
	if want := []string{"INFO r1 3", "WARN careful { a: 1 }"}; !slices.Equal(got.Lines, want) {
		t.Errorf("lines %q, want %q", got.Lines, want)
	}
}
