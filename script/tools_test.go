package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost"
)

type query struct {
	Q     string    `json:"q" doc:"what to look for"`
	Limit int       `json:"limit,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Blob  []byte    `json:"blob,omitempty"`
}

type hit struct {
	Title string    `json:"title"`
	At    time.Time `json:"at"`
	Data  []byte    `json:"data"`
}

func search(_ context.Context, q query) ([]hit, error) {
	return []hit{{Title: fmt.Sprintf("%s %d %s", q.Q, q.Limit, q.Blob), At: q.Since, Data: []byte(q.Q)}}, nil
}

// box are tools of all kinds.
func box() []script.Tool {
	return []script.Tool{
		script.Func("search", "finds things", search),
		script.Func("double", "", func(_ context.Context, n int64) (int64, error) { return 2 * n, nil }),
		script.Func("now", "", func(context.Context, struct{}) (time.Time, error) { return noon, nil }),
		{Name: "raw", Call: func(_ context.Context, args json.RawMessage) (any, error) { return args, nil }},
		{Name: "fails", Call: func(context.Context, json.RawMessage) (any, error) { return nil, errors.New("no luck") }},
		{Name: "denies", Call: func(context.Context, json.RawMessage) (any, error) {
			return nil, fmt.Errorf("ask: %w", &abi.ToolError{Kind: "quota", Message: "used up"})
		}},
		{Name: "codes", Call: func(context.Context, json.RawMessage) (any, error) { return nil, abi.Unavailable }},
		{Name: "panics", Call: func(context.Context, json.RawMessage) (any, error) { panic("oh") }},
		{Name: "odd", Call: func(context.Context, json.RawMessage) (any, error) { return func() {}, nil }},
		{Name: "lies", Output: json.RawMessage(`{"type":"string"}`), Call: func(context.Context, json.RawMessage) (any, error) { return 5, nil }},
		{Name: "not-a-name", Call: func(context.Context, json.RawMessage) (any, error) { return "here", nil }},
	}
}

func TestTools(t *testing.T) {
	t.Parallel()
	found := `[{"title":"x 3 ","at":{"$time":"0001-01-01T00:00:00Z"},"data":{"$bytes":"eA=="}}]`
	for _, test := range []snippet{
		{script.Python, "search('x', 3)", nil, found},
		{script.Python, "search(q='x', limit=3)", nil, found},
		{script.Python, "tools.search('x', limit=3)", nil, found},
		{script.Python, "import datetime\nsearch('x', 3, datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), b'abc')[0]['title']", nil, `"x 3 abc"`},
		{script.Python, "search('x')[0]['data'].decode()", nil, `"x"`},
		{script.Python, "double(2**40)", nil, `2199023255552`},
		{script.Python, "now().minute", nil, `30`},
		{script.Python, "raw({'a': [1, 2.0]})", nil, `{"a":[1,2.0]}`},
		{script.Python, "import asyncio\nawait asyncio.gather(*[double.later(i) for i in range(5)])", nil, `[0,2,4,6,8]`},
		{script.Python, "ctx.parallel([('double', 1), ('double', 2)])", nil, `[2,4]`},
		{script.Python, "ctx.map('double', [1, 2, 3])", nil, `[2,4,6]`},
		{script.Python, "tools['not-a-name']()", nil, `"here"`},
		{script.Python, "ctx.call('double', 4)", nil, `8`},
		{script.JavaScript, "await search({q: 'x', limit: 3})", nil, strings.Replace(found, ":00Z", ":00.000Z", 1)},
		{script.JavaScript, "(await tools.search({q: 'x', limit: 3})).length", nil, `1`},
		{script.JavaScript, "(await search({q: 'x', limit: 3, since: new Date(0), blob: new Uint8Array([97])}))[0].title", nil, `"x 3 a"`},
		{script.JavaScript, "await double(2**40)", nil, `2199023255552`},
		{script.JavaScript, "(await now()).getUTCMinutes()", nil, `30`},
		{script.JavaScript, "await raw({a: [1, 2.5]})", nil, `{"a":[1,2.5]}`},
		{script.JavaScript, "await Promise.all([0, 1, 2, 3, 4].map(i => double(i)))", nil, `[0,2,4,6,8]`},
		{script.JavaScript, "await ctx.parallel([['double', 1], ['double', 2]])", nil, `[2,4]`},
		{script.JavaScript, "await tools['not-a-name']()", nil, `"here"`},
		{script.TypeScript, "const n: number = await double(4); n", nil, `8`},
	} {
		t.Run(string(test.language)+" "+test.code, func(t *testing.T) {
			t.Parallel()
			result, err := sandbox(t, test.language).Run(t.Context(), test.language, test.code, script.Options{Tools: box()})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := fmt.Sprint(tree(t, result.Value)), fmt.Sprint(tree(t, json.RawMessage(test.want))); got != want {
				t.Errorf("got %s, want %s", result.Value, test.want)
			}
			if len(result.ToolCalls) == 0 {
				t.Errorf("got no count of calls")
			}
		})
	}
}

func TestToolErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ call, kind, message string }{
		{"fails()", "error", "no luck"},
		{"denies()", "quota", "used up"},
		{"codes()", "unavailable", abi.Unavailable.Error()},
		{"panics()", "error", "the tool panicked: oh"},
		{"odd()", "error", "encode func(): value: a func() is not a value"},
		{"lies()", "invalid_output", `what tool "lies" answered does not fit its schema: got number, want string`},
		{"ctx.call('nosuch', 1)", "not_found", `there is no tool "nosuch"; there are: codes, denies, double, fails, lies, not-a-name, now, odd, panics, raw, search`},
		{"double('x')", "invalid_args", `tool "double": got string, want integer`},
	} {
		for l, frame := range map[script.Language]string{
			script.Python:     "try:\n  %s\nexcept ToolError as e:\n  result = [e.kind, e.message]",
			script.JavaScript: "try { await %s } catch (e) { if (e instanceof ToolError) globalThis.result = [e.kind, e.message] }",
		} {
			got, err := sandbox(t, l).Run(t.Context(), l, fmt.Sprintf(frame, test.call), script.Options{Tools: box()})
			var said []string
			if decodeErr := got.Decode(&said); err != nil || decodeErr != nil || len(said) != 2 || said[0] != test.kind || said[1] != test.message {
				t.Errorf("%s %s: got %q, %v, %v, want %q: %q", l, test.call, said, err, decodeErr, test.kind, test.message)
			}
		}
	}
}

// TestToolErrorUncaught wants it to tell its kind and where it was called.
func TestToolErrorUncaught(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{script.Python: "\ndenies()", script.JavaScript: "\nawait denies()"} {
		_, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Tools: box()})
		failure := failureOf(t, err, script.KindException)
		if failure.Type != "ToolError" || failure.Line != 2 {
			t.Errorf("%s: got %+v", l, failure)
		}
	}
}

func TestToolArguments(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		`{}`:                               `tool "search": missing property 'q'`,
		`{"q": 5}`:                         `tool "search": q: got number, want string`,
		`{"q": "x", "limit": "many"}`:      `tool "search": limit: got string, want integer`,
		`"x"`:                              `tool "search": got string, want object`,
		`null`:                             `tool "search": missing property 'q'`,
		`{"q": "x", "blob": {"$other":1}}`: ``,
	} {
		code := "import json\ntry:\n  ctx.call('search', json.loads(input))\nexcept ToolError as e:\n  result = [e.kind, e.message]"
		got, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, script.Options{Tools: box(), Input: args})
		var said []string
		if decodeErr := got.Decode(&said); err != nil || decodeErr != nil || len(said) != 2 || said[0] != "invalid_args" || want != "" && said[1] != want {
			t.Errorf("%s: got %q, %v, want %q", args, said, err, want)
		}
	}
}

// TestToolsAtOnce wants calls made together to be on their way together.
func TestToolsAtOnce(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "import asyncio\nawait asyncio.gather(*[meet.later(i) for i in range(5)])",
		script.JavaScript: "await Promise.all([0, 1, 2, 3, 4].map(i => meet(i)))",
	} {
		var all sync.WaitGroup
		all.Add(5)
		meet := script.Func("meet", "", func(ctx context.Context, n int) (int, error) {
			all.Done()
			all.Wait() // for the others
			return n, ctx.Err()
		})
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Tools: []script.Tool{meet}})
		if err != nil || fmt.Sprint(tree(t, result.Value)) != "[0 1 2 3 4]" || result.ToolCalls["meet"] != 5 || result.Ledger.HostCalls["tool_calls"] != 1 {
			t.Errorf("%s: got %s, %v, %v", l, result.Value, err, result.Ledger)
		}
	}
}

// TestToolMany wants no more calls at once than are allowed, and all answered.
func TestToolMany(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	slow := script.Func("slow", "", func(_ context.Context, n int) (int, error) {
		if running := now.Add(1); running > most.Load() {
			most.Store(running)
		}
		defer now.Add(-1)
		return n, nil
	})
	result, err := sandbox(t, script.JavaScript).Run(t.Context(), script.JavaScript,
		"(await Promise.all(Array.from({length: 5000}, (_, i) => slow(i)))).reduce((a, b) => a + b)", script.Options{Tools: []script.Tool{slow}})
	if err != nil || string(result.Value) != "12497500" || most.Load() > 256 {
		t.Errorf("got %s, %v, %d at once", result.Value, err, most.Load())
	}
}

// TestToolTooMany wants the host not to make what a guest asks for with three bytes.
func TestToolTooMany(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "import asyncio\nawait asyncio.gather(*[nosuch.later() for _ in range(10_001)])",
		script.JavaScript: "await Promise.all(Array.from({length: 10001}, () => nosuch()))",
	} {
		called := false
		tool := script.Func("nosuch", "", func(context.Context, struct{}) (int, error) {
			called = true
			return 0, nil
		})
		_, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Tools: []script.Tool{tool}})
		wantKind(t, err, script.KindException)
		if called {
			t.Errorf("%s: some were made", l)
		}
	}
}

// TestToolTimeout wants a tool's context to end with the run's time, and the run to be
// told as what it is, whatever the code makes of the answer.
func TestToolTimeout(t *testing.T) {
	t.Parallel()
	hang := script.Tool{Name: "hang", Call: func(ctx context.Context, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	for l, code := range map[script.Language]string{
		script.Python:     "try: hang()\nexcept BaseException: pass",
		script.JavaScript: "try { await hang() } catch {}",
	} {
		_, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{Tools: []script.Tool{hang}, Limits: wasmhost.Limits{Timeout: 50 * time.Millisecond}})
		wantKind(t, err, wasmhost.KindTimeout)
		if !errors.Is(err, wasmhost.ErrTimeout) {
			t.Errorf("%s: got %v", l, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stop := script.Tool{Name: "hang", Call: func(ctx context.Context, _ json.RawMessage) (any, error) {
			cancel()
			return nil, context.Cause(ctx)
		}}
		_, err = sandbox(t, l).Run(ctx, l, code, script.Options{Tools: []script.Tool{stop}})
		wantKind(t, err, wasmhost.KindCanceled)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", l, err)
		}
	}
}

// elsewhere answers tools that have no Call.
type elsewhere struct{ batches [][]abi.ToolCall }

func (e *elsewhere) CallTool(context.Context, string, json.RawMessage) (json.RawMessage, error) {
	return nil, errors.New("one by one")
}

func (e *elsewhere) CallTools(_ context.Context, calls []abi.ToolCall) ([]abi.ToolAnswer, error) {
	e.batches = append(e.batches, calls)
	answers := make([]abi.ToolAnswer, len(calls))
	for i, call := range calls {
		if call.Name == "ask" {
			return nil, fmt.Errorf("ask somebody: %w", wasmhost.ErrPaused)
		}
		answers[i].Value = json.RawMessage(`"of ` + call.Name + `"`)
	}
	return answers, nil
}

// TestToolsElsewhere wants tools without Call to be answered by the service, together, and
// what does not fit their schemas not to get there.
func TestToolsElsewhere(t *testing.T) {
	t.Parallel()
	services := &elsewhere{}
	tools := []script.Tool{
		{Name: "far", Input: json.RawMessage(`{"type":"integer"}`)},
		{Name: "wrong", Output: json.RawMessage(`{"type":"integer"}`)},
		script.Func("near", "", func(_ context.Context, n int) (int, error) { return n, nil }),
	}
	code := `
import asyncio
def no(e): return e.kind if isinstance(e, Exception) else e
[no(x) for x in await asyncio.gather(far.later(1), near.later(2), far.later("x"), wrong.later(), far.later(3), return_exceptions=True)]`
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, script.Options{Tools: tools, Services: wasmhost.Services{Tools: services}})
	if got := fmt.Sprint(tree(t, result.Value)); err != nil || got != "[of far 2 invalid_args invalid_output of far]" {
		t.Fatalf("got %s, %v", got, err)
	}
	if len(services.batches) != 1 || len(services.batches[0]) != 3 {
		t.Errorf("got %v, want three calls at once", services.batches)
	}
}

// TestToolPauses wants a tool that waits for somebody to end the run.
func TestToolPauses(t *testing.T) {
	t.Parallel()
	waits := func(context.Context, json.RawMessage) (any, error) {
		return nil, fmt.Errorf("ask: %w", wasmhost.ErrPaused)
	}
	all := []script.Options{
		{Tools: []script.Tool{{Name: "ask"}}, Services: wasmhost.Services{Tools: &elsewhere{}}},
		{Tools: []script.Tool{{Name: "ask", Call: waits}}},
	}
	for l, code := range map[script.Language]string{
		script.Python:     "try: ask()\nexcept BaseException: pass",
		script.JavaScript: "try { await ask() } catch {}",
	} {
		for _, options := range all {
			_, err := sandbox(t, l).Run(t.Context(), l, code, options)
			wantKind(t, err, wasmhost.KindPaused)
			if !errors.Is(err, wasmhost.ErrPaused) {
				t.Errorf("%s: got %v", l, err)
			}
		}
	}
}

// TestToolGrants wants the service to see granted tools only.
func TestToolGrants(t *testing.T) {
	t.Parallel()
	services := &elsewhere{}
	options := script.Options{Grants: wasmhost.Grants{Tools: []string{"granted"}}, Services: wasmhost.Services{Tools: services}}
	code := "r = [ctx.call('granted', 1)]\ntry:\n  ctx.call('other', 1)\nexcept ToolError as e:\n  r.append(e.kind)\nr"
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, code, options)
	if got := fmt.Sprint(tree(t, result.Value)); err != nil || got != "[of granted denied]" || len(services.batches) != 1 {
		t.Errorf("got %s, %v, %v", got, err, services.batches)
	}
}

func TestSleep(t *testing.T) {
	t.Parallel()
	for l, code := range map[script.Language]string{
		script.Python:     "ctx.sleep(0.01)\nimport asyncio\nawait asyncio.sleep(0.01)\n'done'",
		script.JavaScript: "await ctx.sleep(0.01); await new Promise(r => setTimeout(r, 10)); 'done'",
	} {
		result, err := sandbox(t, l).Run(t.Context(), l, code, script.Options{})
		if err != nil || string(result.Value) != `"done"` || result.Ledger.Wall < 20*time.Millisecond {
			t.Errorf("%s: got %s, %v, %v", l, result.Value, err, result.Ledger.Wall)
		}
	}
}
