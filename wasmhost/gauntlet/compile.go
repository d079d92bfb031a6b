package gauntlet

import (
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// bomb is a case of a module that takes a compiler long: it is refused in time,
// or compiled in time and then runs. How it ends is of no interest then.
func bomb(name, why string, build func(g *guest)) Case {
	return attack(name, ABICore, Contained().Or(Refused(invalid)).Or(Stopped(KindTimeout, KindTrap)), why, build)
}

func compiles() []Case {
	const joins = "adds a value for each local to each place where control flow joins: time and memory by locals times blocks"
	// lives makes a function of n locals, all of them changed in each block.
	lives := func(name string, n, blocks int, block func(body ...asm.Code) asm.Code) Case {
		return bomb(name, joins, func(g *guest) {
			var code []asm.Code
			for i := range blocks {
				x := i % n
				code = append(code, block(asm.Get(x), asm.I32(i), asm.I32Add, asm.Set(x), asm.Get((x+7)%n), asm.BrIf(0)))
			}
			g.run(letters("i", n), code...)
		})
	}
	nest := func(name string, n, depth int, block func(body ...asm.Code) asm.Code) Case {
		return bomb(name, joins, func(g *guest) {
			g.run(letters("i", n), nested(depth, func(i int) asm.Code {
				return asm.Seq(asm.Get(i%n), asm.I32(i), asm.I32Add, asm.Set((i+1)%n), asm.Get(i%n), asm.BrIf(0))
			}, block))
		})
	}
	ifs := func(body ...asm.Code) asm.Code { return asm.Seq(asm.Get(0), asm.If(body...)) }
	return []Case{
		lives("loops-by-locals", 1000, 2000, asm.Loop),
		lives("blocks-by-locals", 1000, 2000, asm.Block),
		lives("ifs-by-locals", 1000, 2000, ifs),
		lives("loops-by-50000-locals", 50_000, 1000, asm.Loop),
		nest("nested-loops-by-locals", 1000, 500, asm.Loop),
		nest("nested-ifs-by-locals", 1000, 500, ifs),
		nest("nested-loops", 4, 20_000, asm.Loop),
		bomb("locals-50000-live", "keeps fifty thousand values alive at once, which its register allocator compares by pairs", func(g *guest) {
			const n = 50_000
			var set, sum []asm.Code
			for i := range n {
				set = append(set, asm.I32(i), asm.Load32(0), asm.Set(i))
				sum = append(sum, asm.Get(i), asm.I32Add)
			}
			g.run(letters("i", n), asm.Seq(set...), asm.I32(0), asm.Seq(sum...), asm.Drop)
		}),
		bomb("stack-of-100000", "keeps a hundred thousand operands alive at once", func(g *guest) {
			const n = 100_000
			g.run("", asm.Repeat(n, asm.I32(0), asm.Load32(0)), asm.Repeat(n, asm.Drop))
		}),
		bomb("br-table-100000", "makes an edge for each of a hundred thousand targets", func(g *guest) {
			g.run("i", asm.Block(asm.Get(0), asm.BrTable(make([]int, 100_000)...)))
		}),
		bomb("br-tables-to-everywhere", "makes an edge for each target of each table: a thousand tables of a thousand blocks", func(g *guest) {
			const n = 1000
			targets := make([]int, n)
			for i := range targets {
				targets[i] = i
			}
			g.run("i", nested(n, func(int) asm.Code { return asm.Seq(asm.Get(0), asm.If(asm.Get(0), asm.BrTable(targets...))) }, asm.Block))
		}),
		bomb("one-function-of-a-mebibyte", "is quadratic in the size of a function", func(g *guest) {
			g.run("i", asm.Repeat(1<<20/7, asm.Get(0), asm.I32(1), asm.I32Add, asm.Set(0)))
		}),
		bomb("one-block-of-divisions", "is quadratic in the number of values that may trap", func(g *guest) {
			g.run("i", asm.Repeat(50_000, asm.Get(0), asm.Get(0), []byte{0x6e}, asm.Set(0)))
		}),
		bomb("calls-100000", "spills all registers at each of a hundred thousand calls", func(g *guest) {
			f := g.Func("i", "i", "", asm.Get(0))
			g.run("i", asm.Repeat(100_000, asm.Get(0), asm.Call(f), asm.Set(0)))
		}),
		bomb("calls-of-1000-arguments", "moves a thousand arguments for each of a thousand calls", func(g *guest) {
			f := g.Func(letters("I", 1000), "", "")
			g.run("", asm.Repeat(1000, asm.Repeat(1000, asm.I64(1)), asm.Call(f)))
		}),
		bomb("functions-100000", "spends kilobytes on each of a hundred thousand empty functions", func(g *guest) {
			for range 100_000 {
				g.Func("", "", "")
			}
			g.run("")
		}),
		bomb("types-200000", "compares types by pairs", func(g *guest) {
			names := "iIfF"
			for i := range 200_000 {
				var params []byte
				for n := i; n > 0; n /= 4 {
					params = append(params, names[n%4])
				}
				g.AddType(string(params), "")
			}
			g.run("")
		}),
		bomb("nested-100000", "descends into blocks by recursion, and overflows its own stack", func(g *guest) {
			g.run("", nested(100_000, func(int) asm.Code { return nil }, asm.Block))
		}),
		bomb("dead-code", "compiles a mebibyte that is never reached", func(g *guest) {
			g.run("i", asm.Block(asm.Br(0), asm.Repeat(1<<18, asm.Unreachable, asm.Block())))
		}),
		bomb("selects", "builds a tree of a hundred thousand selects and walks it by recursion", func(g *guest) {
			g.run("i", asm.Get(0), asm.Repeat(100_000, asm.Get(0), asm.Get(0), []byte{0x1b}), asm.Set(0))
		}),
		bomb("simd-constants", "places a constant of sixteen bytes for each of fifty thousand instructions", func(g *guest) {
			g.run("", asm.Repeat(50_000, []byte{0xfd, 12}, []byte("0123456789abcdef"), asm.Drop))
		}),
		bomb("globals-200000", "allocates a kilobyte for each global", func(g *guest) {
			for range 200_000 {
				g.Global("I", asm.I64(1))
			}
			g.run("")
		}),
		bomb("exports-200000", "keeps a description of each of two hundred thousand exports of one function", func(g *guest) {
			f := g.Func("", "i", "", asm.I32(0))
			for i := range 200_000 {
				g.Export(string([]byte{'x', byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26), byte('a' + i/17576%26)}), f)
			}
			g.run("")
		}),
		bomb("exports-by-functions", "compares each of ninety thousand exports with each of ninety thousand functions, to name those of a stack", func(g *guest) {
			for i := range 90_000 {
				name := []byte{'x', byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676%26), byte('a' + i/17576%26)}
				g.Export(string(name), g.Func("", "i", "", asm.I32(0)))
			}
			g.run("", asm.Unreachable)
		}),
		bomb("data-segments-100000", "allocates for each of a hundred thousand segments of no bytes", func(g *guest) {
			for range 100_000 {
				g.Data(0, nil)
			}
			g.run("")
		}),
	}
}

// nested is blocks within blocks, with code of its own in each.
func nested(depth int, code func(i int) asm.Code, block func(body ...asm.Code) asm.Code) asm.Code {
	// Built outwards, this would copy quadratically: take the block apart.
	frame := block()
	open, end := frame[:len(frame)-1], frame[len(frame)-1:]
	var out asm.Code
	for i := range depth {
		out = append(append(out, open...), code(i)...)
	}
	return append(out, asm.Repeat(depth, end)...)
}
