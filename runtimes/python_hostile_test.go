package runtimes_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// Code that recurses without end, or is nested without end, comes to an exception
// or to a trap, and the next call finds a whole interpreter.
func TestPythonRecursion(t *testing.T) {
	t.Parallel()
	const limitless = "import sys\nsys.setrecursionlimit(10**9)\n"
	const nested = "x = []\nfor i in range(200000): x = [x]\n"
	tests := map[string]string{
		"function":        limitless + "def f(): f()\nf()",
		"through C":       limitless + "def f(x): return sorted([1, 2], key=f)\nf(1)",
		"map":             limitless + "def f(x): return list(map(f, [x]))\nf(1)",
		"reduce":          limitless + "from functools import reduce\ndef f(a, b): return reduce(f, [a, b])\nf(1, 2)",
		"attribute":       limitless + "class A:\n    def __getattr__(self, n): return getattr(self, n + 'x')\nA().a",
		"repr":            limitless + "class A:\n    def __repr__(self): return repr(self)\nrepr(A())",
		"equality":        limitless + "class A:\n    def __eq__(self, o): return self == o\nA() == A()",
		"format":          limitless + "class A:\n    def __format__(self, s): return f'{self}'\nf'{A()}'",
		"call":            limitless + "class A: pass\nA.__call__ = A()\nA()()",
		"regular":         limitless + "import re\ndef f(m): return re.sub('a', f, 'a')\nf(1)",
		"regular nested":  limitless + "import re\nre.compile('(' * 50000 + ')' * 50000)",
		"eval":            limitless + "def f(): return eval('f()')\nf()",
		"exec":            limitless + "s = 'exec(s)'\nexec(s)",
		"sort":            limitless + "class A:\n    def __lt__(self, o): return sorted([A(), A()])\nsorted([A(), A()])",
		"generator":       limitless + "def f():\n    yield from f()\nlist(f())",
		"coroutine":       limitless + "async def f(): await f()\nawait f()",
		"import hook":     limitless + "import sys\nclass F:\n    def find_spec(self, *a): import nothing_at_all\nsys.meta_path.insert(0, F())\nimport nothing_at_all",
		"nested repr":     limitless + nested + "repr(x)",
		"nested json":     limitless + nested + "import json\njson.dumps(x)",
		"nested parse":    limitless + "import json\njson.loads('[' * 1000000)",
		"nested pickle":   limitless + nested + "import pickle\npickle.dumps(x)",
		"nested copy":     limitless + nested + "import copy\ncopy.deepcopy(x)",
		"nested compare":  limitless + nested + "y = []\nfor i in range(200000): y = [y]\nx == y",
		"nested hash":     limitless + "x = ()\nfor i in range(200000): x = (x,)\nhash(x)",
		"nested marshal":  limitless + nested + "import marshal\nmarshal.dumps(x)",
		"nested types":    limitless + "x = int\nfor i in range(200000): x = (x,)\nisinstance('', x)",
		"nested groups":   "e = ValueError()\nfor i in range(20000): e = ExceptionGroup('g', [e])\nraise e",
		"chained errors":  "e = None\nfor i in range(200000):\n    n = ValueError(i)\n    n.__cause__ = e\n    e = n\nraise e",
		"parentheses":     "eval('(' * 100000)",
		"brackets":        "eval('[' * 90 + ']' * 90 + '+' + '-' * 100000 + '1')",
		"unary":           "eval('-' * 100000 + '1')",
		"attributes":      "eval('a' + '.a' * 100000)",
		"additions":       "eval('1' + '+1' * 100000)",
		"nested lambdas":  "eval('lambda:' * 100000 + '1')",
		"nested ifs":      "exec('\\n'.join(' ' * i + 'if 1:' for i in range(99)) + '\\n' + ' ' * 99 + 'pass')\nraise RecursionError",
		"else if":         "exec('if 0: pass\\n' + 'elif 0: pass\\n' * 20000)\nraise RecursionError",
		"strings":         "eval('f\"{' * 1000 + '1' + '}\"' * 1000)",
		"ast":             limitless + "import ast\nx = ast.Constant(1, lineno=1, col_offset=0)\nfor i in range(100000): x = ast.UnaryOp(ast.USub(), x, lineno=1, col_offset=0)\ncompile(ast.Expression(x), 'a', 'eval')",
		"xml":             "import xml.etree.ElementTree as E\nx = E.fromstring('<a>' * 100000 + '</a>' * 100000)\nE.tostring(x)",
		"freed":           nested + "del x\nraise RecursionError",
		"freed iterators": "x = iter([])\nimport itertools\nfor i in range(200000): x = itertools.chain(x, [1])\ndel x\nraise RecursionError",
		"iterators":       limitless + "import itertools\nx = iter([])\nfor i in range(200000): x = itertools.chain(x, [1])\nnext(x)",
		"partials":        limitless + "from functools import partial\nclass P(partial): pass\nx = print\nfor i in range(200000):\n    x = P(x)\n    x.a = 1\nrepr(x)\nx()",
		"properties":      limitless + "class A:\n    @property\n    def p(self): return self.p\nA().p",
		"str of":          limitless + "x = ValueError()\nfor i in range(200000): x = ValueError(x)\nstr(x)",
	}
	for name, program := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := wasmhost.Options{Limits: wasmhost.Limits{Timeout: 120 * time.Second}}
			got, _, err := call(t, document{Code: program}, opt)
			var trap *wasmhost.TrapError
			switch {
			case errors.As(err, &trap):
				t.Logf("ended with %s: %s", trap.Kind, trap.Message)
				if trap.Kind != wasmhost.KindStack && trap.Kind != wasmhost.KindMemory {
					t.Errorf("got %v, want an exception, or the end of stack or memory", err)
				}
			case err != nil:
				t.Fatal(err)
			case got.Error == nil:
				t.Logf("came to %.60s", got.Value)
			default:
				t.Logf("%s: %.100s", got.Error.Type, got.Error.Message)
			}
			wantValue(t, run(t, "import json\njson.dumps([1])"), `"[1]"`)
		})
	}
}

// What takes for ever ends at the limit.
func TestPythonLimits(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"loop":         "while True: pass",
		"defiant loop": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
		"power":        "10 ** 10 ** 8",
		"sum":          "sum(range(10**12))",
		"regular":      "import re\nre.match('(a*)*b', 'a' * 40)",
		"digits":       "str(7 ** 10**7)",
		"awaiting":     "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nawait f()",
		"undeadlocked": "import asyncio\nwhile True:\n    try:\n        await asyncio.Event().wait()\n    except Exception: pass",
		"sleeping":     "import time\ntime.sleep(10**6)",
	}
	for name, program := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := wasmhost.Options{Limits: wasmhost.Limits{Timeout: 2 * time.Second, Fuel: 20_000_000_000}}
			got, _, err := call(t, document{Code: program}, opt)
			if !errors.Is(err, wasmhost.ErrTimeout) && !errors.Is(err, wasmhost.ErrFuel) && (got.Error == nil || got.Error.Kind == "") {
				t.Errorf("got %+v, %v; want the end of time or fuel", got, err)
			}
		})
	}
}

// Memory that can't grow is a MemoryError, which code may handle.
func TestPythonMemory(t *testing.T) {
	t.Parallel()
	const caught = "try:\n    %s\nexcept MemoryError:\n    x = 'caught'\nx"
	tests := map[string]string{
		"large":         "x = bytearray(1 << 30)",
		"small objects": "x = {}\nwhile True: x[len(x)] = str(len(x))",
		"text":          "x = 'x'\nwhile True: x += x",
		"frames":        "import sys\nsys.setrecursionlimit(10**9)\ndef f():\n    y = [0] * 1000\n    return f()\nf()",
	}
	for name, program := range tests {
		for _, limit := range []int64{40 << 20, 64 << 20, 128 << 20} {
			t.Run(fmt.Sprintf("%s in %d MiB", name, limit>>20), func(t *testing.T) {
				t.Parallel()
				opt := wasmhost.Options{Limits: wasmhost.Limits{Memory: limit, Timeout: 120 * time.Second}}
				got, _, err := call(t, document{Code: program}, opt)
				if err != nil || got.Error == nil || got.Error.Kind != "memory" {
					t.Errorf("got %+v, %v, want kind memory", got.Error, err)
				}
				if name == "frames" {
					return // the traceback of a caught one holds on to what fills the memory
				}
				handled := fmt.Sprintf(caught, strings.ReplaceAll(program, "\n", "\n    "))
				if got, _, err = call(t, document{Code: handled}, opt); err != nil {
					t.Fatal(err)
				}
				wantValue(t, got, `"caught"`)
			})
		}
	}
}
