package runtimes_test

import (
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// What a call of the Python runtime takes, from its snapshot. pages/op is what
// it dirties.
func BenchmarkPython(b *testing.B) {
	programs := map[string]string{
		"Trivial": "1 + 2",
		"Hello":   "import json\nprint('hello')\njson.dumps({'a': [1, 2, 3]})",
		"Fib25":   "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nfib(25)",
		"Asyncio": "import asyncio\nawait asyncio.gather(*(asyncio.sleep(0, i) for i in range(10)))",
		"Error":   "def f(): return 1 / 0\nf()",
	}
	for name, program := range programs {
		b.Run(name, func(b *testing.B) {
			var pages int
			for b.Loop() {
				_, ledger, err := call(b, document{Code: program}, wasmhost.Options{})
				if err != nil {
					b.Fatal(err)
				}
				pages = ledger.PagesDirtied
			}
			b.ReportMetric(float64(pages), "pages/op")
		})
	}
}
