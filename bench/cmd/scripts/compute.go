package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
	"github.com/graflow/graflow-wasm/script"
)

// work is what a language computes, timed by itself.
type work struct {
	name     string
	language script.Language
	code     string // sets took, in seconds
}

const (
	pythonTimer     = "import time\n_began = time.perf_counter()\n%s\ntook = time.perf_counter() - _began\n"
	javaScriptTimer = "const _began = performance.now();\n%s\nconst took = (performance.now() - _began) / 1000;\n"
)

var works = []work{
	{"fib(25), Python", script.Python, "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nassert fib(25) == 75025"},
	{"JSON, 200 documents of 6 KB, Python", script.Python, "import json\ndoc = [{'id': i, 'name': f'n{i}', 'tags': ['a', 'b']} for i in range(100)]\nfor _ in range(200): doc = json.loads(json.dumps(doc))"},
	{"regex over 200 KB, Python", script.Python, "import re\ntext = 'a1b22c333 ' * 20000\nassert len(re.findall(r'[a-z](\\d+)', text)) == 60000"},
	{"fib(25), JavaScript", script.JavaScript, "const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);\nif (fib(25) !== 75025) throw 1;"},
	{"JSON, 200 documents of 6 KB, JavaScript", script.JavaScript, "let doc = Array.from({ length: 100 }, (_, i) => ({ id: i, name: `n${i}`, tags: ['a', 'b'] }));\nfor (let i = 0; i < 200; i++) doc = JSON.parse(JSON.stringify(doc));"},
	{"regex over 200 KB, JavaScript", script.JavaScript, "const text = 'a1b22c333 '.repeat(20000);\nif ([...text.matchAll(/[a-z](\\d+)/g)].length !== 60000) throw 1;"},
}

// compute measures work in the sandbox and natively, in turns.
func (b *bench) compute(ctx context.Context) (string, error) {
	t := measure.Table{{"computing", "in our sandbox", "native", "ratio"}}
	for _, w := range works {
		var here, native measure.Times
		for range max(3, b.plan.Rounds) {
			took, err := b.inside(ctx, w)
			if err != nil {
				return "", fmt.Errorf("%s: %w", w.name, err)
			}
			here = append(here, took)
			if took, err = natively(ctx, w); err != nil {
				return "", fmt.Errorf("%s, natively: %w", w.name, err)
			}
			native = append(native, took)
		}
		t.Add(w.name, here.Median(), native.Median(), measure.Ratio(here.Median(), native.Median()))
	}
	return t.String(), nil
}

func (b *bench) inside(ctx context.Context, w work) (time.Duration, error) {
	timer := pythonTimer
	if w.language == script.JavaScript {
		timer = javaScriptTimer
	}
	got, err := b.ours.Run(ctx, w.language, fmt.Sprintf(timer, w.code)+"\ntook\n", script.Options{})
	if err != nil {
		return 0, err
	}
	var seconds float64
	err = json.Unmarshal(got.Value, &seconds)
	return time.Duration(seconds * float64(time.Second)), err
}

// nativePython is the system's own, if it has one: another of that name may be a script
// that looks for it.
func nativePython() string {
	if _, err := os.Stat(debianPython); err == nil {
		return debianPython
	}
	return "python3"
}

func natively(ctx context.Context, w work) (time.Duration, error) {
	line := []string{nativePython(), "-c", fmt.Sprintf(pythonTimer, w.code) + "print(took)"}
	if w.language == script.JavaScript {
		line = []string{"node", "-e", fmt.Sprintf(javaScriptTimer, w.code) + "console.log(took)"}
	}
	out, err := exec.CommandContext(ctx, line[0], line[1:]...).Output() //nolint:gosec // of this program's own choosing
	if err != nil {
		return 0, err
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return time.Duration(seconds * float64(time.Second)), err
}

// tools measures calls of tools, timed by the code.
func (b *bench) tools(ctx context.Context) (string, error) {
	tool := script.Func("add", "adds two numbers", func(_ context.Context, in struct{ A, B int }) (int, error) { return in.A + in.B, nil })
	const calls = 2000
	codes := map[script.Language]string{
		script.Python: fmt.Sprintf(`
import time
all = []
for i in range(%d):
    began = time.perf_counter(); add(i, 1); all.append(time.perf_counter() - began)
all`, calls),
		script.JavaScript: fmt.Sprintf(`
const all = [];
for (let i = 0; i < %d; i++) { const began = performance.now(); await add({ A: i, B: 1 }); all.push((performance.now() - began) / 1000); }
all`, calls),
	}
	t := measure.Table{{"a call of a tool, arguments checked by schema", "p50", "p99", "calls"}}
	for _, l := range []script.Language{script.Python, script.JavaScript} {
		got, err := b.ours.Run(ctx, l, codes[l], script.Options{Tools: []script.Tool{tool}})
		if err != nil {
			return "", err
		}
		var seconds []float64
		if err := json.Unmarshal(got.Value, &seconds); err != nil {
			return "", err
		}
		var times measure.Times
		for _, s := range seconds {
			times = append(times, time.Duration(s*float64(time.Second)))
		}
		t.Add(string(l), times.Median(), times.Percentile(99), len(times))
	}
	return t.String(), nil
}
