package gauntlet

import (
	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

const spins = "spins: the deadline passes, and a garbage collection then freezes the whole process"

func loops() []Case {
	count := asm.Seq(asm.Get(0), asm.I32(1), asm.I32Add, asm.Set(0))
	all := []Case{
		endless("br", spins, func(g *guest) { g.run("", asm.Loop(asm.Br(0))) }),
		endless("br-if", spins, func(g *guest) { g.run("", asm.Loop(asm.I32(1), asm.BrIf(0))) }),
		endless("count", spins, func(g *guest) { g.run("i", forever(count)) }),
		endless("br-table", "looks for back edges in br and br_if only", func(g *guest) {
			g.run("i", asm.Loop(count, asm.Get(0), asm.BrTable(0, 0, 0, 0)))
		}),
		endless("br-from-inside", "looks for branches to the innermost loop only", func(g *guest) {
			g.run("i", asm.Loop(asm.Block(asm.Block(count, asm.Br(2)))))
		}),
		endless("with-params", "overlooks loops that take their values from the stack", func(g *guest) {
			t := g.Type("i", "i")
			g.run("", asm.I32(0), []byte{0x03}, asm.S64(int64(t)), asm.I32(1), asm.I32Add, asm.Br(0), asm.End, asm.Drop)
		}),
		endless("nested-small", "charges a loop when it ends, which none of these does for hours", func(g *guest) {
			inner := count
			for depth := range 12 {
				inner = times(100, depth+1, inner)
			}
			g.run(letters("i", 13), inner)
		}),
		endless("sixty-deep", "keeps counters for a few levels only", func(g *guest) {
			code := count
			for range 60 {
				code = asm.Loop(code)
			}
			g.run("i", forever(code))
		}),
		endless("calls", "checks loop headers only: here the work is in the calls", func(g *guest) {
			f := g.Func("i", "i", "", asm.Get(0), asm.I32(1), asm.I32Add)
			g.run("i", forever(asm.Repeat(1000, asm.Get(0), asm.Call(f), asm.Set(0))))
		}),
		endless("call-indirect", "does not see a circle that goes through a table", func(g *guest) {
			f := g.Func("i", "i", "", asm.Get(0), asm.I32(1), asm.I32Add)
			g.Table(2, 2)
			g.Elements(0, f, f)
			t := g.Type("i", "i")
			g.run("i", forever(asm.Get(0), asm.Get(0), asm.I32(1), asm.I32And, asm.CallIndirect(t), asm.Set(0)))
		}),
		endless("long-body", "checks rarely, as the body between two checks is a hundred thousand instructions", func(g *guest) {
			g.run("i", forever(asm.Repeat(25_000, count)))
		}),
		endless("division", "charges an instruction as one, however long it takes", func(g *guest) {
			g.run("I", asm.I64(-7), asm.Set(0), forever(asm.Repeat(1000, asm.Get(0), asm.I64(3), []byte{0x7f}, asm.Drop)))
		}),
		endless("float-square-roots", "charges an instruction as one, however long it takes", func(g *guest) {
			g.run("F", asm.F64(3), asm.Set(0), forever(asm.Repeat(1000, asm.Get(0), []byte{0x9f}, asm.Set(0))))
		}),
		endless("simd", "overlooks loops over vectors", func(g *guest) {
			zero := asm.Seq([]byte{0xfd, 12}, make([]byte, 16))
			g.run("v", forever(zero, asm.Get(0), []byte{0xfd, 0xae, 1}, asm.Set(0)))
		}),
		endless("globals", spins, func(g *guest) {
			x := g.Global("I", asm.I64(0))
			g.run("", forever(asm.GlobalGet(x), asm.I64(1), asm.I64Add, asm.GlobalSet(x)))
		}),
		endless("after-unreachable-code", "stops metering at code that is never reached", func(g *guest) {
			g.run("i", asm.Block(asm.Br(0), asm.Loop(asm.Br(0))), forever(count))
		}),
		endless("own-fuel", "lets a guest refill a counter that it exports or finds by its index", func(g *guest) {
			for range 4 {
				g.Global("I", asm.I64(1<<62))
			}
			var refill []asm.Code
			for i := range 4 {
				refill = append(refill, asm.I64(1<<62), asm.GlobalSet(i))
			}
			g.run("", forever(refill...))
		}),
	}
	exported := endless("own-fuel-exported", "takes a global that the guest exports for its own counter", func(g *guest) {
		for _, name := range []string{"fuel", "graflow:fuel", "graflow:stack", "graflow:dirty", "graflow:tables"} {
			g.ExportGlobal(name, g.Global("I", asm.I64(1<<62)))
		}
		g.run("", asm.Loop(asm.Br(0)))
	}).or(Refused(`(?i)export`))
	pair := endless("on-every-core", "gives every core to guests that never yield: nothing else gets a turn", func(g *guest) {
		g.run("i", forever(count))
	})
	pair.Parallel = 4
	repeated := endless("again-and-again", "loses a thread or a stack to each guest that it stops", func(g *guest) { g.run("", asm.Loop(asm.Br(0))) })
	repeated.Repeat, repeated.Limits.Timeout = 40, DefaultTimeout/10
	return append(all, exported, pair, repeated)
}
