package javascript_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, code string
		want       failure
	}{
		{"syntax", "let a = 1;\nlet b = ;", failure{Kind: "syntax", Type: "SyntaxError", Line: 2, Column: 9}},
		{"exception", "function f(x) {\n  throw new TypeError('bad ' + x)\n}\n\nf(1)", failure{Kind: "exception", Type: "TypeError", Message: "bad 1", Line: 2, Column: 22}},
		{"own class", "class Oops extends Error {}\nOops.prototype.name = 'Oops';\nthrow new Oops('x')", failure{Kind: "exception", Type: "Oops", Message: "x", Line: 3}},
		{"rejected", "const f = async () => {\n  null.x\n};\nawait f()", failure{Kind: "exception", Type: "TypeError", Line: 2}},
		{"unhandled", "Promise.reject(new RangeError('nobody'));\n5", failure{Kind: "exception", Type: "RangeError", Message: "nobody", Line: 1}},
		{"in a timer", "setTimeout(() => {\n  throw new Error('late')\n}, 1)", failure{Kind: "exception", Type: "Error", Message: "late", Line: 2}},
		{"not an error", "\nthrow {a: 1}", failure{Kind: "exception", Type: "Object", Message: "thrown: { a: 1 }", Line: 2}},
		{"recursion", "function f() { return f() + 1 }\nf()", failure{Kind: "exception", Type: "InternalError", Message: "stack overflow", Line: 1}},
		{"memory", "const x = [];\nfor (;;) x.push('a'.repeat(1e6) + x.length)", failure{Kind: "memory", Type: "InternalError", Message: "out of memory", Line: 2}},
		{"never settled", "await new Promise(() => {})", failure{Kind: "exception", Type: "Error", Message: "the code awaits a promise that nothing settles"}},
		{"exit", "process.exit(3)", failure{Kind: "exit", Type: "Exit", Message: "the code exited with 3", Line: 1}},
		{"no module", "import x from 'left-pad'", failure{Kind: "exception", Type: "Error", Message: "there is no module left-pad: packages have to be given to the run, and npm is not reachable from here"}},
		{"sandboxed module", "await import('node:child_process')", failure{Kind: "exception", Type: "Error", Message: "node:child_process is not available in the sandbox: there are no processes; call a tool or another task"}},
		{"JSON", "JSON.parse('{')", failure{Kind: "exception", Type: "SyntaxError", Line: 1}},
		{"module", "export const a = 1;\n\nnull.x", failure{Kind: "exception", Type: "TypeError", Line: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := run(t, c.code).Error
			if got == nil {
				t.Fatal("no error")
			}
			want := c.want
			if got.Kind != want.Kind || got.Type != want.Type || want.Message != "" && got.Message != want.Message ||
				got.Line != want.Line || want.Column != 0 && got.Column != want.Column || got.File != "main.js" {
				t.Errorf("got %+v\nwant %+v", *got, want)
			}
		})
	}
}

func TestTraceback(t *testing.T) {
	t.Parallel()
	code := "function inner() {\n  throw new Error('x', { cause: new TypeError('why') })\n}\n[1].map(function each() { inner() })"
	want := `main.js:2
  throw new Error('x', { cause: new TypeError('why') })
                 ^

Error: x
    at inner (main.js:2:18)
    at each (main.js:4:32)
    at main.js:4:8
  [cause]: TypeError: why
      at inner (main.js:2:46)
      at each (main.js:4:32)
      at main.js:4:8`
	if got := run(t, code).Error; got == nil || got.Traceback != want {
		t.Errorf("got %+v\nwant %s", got, want)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	code := "\nctx.fail('quota', 'none left', { permanent: true, retryAfter: 1.5 })"
	_, _, err := call(t, document{Code: code}, wasmhost.Options{})
	var trap *wasmhost.TrapError
	if !errors.As(err, &trap) || trap.Kind != "quota" || trap.Message != "none left" || !trap.Permanent || trap.RetryAfter != 1500*time.Millisecond {
		t.Errorf("got %#v", err)
	}
}

func TestCaughtErrors(t *testing.T) {
	t.Parallel()
	for _, deep := range []string{
		`(function f() { f() })()`,
		`let d = []; for (let i = 0; i < 1e5; i++) d = [d]; JSON.stringify(d)`,
		`let d = []; for (let i = 0; i < 1e5; i++) d = [d]; d.flat(Infinity)`,
		`JSON.parse("[".repeat(1e5))`,
		`eval("!".repeat(1e5) + "1")`,
		`eval("2**".repeat(1e5) + "1")`,
		`let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x`,
	} {
		t.Run(deep, func(t *testing.T) {
			t.Parallel()
			got := run(t, "let said = ''; try { "+deep+" } catch (e) { said = e.message } said")
			if !strings.Contains(string(got.Value), "stack overflow") {
				t.Errorf("got %s %+v", got.Value, got.Error)
			}
		})
	}
}
