package estimate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// recipe is a random shape of any size: some pieces of code, repeated one after
// another or one within another.
type recipe struct {
	locals, stack, globals int
	width                  int // of typed blocks
	functions              int
	kept                   bool // all locals are used at the end
	pieces                 []piece
	names                  []string
}

// piece writes itself for the i-th time. Those that open write the rest into
// inner.
type piece func(r *recipe, i, depth int) (before, after code)

func newRecipe(r *rand.Rand) *recipe {
	pick := func(of ...int) int { return of[r.IntN(len(of))] }
	x := &recipe{
		locals: pick(1, 1, 8, 30, 100, 300, 1000, 3000), stack: pick(0, 0, 0, 20, 300, 3000),
		globals: pick(0, 0, 1, 20, 300), width: pick(1, 1, 5, 50), functions: pick(1, 1, 1, 5, 50),
		kept: r.IntN(2) == 0,
	}
	names := make([]string, 0, len(pieces))
	for name := range pieces {
		names = append(names, name)
	}
	slices.Sort(names)
	for range 1 + r.IntN(5) {
		name := names[r.IntN(len(names))]
		x.names = append(x.names, name)
		x.pieces = append(x.pieces, pieces[name])
	}
	return x
}

func (r *recipe) String() string {
	return fmt.Sprintf("%d functions, %d locals (kept %t), stack %d, globals %d, width %d: %s",
		r.functions, r.locals, r.kept, r.stack, r.globals, r.width, strings.Join(r.names, " "))
}

func (r *recipe) local(i int) int { return i % max(1, r.locals) }

// plain is a piece that does not open anything.
func plain(f func(r *recipe, i int) code) piece {
	return func(r *recipe, i, _ int) (code, code) { return f(r, i), nil }
}

var pieces = map[string]piece{
	"block": plain(func(r *recipe, i int) code { return seq(block, get(r.local(i)), brIf(0), end) }),
	"block-change": plain(func(r *recipe, i int) code {
		return seq(block, get(r.local(i)), brIf(0), change(r.local(i*7)), end)
	}),
	"if": plain(func(r *recipe, i int) code { return seq(get(r.local(i)), when, change(r.local(i*7)), end) }),
	"if-else": plain(func(r *recipe, i int) code {
		return seq(get(r.local(i)), when, change(r.local(i*7)), other, change(r.local(i*3)), end)
	}),
	"if-call":   plain(func(r *recipe, i int) code { return seq(get(r.local(i)), when, get(0), call(0), end) }),
	"if-return": plain(func(r *recipe, i int) code { return seq(get(r.local(i)), when, ret, end) }),
	"if-trap":   plain(func(r *recipe, i int) code { return seq(get(r.local(i)), when, code{0}, end) }),
	"loop":      plain(func(r *recipe, i int) code { return seq(loop, change(r.local(i)), get(r.local(i*7)), brIf(0), end) }),
	"loops": plain(func(r *recipe, i int) code {
		return seq(loop, get(r.local(i)), when, loop, change(r.local(i*5)), get(0), brIf(1), get(0), brIf(0), end, end, end)
	}),
	"change": plain(func(r *recipe, i int) code { return change(r.local(i)) }),
	"use":    plain(func(r *recipe, i int) code { return use(r.local(i * 3)) }),
	"load":   plain(func(r *recipe, i int) code { return seq(get(r.local(i)), load, set(r.local(i*7))) }),
	"loads":  plain(func(r *recipe, i int) code { return seq(get(r.local(i)), repeat(5, load), set(r.local(i*7))) }),
	"call":   plain(func(r *recipe, i int) code { return seq(get(r.local(i)), call(0)) }),
	"divide": plain(func(r *recipe, i int) code {
		return seq(get(r.local(i)), get(r.local(i*3)), code{0x6e}, set(r.local(i)))
	}),
	"select": plain(func(r *recipe, i int) code {
		return seq(get(r.local(i)), get(r.local(i*3)), get(r.local(i*5)), code{0x1b}, set(r.local(i)))
	}),
	"global": plain(func(r *recipe, i int) code {
		if r.globals == 0 {
			return seq(get(0), drop)
		}
		return seq(global(i%r.globals), op(0x24, i*3%r.globals))
	}),
	"grow": plain(func(r *recipe, i int) code { return seq(get(r.local(i)), code{0x40, 0}, drop) }),
	"table": plain(func(r *recipe, i int) code {
		return seq(repeat(16, block), get(r.local(i)), table(upTo(16)...), repeat(16, end))
	}),
	"table-one": plain(func(r *recipe, i int) code { return seq(block, get(r.local(i)), table(make([]int, 300)...), end) }),
	"table-change": plain(func(r *recipe, i int) code {
		return seq(repeat(4, block), get(r.local(i)), table(0, 1, 2, 3), repeat(4, end, change(r.local(i*3))))
	}),
	"leave": func(r *recipe, i, depth int) (code, code) { return seq(get(r.local(i)), brIf(depth)), nil },
	"leave-table": func(r *recipe, i, depth int) (code, code) {
		return seq(block, get(r.local(i)), table(0, depth+1, depth+1, 0), end), nil
	},
	"typed": plain(func(r *recipe, i int) code {
		return seq(repeat(r.width, get(r.local(i))), op(opBlock, 1), get(r.local(i)), brIf(0), end, repeat(r.width, drop))
	}),
	"typed-loop": plain(func(r *recipe, i int) code {
		return seq(repeat(r.width, get(r.local(i))), op(opLoop, 1), get(r.local(i)), brIf(0), end, repeat(r.width, drop))
	}),
	"nest-block": func(r *recipe, i, _ int) (code, code) { return seq(block, get(r.local(i)), brIf(0)), end },
	"nest-if": func(r *recipe, i, _ int) (code, code) {
		return seq(get(r.local(i)), when), seq(change(r.local(i)), end)
	},
	"nest-else": func(r *recipe, i, _ int) (code, code) {
		return seq(get(r.local(i)), when, change(r.local(i)), other), end
	},
}

// bytes is a module of n repetitions in each function.
func (r *recipe) bytes(n int) []byte {
	m := &module{}
	m.Memory(1, -1)
	for range r.globals {
		m.Global('i', true, "i32.const 0")
	}
	m.Type("i", "")
	m.Type(strings.Repeat("i", r.width), strings.Repeat("i", r.width)) // if it is the same as the first, that will do
	for range r.functions {
		m.add(r.locals, r.body(n))
	}
	return m.Bytes()
}

func (r *recipe) body(n int) code {
	const deepest = 9000
	var out code
	var after []code
	unwind := func() {
		for _, c := range slices.Backward(after) {
			out = append(out, c...)
		}
		after = after[:0]
	}
	out = append(out, each(r.locals, func(i int) code { return seq(get(0), load, set(i)) })...)
	out = append(out, zero...)
	out = append(out, repeat(r.stack, get(0), load)...)
	out = append(out, block...)
	for i := range n {
		for _, p := range r.pieces {
			if len(after) == deepest {
				unwind()
			}
			before, end := p(r, i, len(after))
			out = append(out, before...)
			if end != nil {
				after = append(after, end)
			}
		}
	}
	unwind()
	out = append(out, end...)
	out = append(out, seq(zero, repeat(r.stack, add), store)...)
	if r.kept {
		out = append(out, uses(r.locals)...)
	}
	return out
}
