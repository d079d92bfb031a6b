package runtimes_test

import (
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

func TestPythonValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, want string }{
		"nothing":            {"x = 1", "null"},
		"last expression":    {"x = 1\nx + 1", "2"},
		"expression in if":   {"if True:\n    5\nelse:\n    6", "5"},
		"result":             {"result = 7\n8", "7"},
		"result wins":        {"def main(): return 1\nresult = 2", "2"},
		"main":               {"def main(value): return [value, 1]", "[null,1]"},
		"main alone":         {"def main(): return 'x'", `"x"`},
		"main async":         {"async def main(value): return 3", "3"},
		"main with rest":     {"def main(*values): return len(values)", "1"},
		"main as object":     {"class Main:\n    def __call__(self, v): return 4\nmain = Main()", "4"},
		"main called itself": {"calls = []\ndef main():\n    calls.append(1)\n    return len(calls)\nif __name__ == '__main__':\n    main()", "1"},
		"top-level await":    {"import asyncio\nawait asyncio.sleep(0, 'x')", `"x"`},
		"exit":               {"import sys\nresult = 5\nsys.exit()", "5"},
		"input stays null":   {"input", "null"},

		"scalars":      {"[None, True, False, 1, -2, 1.0, 1.5, 1e300, 'ü€𝄞']", `[null,true,false,1,-2,1.0,1.5,1e+300,"ü€𝄞"]`},
		"64 bits":      {"[2**63 - 1, -2**63]", "[9223372036854775807,-9223372036854775808]"},
		"bytes":        {"[b'hi', bytearray(b'a'), memoryview(b'b')]", `[{"$bytes":"aGk="},{"$bytes":"YQ=="},{"$bytes":"Yg=="}]`},
		"sequences":    {"from collections import deque\nfrom array import array\n[(1, 2), {3, 1}, frozenset('ba'), range(2), deque([1]), array('i', [5]), {'a': 1}.keys()]", `[[1,2],[1,3],["a","b"],[0,1],[1],[5],["a"]]`},
		"keys":         {"{1: 1, 2.5: 2, True: 3, None: 4, 'x': 5}", `{"1":3,"2.5":2,"null":4,"x":5}`},
		"time":         {"from datetime import *\n[datetime(2026, 1, 2, 3, tzinfo=timezone.utc), datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 2), date(2026, 1, 2), time(3, 4)]", `[{"$time":"2026-01-02T03:00:00Z"},{"$time":"2026-01-02T00:00:00+02:00"},"2026-01-02T00:00:00","2026-01-02","03:04:00"]`},
		"odd offset":   {"from datetime import *\ndatetime(2026, 1, 2, tzinfo=timezone(timedelta(seconds=90)))", `{"$time":"2026-01-01T23:58:30Z"}`},
		"as text":      {"from decimal import Decimal\nfrom fractions import Fraction\nfrom uuid import UUID\nfrom pathlib import Path\n[Decimal('1.50'), Fraction(1, 3), UUID(int=1), Path('a/b')]", `["1.50","1/3","00000000-0000-0000-0000-000000000001","a/b"]`},
		"dataclass":    {"from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    y: object\nP(1, P(2, None))", `{"x":1,"y":{"x":2,"y":null}}`},
		"namedtuple":   {"from collections import namedtuple\nnamedtuple('N', 'a b')(1, (2,))", `{"a":1,"b":[2]}`},
		"enum":         {"from enum import Enum, IntEnum\nclass A(Enum): X = 'x'\nclass B(IntEnum): Y = 2\n[A.X, B.Y, {A.X: 1}]", `["x",2,{"x":1}]`},
		"subclasses":   {"from collections import Counter, OrderedDict\nclass I(int): pass\nclass S(str): pass\n[Counter('aab'), OrderedDict(a=1), I(3), S('s')]", `[{"a":2,"b":1},{"a":1},3,"s"]`},
		"file":         {"{'$file': {'name': 'a'}}", `{"$file":{"name":"a"}}`},
		"shared twice": {"a = {1}\n[a, a]", `[[1],[1]]`},
		"deep":         {"x = 1\nfor i in range(1000): x = [x]\nx", strings.Repeat("[", 1000) + "1" + strings.Repeat("]", 1000)},
		"deep set":     {"x = {1}\nfor i in range(998): x = [x]\nx", strings.Repeat("[", 999) + "1" + strings.Repeat("]", 999)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantValue(t, run(t, test.code), test.want)
		})
	}
}

func TestPythonRefusesValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ code, want string }{
		"nan":        {"[1, float('nan')]", "result[1] is nan"},
		"infinity":   {"{'a': {'b': float('-inf')}}", "result.a.b is -inf"},
		"wide":       {"{'n': 2**63}", "result.n is an integer of more than 64 bits"},
		"surrogate":  {"{'s': ['\\ud800']}", "result.s[0] is not valid Unicode"},
		"in a key":   {"{'\\ud800': 1}", "a key of result is not valid Unicode"},
		"object":     {"{'items': [1, 2, 3, object()]}", "result.items[3] is of type object"},
		"function":   {"{'f': print}", "result.f is of type builtin_function_or_method"},
		"class":      {"int", "result is of type type"},
		"generator":  {"(i for i in [1])", "result is of type generator, which has no JSON; make it a list"},
		"key":        {"{(1, 2): 3}", "result has a key of type tuple"},
		"same key":   {"{1: 1, '1': 2}", "result has two keys that are written '1'"},
		"cycle":      {"a = {}\na['x'] = [a]\na", "result.x[0] contains itself"},
		"own cycle":  {"from dataclasses import dataclass\n@dataclass\nclass D:\n    d: object\nd = D(None)\nd.d = d\nd", "result.d contains itself"},
		"too deep":   {"x = 1\nfor i in range(1001): x = [x]\nx", "is nested more than 1000 deep"},
		"fails":      {"class D(dict):\n    def items(self): return 1 / 0\nD(a=1)", ""},
		"of exit":    {"import sys\nresult = print\nsys.exit(0)", "result is of type builtin_function_or_method"},
		"of main":    {"def main(): return [print]", "result[0] is of type builtin_function_or_method"},
		"far nested": {"x = 1\nfor i in range(100000): x = [x]\nx", "is nested more than 1000 deep"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, test.code)
			if test.want == "" {
				if got.Error == nil || got.Error.Kind != "exception" {
					t.Errorf("got %+v, want an exception", got.Error)
				}
				return
			}
			if got.Error == nil || got.Error.Kind != "invalid_result" || !strings.Contains(got.Error.Message, test.want) {
				t.Errorf("got %+v, want invalid_result with %q", got.Error, test.want)
			}
		})
	}
}

func TestPythonInput(t *testing.T) {
	t.Parallel()
	bytes := map[string]any{"$bytes": "aGk="}
	when := map[string]any{"$time": "2026-01-02T03:04:05.5+02:00"}
	doc := document{
		Code: code(
			"def main(value):",
			"    assert value == input",
			"    return [repr(value['b']), value['t'].isoformat(), value['other'], value['n'] / 4, value]",
		),
		Input: map[string]any{"b": bytes, "t": when, "other": map[string]any{"$bytes": "%"}, "n": 2},
		Argv:  []string{"-v"},
	}
	got, _, err := call(t, doc, wasmhost.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, got, `["b'hi'","2026-01-02T03:04:05.500000+02:00",{"$bytes":"%"},0.5,`+
		`{"b":{"$bytes":"aGk="},"n":2,"other":{"$bytes":"%"},"t":{"$time":"2026-01-02T03:04:05.500000+02:00"}}]`)
}

func TestPythonPlace(t *testing.T) {
	t.Parallel()
	doc := document{Code: "import sys, os\n[__name__, __file__, sys.argv, sys.path, dict(os.environ)]", File: "job.py", Argv: []string{"-v"}}
	got, _, err := call(t, doc, wasmhost.Options{Grants: wasmhost.Grants{Env: map[string]string{"A": "b"}}})
	if err != nil {
		t.Fatal(err)
	}
	wantValue(t, got, `["__main__","job.py",["job.py","-v"],[],{"A":"b"}]`)
}
