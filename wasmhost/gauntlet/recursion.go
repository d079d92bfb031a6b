package gauntlet

import (
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// deep is a case of calls without an end: the stack is what bounds it.
func deep(name, why string, build func(g *guest)) Case {
	return attack(name, ABICore, Stopped(KindStack), why, build)
}

func recursions() []Case {
	const grows = "lets the stack grow to hundreds of megabytes, and copies it time and again on the way"
	frame := func(name string, n int) Case {
		return deep(name, "bounds recursion by the number of calls and not by the size of their frames", func(g *guest) {
			f := g.Declare("", "I")
			var sum []asm.Code // uses all locals after the call, so that they live across it
			for i := range n {
				sum = append(sum, asm.Get(i), asm.I64Add)
			}
			var set []asm.Code
			for i := range n {
				set = append(set, asm.I64(int64(i)), asm.I32(0), asm.Load64(0), asm.I64Add, asm.Set(i))
			}
			g.Define(f, letters("I", n), asm.Seq(set...), asm.Call(f), asm.Seq(sum...))
			g.run("", asm.Call(f), asm.Drop)
		})
	}
	return []Case{
		deep("direct", grows, func(g *guest) {
			f := g.Declare("i", "i")
			g.Define(f, "", asm.Get(0), asm.I32(1), asm.I32Add, asm.Call(f), asm.I32(1), asm.I32Add)
			g.attack("", asm.I32(0), asm.Call(f))
		}),
		deep("export-itself", grows, func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.Call(f), asm.I32(1), asm.I32Add)
			g.Export("attack", f)
		}),
		deep("mutual", grows, func(g *guest) {
			a, b := g.Declare("i", "i"), g.Declare("i", "i")
			g.Define(a, "", asm.Get(0), asm.Call(b), asm.I32(1), asm.I32Add)
			g.Define(b, "", asm.Get(0), asm.Call(a), asm.I32(1), asm.I32Sub)
			g.attack("", asm.I32(0), asm.Call(a))
		}),
		deep("indirect", grows, func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.I32(0), asm.CallIndirect(g.Type("", "i")), asm.I32(1), asm.I32Add)
			g.Table(1, 1)
			g.Elements(0, f)
			g.Export("attack", f)
		}),
		deep("many-parameters", "bounds recursion by the number of calls and not by the size of their frames", func(g *guest) {
			const n = 500
			f := g.Declare(letters("I", n), "I")
			var args []asm.Code
			for i := range n {
				args = append(args, asm.Get(i))
			}
			g.Define(f, "", asm.Seq(args...), asm.Call(f), asm.Get(0), asm.I64Add)
			g.run("", asm.Repeat(n, asm.I64(1)), asm.Call(f), asm.Drop)
		}),
		frame("frame-of-100", 100),
		frame("frame-of-5000", 5000),
		deep("from-start", grows, func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.Call(f), asm.I32(1), asm.I32Add)
			g.Start(g.Func("", "", "", asm.Call(f), asm.Drop))
			g.run("")
		}),
		endless("tree", "checks loop headers only: a call tree of depth 60 has none, runs for years, and holds up the garbage collector", func(g *guest) {
			f := g.Declare("i", "i")
			g.Define(f, "", asm.Get(0), asm.I32Eqz, asm.If(asm.I32(1), asm.Return),
				asm.Get(0), asm.I32(1), asm.I32Sub, asm.Call(f), asm.Get(0), asm.I32(1), asm.I32Sub, asm.Call(f), asm.I32Add)
			g.run("", asm.I32(60), asm.Call(f), asm.Drop)
		}),
		endless("tree-indirect", "checks loop headers only, and direct calls", func(g *guest) {
			f := g.Declare("i", "i")
			down := asm.Seq(asm.Get(0), asm.I32(1), asm.I32Sub, asm.I32(0), asm.CallIndirect(g.Type("i", "i")))
			g.Define(f, "", asm.Get(0), asm.I32Eqz, asm.If(asm.I32(1), asm.Return), down, down, asm.I32Add)
			g.Table(1, 1)
			g.Elements(0, f)
			g.run("", asm.I32(60), asm.Call(f), asm.Drop)
		}),
		endless("doubling-chain", "runs 2^100 calls that no loop and no recursion gives away: each function calls the next one twice", func(g *guest) {
			f := g.Func("", "", "")
			for range 100 {
				f = g.Func("", "", "", asm.Call(f), asm.Call(f))
			}
			g.run("", asm.Call(f))
		}),
		attack("then-trap", ABICore, Stopped(KindTrap), "writes out a stack trace of a hundred thousand frames", func(g *guest) {
			f := g.Declare("i", "i")
			g.Define(f, "", asm.Get(0), asm.I32Eqz, asm.If(asm.Unreachable),
				asm.Get(0), asm.I32(1), asm.I32Sub, asm.Call(f), asm.I32(1), asm.I32Add)
			g.attack("", asm.I32(20_000), asm.Call(f))
		}),
	}
}
