package estimate_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/estimate"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// limit is what compiling may take beyond what size explains.
const limit = 2 * time.Second

func nested(n int, open code, f func(i int) code) code {
	return seq(each(n, func(i int) code { return seq(open, f(i)) }), repeat(n, end))
}

// dispatch is a loop round a br_table, as an interpreter or a state machine.
func dispatch(locals, cases int) code {
	return seq(loop, repeat(cases+1, block), get(0), table(upTo(cases+1)...), end,
		each(cases, func(i int) code { return seq(change(1+i%(locals-1)), br(cases-i), end) }), end)
}

// filled gives n locals values that are known only at run time.
func filled(n int) code { return each(n, func(i int) code { return seq(get(0), load, set(i)) }) }

func same(n, target int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = target
	}
	return out
}

// shapes are modules of one function, except where they say so. took is what
// compiling took on a quiet core, for who wonders about a verdict.
var shapes = []struct {
	name   string
	took   time.Duration
	refuse bool
	most   string // term
	wasm   func() []byte
}{
	{"sequential blocks", 170 * time.Millisecond, false, "dominated", func() []byte { return one(0, repeat(4000, block, get(0), brIf(0), end)) }},
	{"many sequential blocks", 2800 * time.Millisecond, true, "dominated", func() []byte { return one(0, repeat(16_000, block, get(0), brIf(0), end)) }},
	{"nested blocks", 180 * time.Millisecond, false, "dominated", func() []byte {
		return one(0, nested(4000, block, func(int) code { return seq(get(0), brIf(0)) }))
	}},
	{"nested blocks left for one", 1700 * time.Millisecond, true, "dominated", func() []byte { return one(0, block, repeat(12_000, get(0), brIf(0)), end) }},
	{"sequential loops", 120 * time.Millisecond, false, "dominated", func() []byte { return one(0, repeat(500, loop, get(0), brIf(0), end)) }},
	{"many sequential loops", 7400 * time.Millisecond, true, "dominated", func() []byte { return one(0, repeat(4000, loop, get(0), brIf(0), end)) }},
	{"sequential loops that change locals", 1300 * time.Millisecond, true, "phis", func() []byte {
		return one(1000, each(800, func(i int) code { return seq(loop, change(i), get((i+7)%1000), brIf(0), end) }))
	}},
	{"sequential loops with live locals", 10 * time.Second, true, "phis", func() []byte {
		return one(4000, filled(4000), each(100, func(i int) code { return seq(loop, change(i), get(i), brIf(0), end) }), uses(4000))
	}},
	{"nested loops", 12 * time.Millisecond, false, "nested", func() []byte {
		return one(1000, nested(99, loop, func(i int) code { return seq(change(i), get(i), brIf(0)) }))
	}},
	{"branch tables", 300 * time.Millisecond, false, "dominated", func() []byte {
		return one(0, repeat(900, repeat(16, block), get(0), table(upTo(16)...), repeat(16, end)))
	}},
	{"many branch tables", 6 * time.Second, true, "dominated", func() []byte {
		return one(0, repeat(3600, repeat(16, block), get(0), table(upTo(16)...), repeat(16, end)))
	}},
	{"wide branch table", 700 * time.Millisecond, false, "merged", func() []byte { return one(0, block, get(0), table(make([]int, 60_000)...), end) }},
	{"wide branch tables to one block", 5 * time.Second, true, "merged", func() []byte {
		return one(0, block, repeat(3, block, get(0), brIf(0), get(0), table(same(60_000, 1)...), end), end)
	}},
	{"ifs that set locals", 2400 * time.Millisecond, true, "phis", func() []byte {
		return one(1000, each(3200, func(i int) code { return seq(get(0), when, change(i%1000), end) }), uses(1000))
	}},
	{"interpreter", 300 * time.Millisecond, false, "demanded", func() []byte { return one(30, dispatch(30, 6400)) }},
	{"interpreter with a thousand locals", 3300 * time.Millisecond, true, "phis", func() []byte { return one(1000, dispatch(1000, 1600)) }},
	{"addresses known to be in bounds", 500 * time.Millisecond, false, "known", func() []byte {
		return one(1, repeat(5000, get(0), load, load, drop), repeat(2000, block, get(0), brIf(0), end))
	}},
	{"spilled locals", 2 * time.Second, true, "phis", func() []byte { return one(1000, filled(1000), repeat(2000, block, get(0), brIf(0), end), uses(1000)) }},
	{"spilled operands", 3700 * time.Millisecond, true, "spilled", func() []byte {
		return one(1, zero, get(0), repeat(5000, get(0), load), repeat(5000, block, get(0), brIf(0), end), repeat(5000, add), store)
	}},
	{"lookups through a chain", 380 * time.Millisecond, false, "walked", func() []byte { return one(1, repeat(5000, get(0), brIf(0)), repeat(10_000, get(0), set(1))) }},
	{"calls that forget addresses", 150 * time.Millisecond, false, "forgotten", func() []byte {
		return one(1, repeat(5000, get(0), load, load, drop), repeat(20_000, get(0), call(0)))
	}},
	{"calls with globals", 170 * time.Millisecond, false, "reloaded", func() []byte { return withGlobals(900, 1000) }},
	{"many calls with many globals", 5 * time.Second, true, "reloaded", func() []byte { return withGlobals(900, 30_000) }},
	{"straight code", 6 * time.Millisecond, false, "alive", func() []byte { return one(1, repeat(14_000, change(0))) }},
	{"straight loads", 7 * time.Millisecond, false, "known", func() []byte { return one(1, repeat(25_000, get(0), load, drop)) }},
	{"unused locals", time.Millisecond, false, "dominated", func() []byte { return one(49_000, repeat(1000, block, get(0), brIf(0), end)) }},
}

func withGlobals(n, calls int) []byte {
	m := &module{}
	for range n {
		m.Global('i', true, "i32.const 0")
	}
	m.add(0, repeat(calls, get(0), call(0)))
	return m.Bytes()
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			wasm := s.wasm()
			m := parse(t, wasm)
			c := estimate.Compile(m)
			all, most := estimate.Explain(m, 0)
			err := estimate.Check(m, limit)
			if refused := err != nil; refused != s.refuse {
				t.Errorf("refused %t, want %t: %d bytes, %+v,%s", refused, s.refuse, len(wasm), c, all)
			}
			if most != s.most {
				t.Errorf("%s costs most, want %s:%s", most, s.most, all)
			}
			if *measured {
				took, mebibytes := measure(t, wasm, 20*time.Second)
				t.Logf("%d bytes took %v and %d MiB, estimated %v", len(wasm), took, mebibytes, c.Linear+c.Excess)
			}
		})
	}
}

// Functions that are accepted alone are refused when there are many.
func TestCheckNames(t *testing.T) {
	t.Parallel()
	slow := repeat(6000, block, get(0), brIf(0), end)
	m := &module{}
	m.ImportFunc("env", "f", "", "")
	m.add(0)
	m.add(0, repeat(3, slow))
	m.Custom("name", []byte("\x01\x07\x01\x02\x04slow"))
	for _, test := range []struct {
		wasm []byte
		want string
	}{
		{m.Bytes(), "function 2 (slow): would take too long to compile: 36005 blocks with 1 live locals; split it, or compile in a child process"},
		{several(8, slow), "its functions together would take too long to compile, most of all function 0: 12005 blocks"},
	} {
		err := estimate.Check(parse(t, test.wasm), limit)
		var bad *wasmbin.Error
		if !errors.As(err, &bad) {
			t.Fatalf("got %v, want a *wasmbin.Error", err)
		}
		if bad.Section != "code" || bad.Offset == 0 || !strings.HasPrefix(bad.Reason, test.want) {
			t.Errorf("got %+v, want %q", bad, test.want)
		}
	}
	if err := estimate.Check(parse(t, several(1, slow)), limit); err != nil {
		t.Errorf("one alone: %v", err)
	}
}

func several(n int, body code) []byte {
	m := &module{}
	for range n {
		m.add(0, body)
	}
	return m.Bytes()
}
