package javascript_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestWhatTheValueIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, code, want string }{
		{"nothing", ``, `null`},
		{"last expression", "1\n2 + 3", `5`},
		{"completion of a block", `if (true) { "yes" }`, `"yes"`},
		{"result", `result = {a: 1}; 5`, `{"a":1}`},
		{"const result", `const result = [1]; 5`, `[1]`},
		{"result of a timer", `setTimeout(() => { result = 7 }, 1); 5`, `7`},
		{"main", `function main(input) { return [input] }`, `[null]`},
		{"async main", `const main = async () => { await 1; return 2 }`, `2`},
		{"main that was called", `let n = 0; async function main() { return ++n } main()`, `1`},
		{"main that was called and caught", `let n = 0; const main = async () => { n++ }; main().catch(String).then(() => n)`, `1`},
		{"promise", `Promise.resolve(3)`, `3`},
		{"await", `const x = await Promise.resolve(3); x + 1`, `4`},
		{"module", "import { ctx } from 'graflow';\nctx.attempt + 1", `2`},
		{"module with main", "export const x = 1;\nfunction main() { return 9 }", `9`},
		{"default function", `export default async () => 4`, `4`},
		{"default value", `export default {a: 4}`, `{"a":4}`},
		{"for await", "let s = 0; for await (const x of (async function* () { yield 1; yield 2 })()) s += x; s", `3`},
		{"a dropped timer", `await Promise.race([1, new Promise((_, no) => setTimeout(no, 60_000))])`, `1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			value(t, c.code, c.want)
		})
	}
}

func TestValuesToJSON(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`undefined`:                                                  `null`,
		`[undefined, null, , 1]`:                                     `[null,null,null,1]`,
		`({a: undefined, b: null})`:                                  `{"b":null}`,
		`[1.5, -0, 1e21, 2 ** 53]`:                                   `[1.5,0,1e+21,9007199254740992]`,
		`[2n ** 63n - 1n, -(2n**63n)]`:                               `[9223372036854775807,-9223372036854775808]`,
		`"é\u{1F600}\n\u0001\"\\"`:                                   `"é😀\n\u0001\"\\"`,
		`new Uint8Array([1, 2, 255])`:                                `{"$bytes":"AQL/"}`,
		`new ArrayBuffer(1)`:                                         `{"$bytes":"AA=="}`,
		`new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6))`:                 `{"$time":"2026-01-02T03:04:05.006Z"}`,
		`new Set([1, [2]])`:                                          `[1,[2]]`,
		`new Map([["a", 1], [2, new Map()], [null, true]])`:          `{"a":1,"2":{},"null":true}`,
		`new Float32Array([0.5])`:                                    `[0.5]`,
		`new Uint8ClampedArray([300])`:                               `[255]`,
		`[new Number(1), new String("s"), Object(2n)]`:               `[1,"s",2]`,
		`new (class P { constructor() { this.x = 1 } get y() { } })`: `{"x":1}`,
		`({$file: "x"})`:                                             `{"$file":"x"}`,
		`[new URL("http://a/b"), {toJSON: () => [1]}]`:               `["http://a/b",[1]]`,
		`new Proxy([1, 2], {})`:                                      `[1,2]`,
		`const m = new Map([[1, {toJSON() { m.clear(); return 5 }}], [2, 3]]); m`: `{"1":5}`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			value(t, code, want)
		})
	}
}

func TestValuesRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		`({items: [1, 2, 3, () => 1]})`: `result.items[3] is a function`,
		`[NaN]`:                         `result[0] is NaN`,
		`({"a b": 1 / 0})`:              `result["a b"] is infinite`,
		`Symbol("x")`:                   `result is a symbol`,
		`[2n ** 64n]`:                   `result[0] is a BigInt beyond 64 bits`,
		`"\ud800"`:                      `result is a string with half of a surrogate pair`,
		`const o = {}; o.me = o; o`:     `result.me contains itself`,
		`let d = []; for (let i = 0; i < 2000; i++) d = [d]; d`: `nested more than 1000 deep`,
		`[Promise.resolve(1)]`: `result[0] is a Promise`,
		`new Date(NaN)`:        `result is an invalid Date`,
		`new Error("x")`:       `result is an Error`,
		`new Map([[{}, 1]])`:   `result is a Map with a key`,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			got := run(t, code)
			if got.Error == nil || got.Error.Kind != "invalid_result" || !strings.Contains(got.Error.Message, want) {
				t.Errorf("got %s %+v, want invalid_result: %s", got.Value, got.Error, want)
			}
		})
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	input := `{"big":9223372036854775807,"neg":-99999999999999999999,"safe":9007199254740991,"f":1e20,
		"text":"99999999999999999999 \" 9","bytes":{"$bytes":"AQI="},"time":{"$time":"2026-01-02T03:04:05Z"},
		"deep":[[{"$bytes":""}]],"more":{"$bytes":"AQ==","x":1}}`
	code := `[typeof input.big, input.big, String(input.neg), typeof input.safe, input.f, input.text,
		input.bytes instanceof Uint8Array && input.bytes[1], input.time.getTime(), input.deep[0][0].length, input.more]`
	want := `["bigint",9223372036854775807,"-99999999999999999999","number",100000000000000000000,"99999999999999999999 \" 9",` +
		`2,1767323045000,0,{"$bytes":"AQ==","x":1}]`
	got, _, err := call(t, document{Code: code, Input: json.RawMessage(input)}, wasmhost.Options{})
	if err != nil || got.Error != nil || string(got.Value) != want {
		t.Errorf("got %s %+v %v\nwant %s", got.Value, got.Error, err, want)
	}
}
