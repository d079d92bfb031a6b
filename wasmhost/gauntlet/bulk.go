package gauntlet

import "github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"

const stalls = "charges an instruction over 64 MiB as one, and passes its deadline by a million of them"

func bulks() []Case {
	const size = 64 << 20
	full := func(g *guest) { g.pages(size/pageBytes, size/pageBytes) }
	return []Case{
		endless("memory-fill", stalls, func(g *guest) {
			full(g)
			g.run("", forever(asm.I32(0), asm.I32(7), asm.I32(size), asm.MemoryFill))
		}),
		endless("memory-copy", stalls, func(g *guest) {
			full(g)
			g.run("", forever(asm.I32(size/2), asm.I32(0), asm.I32(size/2), asm.MemoryCopy))
		}),
		endless("memory-copy-overlapping", stalls, func(g *guest) {
			full(g)
			g.run("", forever(asm.I32(1), asm.I32(0), asm.I32(size-1), asm.MemoryCopy))
		}),
		endless("memory-init", stalls, func(g *guest) {
			full(g)
			d := g.PassiveData(make([]byte, 4<<20))
			g.run("", forever(asm.I32(0), asm.I32(0), asm.I32(4<<20), asm.MemoryInit(d)))
		}),
		endless("memory-fill-unrolled", "checks between two loops only: here are five thousand fills in one line", func(g *guest) {
			full(g)
			g.run("", asm.Repeat(5000, asm.I32(0), asm.I32(7), asm.I32(size), asm.MemoryFill))
		}),
		endless("memory-fill-in-calls", stalls, func(g *guest) {
			full(g)
			f := g.Func("", "", "", asm.I32(0), asm.I32(7), asm.I32(size), asm.MemoryFill)
			for range 40 {
				f = g.Func("", "", "", asm.Call(f), asm.Call(f))
			}
			g.run("", asm.Call(f))
		}),
		endless("table-fill", stalls, func(g *guest) {
			g.Table(90_000, 90_000)
			g.run("", forever(asm.I32(0), asm.RefNull, asm.I32(90_000), asm.TableFill(0)))
		}),
		endless("table-copy", stalls, func(g *guest) {
			g.Table(90_000, 90_000)
			g.run("", forever(asm.I32(1), asm.I32(0), asm.I32(89_999), asm.TableCopy(0)))
		}),
		endless("table-init", stalls, func(g *guest) {
			f := g.Func("", "", "")
			funcs := make([]int, 50_000)
			for i := range funcs {
				funcs[i] = f
			}
			g.Table(90_000, 90_000)
			e := g.PassiveElements(funcs...)
			g.run("", forever(asm.I32(0), asm.I32(0), asm.I32(50_000), asm.TableInit(e, 0)))
		}),
		attack("fill-past-end", ABICore, Stopped(KindTrap), "fills past the end of the memory, since offset and length wrap", func(g *guest) {
			g.run("", asm.I32(huge), asm.I32(7), asm.I32(huge), asm.MemoryFill)
		}),
		attack("copy-past-end", ABICore, Stopped(KindTrap), "copies what lies behind the memory, since offset and length wrap", func(g *guest) {
			g.run("", asm.I32(0), asm.I32(16), asm.I32(huge-7), asm.MemoryCopy)
		}),
		attack("init-past-end", ABICore, Stopped(KindTrap), "copies what lies behind a data segment", func(g *guest) {
			d := g.PassiveData([]byte("1234"))
			g.run("", asm.I32(0), asm.I32(2), asm.I32(huge), asm.MemoryInit(d))
		}),
		attack("init-after-drop", ABICore, Stopped(KindTrap), "copies a data segment that was dropped", func(g *guest) {
			d := g.PassiveData([]byte("1234"))
			g.run("", asm.DataDrop(d), asm.I32(0), asm.I32(0), asm.I32(4), asm.MemoryInit(d))
		}),
	}
}
