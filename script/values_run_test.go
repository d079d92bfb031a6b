package script_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

// snippet is code in one language and what it comes to.
type snippet struct {
	language script.Language
	code     string
	input    any
	want     string // the value, as JSON
}

func TestValues(t *testing.T) {
	t.Parallel()
	data := map[string]any{"n": int64(math.MaxInt64), "f": 1.0, "b": []byte{0, 255}, "t": noon, "l": []any{nil, true, "é\u2028"}}
	document := `{"b":{"$bytes":"AP8="},"f":1.0,"l":[null,true,"é\u2028"],"n":9223372036854775807,"t":{"$time":"2026-01-02T12:30:00+01:00"}}`
	for _, test := range []snippet{
		// Which value is meant.
		{script.Python, "1\nresult = 5", nil, `5`},
		{script.Python, "def main(input): return input + 1\n3", 1, `2`},
		{script.Python, "def main(): return 8", nil, `8`},
		{script.Python, "async def main(input):\n  return input", 4, `4`},
		{script.Python, "x = 3\nx * 2", nil, `6`},
		{script.Python, "x = 3", nil, `null`},
		{script.Python, "", nil, `null`},
		{script.Python, "import asyncio\nasync def f():\n  await asyncio.sleep(0)\n  return 3\nawait f()", nil, `3`},
		{script.Python, "__name__", nil, `"__main__"`},
		{script.Python, "import sys\nsys.argv", nil, `["main.py"]`},
		{script.JavaScript, "var result = 5; 1", nil, `5`},
		{script.JavaScript, "function main(input) { return input + 1 }", 1, `2`},
		{script.JavaScript, "async function main() { return 8 }", nil, `8`},
		{script.JavaScript, "const x = 3\nx * 2", nil, `6`},
		{script.JavaScript, "", nil, `null`},
		{script.JavaScript, "await Promise.resolve(3)", nil, `3`},
		{script.JavaScript, "export default async (input) => input + 1", 1, `2`},
		{script.TypeScript, "interface P { a: number }\nconst p: P = { a: 1 };\np.a as number", nil, `1`},
		{script.TypeScript, "enum E { A = 4 }\nE.A", nil, `4`},

		// Values, there and back.
		{script.Python, "input", data, document},
		{script.Python, "[type(v).__name__ for v in input.values()]", data, `["bytes","float","list","int","datetime"]`},
		{script.JavaScript, "input", map[string]any{"b": []byte{0, 255}, "l": []any{nil, true, "é\u2028"}}, `{"b":{"$bytes":"AP8="},"l":[null,true,"é\u2028"]}`},
		{script.JavaScript, "[typeof input.n, input.b instanceof Uint8Array, input.t instanceof Date, input.n + 0n]", data, `["bigint",true,true,9223372036854775807]`},
		{script.JavaScript, "input", noon.Truncate(time.Second), `{"$time":"2026-01-02T11:30:00.000Z"}`},
		{script.Python, "{1: 'a', None: (1, 2), 'x': {3}, 2.5: True}", nil, `{"1":"a","null":[1,2],"x":[3],"2.5":true}`},
		{script.Python, "import datetime as d\n[d.date(2026, 1, 2), d.datetime(2026, 1, 2, 3)]", nil, `["2026-01-02","2026-01-02T03:00:00"]`},
		{script.Python, "from dataclasses import dataclass\n@dataclass\nclass P:\n  a: int\nP(1)", nil, `{"a":1}`},
		{script.Python, "import enum, decimal, fractions, uuid\nclass E(enum.Enum):\n  A = 'x'\n[E.A, decimal.Decimal('1.10'), fractions.Fraction(1, 3), uuid.UUID(int=1)]", nil, `["x","1.10","1/3","00000000-0000-0000-0000-000000000001"]`},
		{script.Python, "-2**63", nil, `-9223372036854775808`},
		{script.JavaScript, "[undefined, null, 1.5, -0]", nil, `[null,null,1.5,0]`},
		{script.JavaScript, "({a: undefined, b: new Map([['k', 1]]), c: new Set([1]), d: 2n ** 62n})", nil, `{"b":{"k":1},"c":[1],"d":4611686018427387904}`},
		{script.JavaScript, "undefined", nil, `null`},
		{script.JavaScript, "new Float32Array([1.5, 2])", nil, `[1.5,2]`},
	} {
		t.Run(string(test.language)+" "+test.code, func(t *testing.T) {
			t.Parallel()
			result, err := sandbox(t, test.language).Run(t.Context(), test.language, test.code, script.Options{Input: test.input})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := tree(t, result.Value), tree(t, json.RawMessage(test.want)); !reflect.DeepEqual(got, want) {
				t.Errorf("got %s, want %s", result.Value, test.want)
			}
		})
	}
}

// tree is a document with its numbers as they are written, but for the zeros that end a
// fraction in text of a time.
func tree(t *testing.T, document json.RawMessage) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(string(document)))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return v
}

func TestValuesRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []snippet{
		{script.Python, "result = {'items': [0, 1, lambda: 1]}", nil, "result.items[2]"},
		{script.Python, "a = []\na.append(a)\na", nil, "result[0]"},
		{script.Python, "float('nan')", nil, "nan"},
		{script.Python, "2**64", nil, "64"},
		{script.Python, "'\\ud800'", nil, "surrogate"},
		{script.Python, "a = []\nfor i in range(2000): a = [a]\na", nil, "1000"},
		{script.Python, "import sys\nsys", nil, "module"},
		{script.JavaScript, "({items: [0, 1, () => 1]})", nil, "result.items[2]"},
		{script.JavaScript, "const a = []; a.push(a); a", nil, "result[0]"},
		{script.JavaScript, "0/0", nil, "NaN"},
		{script.JavaScript, "2n ** 64n", nil, "64"},
		{script.JavaScript, "'\\ud800'", nil, "surrogate"},
		{script.JavaScript, "let a = []; for (let i = 0; i < 2000; i++) a = [a]; a", nil, "1000"},
		{script.JavaScript, "Symbol('x')", nil, "ymbol"},
	} {
		t.Run(string(test.language)+" "+test.code, func(t *testing.T) {
			t.Parallel()
			result, err := sandbox(t, test.language).Run(t.Context(), test.language, test.code, script.Options{})
			var failure *script.Error
			if !errors.As(err, &failure) || failure.Kind != script.KindInvalidResult || !strings.Contains(failure.Message, test.want) {
				t.Errorf("got %s, %v, want an invalid result with %q", result.Value, err, test.want)
			}
		})
	}
}

func TestResultDecode(t *testing.T) {
	t.Parallel()
	result, err := sandbox(t, script.Python).Run(t.Context(), script.Python, "import datetime as d\n{'id': 'x', 'count': 3.0, 'data': b'hi', 'at': d.datetime(2026, 1, 2, tzinfo=d.UTC)}", script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got record
	if err := result.Decode(&got); err != nil || got.ID != "x" || got.Count != 3 || string(got.Data) != "hi" || got.At.Day() != 2 {
		t.Errorf("got %+v, %v of %s", got, err, result.Value)
	}
	loose, err := result.Any()
	if at := loose.(map[string]any)["at"].(time.Time); err != nil || !at.Equal(got.At) {
		t.Errorf("got %v, %v, want the time", loose, err)
	}
}
