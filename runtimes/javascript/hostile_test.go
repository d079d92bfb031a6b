package javascript_test

import (
	"errors"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// endless holds code that stops at a limit or not at all.
var endless = map[string]string{
	"sort":      `new Array(4e9).sort()`,
	"join":      `Array.prototype.join.call({length: 2 ** 32})`,
	"indexOf":   `const s = "a".repeat(1e6); for (let i = 0; i < 1e6; i++) s.indexOf("b")`,
	"regex":     `/(a*)*b/.test("a".repeat(40))`,
	"catch":     `while (true) { try { throw 1 } catch {} }`,
	"recursion": `function f() { try { f() } finally { f() } } f()`,
	"jobs":      `const f = () => Promise.resolve().then(f); await f()`,
	"bigint":    `let x = 3n; for (;;) x = (x * x) % (1n << 100000n)`,
	"fill":      `const a = new Uint8Array(1e8); for (;;) a.fill(1)`,
	"copy":      `const a = new Uint8Array(1e8); for (;;) a.copyWithin(0, 1)`,
	"interval":  `setInterval(() => {}, 1)`,
	"iterator":  `[...(function* () { for (;;) if (0) yield })()]`,
	"types":     `Function.prototype.toString.call = 0; for (;;) new Function("a", "return a")`,
}

//nolint:paralleltest // the lateness is measured
func TestEndlessCodeTimesOut(t *testing.T) {
	const limit, late = 300 * time.Millisecond, 50 * time.Millisecond
	run(t, "1")
	for name, code := range endless {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, ledger, err := call(t, document{Code: code}, wasmhost.Options{Limits: wasmhost.Limits{Timeout: limit}})
			if !errors.Is(err, wasmhost.ErrTimeout) {
				t.Fatalf("got %v after %v, want a timeout", err, time.Since(start))
			}
			t.Logf("stopped after %v", ledger.Wall)
			if over := ledger.Wall - limit; over > late && !slowMachine {
				t.Errorf("stopped %v after its limit, want %v at most", over, late)
			}
		})
	}
}

func TestEndlessCodeRunsOutOfFuel(t *testing.T) {
	t.Parallel()
	for name, code := range endless {
		if name == "interval" { // sleeps
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := call(t, document{Code: code}, wasmhost.Options{Limits: wasmhost.Limits{Fuel: 300_000_000}})
			if !errors.Is(err, wasmhost.ErrFuel) {
				t.Errorf("got %v, want out of fuel", err)
			}
		})
	}
}

func TestMemoryIsAnException(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		`"x".repeat(2 ** 29)`,
		`new Uint8Array(2 ** 30)`,
		`let a = [1]; for (;;) a = a.concat(a)`,
		`let s = "ab"; for (;;) s += s + 1`,
		`const m = new Map(); for (let i = 0; ; i++) m.set(i, {i})`,
		`const all = []; for (;;) all.push(new ArrayBuffer(1e6))`,
		`let o = {}; for (let i = 0; ; i++) o["k" + i] = i`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			got, _, err := call(t, document{Code: code}, wasmhost.Options{Limits: wasmhost.Limits{Memory: 32 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Error == nil || got.Error.Kind != "memory" && got.Error.Type != "RangeError" && got.Error.Message != "string too long" {
				t.Errorf("got %s %+v", got.Value, got.Error)
			}
		})
	}
}

func TestTamperedPrototypes(t *testing.T) {
	t.Parallel()
	code := `const lie = () => '{"value":"forged"}';
JSON.stringify = JSON.parse = lie;
Object.prototype.toJSON = lie;
Array.prototype[Symbol.iterator] = function* () { yield 1 };
Array.prototype.map = Array.prototype.push = Array.isArray = Object.keys = Object.assign = lie;
String.prototype.split = String.prototype.replace = Promise.prototype.then = Promise.resolve = lie;
result = 2`
	value(t, code, `2`)
	if got := run(t, code+"; null.x").Error; got == nil || got.Kind != "exception" {
		t.Errorf("got %+v", got)
	}
}
