package script_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

// hello is a small program with JSON in it.
var hello = map[script.Language]string{
	script.Python:     "import json\nprint('hello')\njson.loads(json.dumps({'n': input['n'], 'l': [1, 2, 3]}))",
	script.JavaScript: "console.log('hello'); JSON.parse(JSON.stringify({n: input.n, l: [1, 2, 3]}))",
	script.TypeScript: "interface In { n: number }\nconst given: In = input; console.log('hello'); JSON.parse(JSON.stringify({n: given.n, l: [1, 2, 3]})) as object",
}

// quantiles reports how long the middle one and the 99th of a hundred took.
func quantiles(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkHello runs a small program from its source to its value, in a pristine sandbox
// each time.
func BenchmarkHello(b *testing.B) {
	for _, l := range script.Languages() {
		b.Run(string(l), func(b *testing.B) {
			s := sandbox(b, l)
			var took []time.Duration
			var stdout bytes.Buffer
			for b.Loop() {
				start := time.Now()
				stdout.Reset()
				result, err := s.Run(b.Context(), l, hello[l], script.Options{Input: map[string]int{"n": 1}, Stdout: &stdout})
				took = append(took, time.Since(start))
				if err != nil || len(result.Value) == 0 || stdout.String() != "hello\n" {
					b.Fatalf("got %s, %v, %q", result.Value, err, stdout.String())
				}
			}
			quantiles(b, took)
		})
	}
}

// BenchmarkToolCall makes calls of a tool one after the other; an operation is one call.
func BenchmarkToolCall(b *testing.B) {
	const calls = 1000
	for l, code := range map[script.Language]string{
		script.Python:     "for i in range(1000): add(a=i, b=1)",
		script.JavaScript: "for (let i = 0; i < 1000; i++) await add({a: i, b: 1})",
	} {
		b.Run(string(l), func(b *testing.B) {
			type sum struct {
				A int `json:"a"`
				B int `json:"b"`
			}
			add := script.Func("add", "", func(_ context.Context, s sum) (int, error) { return s.A + s.B, nil })
			s := sandbox(b, l)
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.Run(b.Context(), l, code, script.Options{Tools: []script.Tool{add}}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start)/calls)
			}
			quantiles(b, took)
		})
	}
}

// BenchmarkSessionCell runs a cell in a session that has some state.
func BenchmarkSessionCell(b *testing.B) {
	for l, code := range map[script.Language][2]string{
		script.Python:     {"import json, re\nn = 0\nxs = list(range(1000))", "n += 1\nxs[n % 1000] += 1\nn"},
		script.JavaScript: {"var n = 0; const xs = Array.from({length: 1000}, (_, i) => i)", "n++; xs[n % 1000]++; n"},
	} {
		b.Run(string(l), func(b *testing.B) {
			s, session := sandbox(b, l), script.NewSession()
			if _, err := s.Run(b.Context(), l, code[0], script.Options{Session: session}); err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.Run(b.Context(), l, code[1], script.Options{Session: session}); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			quantiles(b, took)
			b.ReportMetric(float64(session.Size())/1024, "KiB")
		})
	}
}

// BenchmarkLiveSessions holds a thousand sessions, each with a little state.
func BenchmarkLiveSessions(b *testing.B) {
	const many = 1000
	for l, code := range map[script.Language]string{
		script.Python:     "import json\nwho = input\nxs = list(range(100))\ndef f(n): return n + len(xs)",
		script.JavaScript: "const who = input; const xs = Array.from({length: 100}, (_, i) => i); function f(n) { return n + xs.length }",
	} {
		b.Run(string(l), func(b *testing.B) {
			s := sandbox(b, l)
			for b.Loop() {
				sessions := make([]*script.Session, many)
				before := heap()
				for i := range sessions {
					sessions[i] = script.NewSession()
					if _, err := s.Run(b.Context(), l, code, script.Options{Session: sessions[i], Input: i}); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(heap()-before)/many/1024, "KiB/session")
				for i := range sessions {
					result, err := s.Run(b.Context(), l, "who", script.Options{Session: sessions[i]})
					if err != nil || string(result.Value) != fmt.Sprint(i) {
						b.Fatalf("session %d: got %s, %v", i, result.Value, err)
					}
				}
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
