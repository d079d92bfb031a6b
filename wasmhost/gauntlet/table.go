package gauntlet

import (
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func tables() []Case {
	const limit = `(?i)table`
	grow := func(n uint32) asm.Code {
		return asm.Seq(asm.RefNull, asm.I32(n), asm.TableGrow(0))
	}
	fixed := func(name string, least, most uint64) Case {
		return attack(name, ABICore, Refused(limit).Or(Stopped(KindMemory)),
			"allocates a table of billions of elements when it instantiates a module of some bytes",
			func(g *guest) {
				g.Table(least, most)
				g.run("")
			})
	}
	return []Case{
		fixed("min-4e9", 4_000_000_000, asm.None),
		fixed("min-max", 0xffffffff, 0xffffffff),
		fixed("min-1e8", 100_000_000, asm.None),
		fixed("min-past-limit", 100_001, asm.None),
		attack("many", ABICore, Refused(limit).Or(Stopped(KindMemory)), "limits each table and not all together", func(g *guest) {
			for range 10_000 {
				g.Table(90_000, 90_000)
			}
			g.run("")
		}),
		attack("grow-at-once", ABICore, Contained().Or(Stopped(KindMemory)), "grows a table to 32 GiB for a module of 48 bytes, under a memory limit of one MiB", func(g *guest) {
			g.Table(0, asm.None)
			g.attack("", grow(huge), asm.I32(-1), asm.I32Ne)
		}),
		attack("grow-1e9", ABICore, Contained().Or(Stopped(KindMemory)), "grows a table to gigabytes", func(g *guest) {
			g.Table(0, asm.None)
			g.attack("", grow(1_000_000_000), asm.I32(-1), asm.I32Ne)
		}),
		attack("grow-loop", ABICore, Contained().Or(Stopped(KindMemory, KindTimeout)), "grows a table bit by bit until the process ends", func(g *guest) {
			g.Table(0, asm.None)
			g.run("", asm.Loop(grow(10_000), asm.I32(-1), asm.I32Ne, asm.BrIf(0)))
		}),
		attack("grow-forever", ABICore, Stopped(KindTimeout, KindMemory), "grows a table for ever, by nothing or by what is refused", func(g *guest) {
			g.Table(1, asm.None)
			g.run("", forever(grow(0), asm.Drop, grow(1<<30), asm.Drop))
		}),
		attack("grow-every-table", ABICore, Contained().Or(Stopped(KindMemory, KindTimeout)).Or(Refused(limit)), "limits each table and not all together", func(g *guest) {
			var code []asm.Code
			for range 50 {
				t := g.Table(0, asm.None)
				code = append(code, asm.RefNull, asm.I32(99_000), asm.TableGrow(t), asm.Drop)
			}
			g.run("", forever(slices.Concat(code...)))
		}),
		attack("fill-past-end", ABICore, Stopped(KindTrap), "fills a table past its end, since offset and length wrap", func(g *guest) {
			g.Table(10, 10)
			g.run("", asm.I32(huge), asm.RefNull, asm.I32(2), asm.TableFill(0))
		}),
		attack("init-past-end", ABICore, Stopped(KindTrap), "reads elements past the end of a segment", func(g *guest) {
			f := g.Func("", "", "")
			g.Table(10, 10)
			e := g.PassiveElements(f, f)
			g.run("", asm.I32(0), asm.I32(1), asm.I32(huge), asm.TableInit(e, 0))
		}),
		attack("call-null", ABICore, Stopped(KindTrap), "calls an element that was never set", func(g *guest) {
			g.Table(10, 10)
			g.attack("", asm.I32(3), asm.CallIndirect(g.Type("", "i")))
		}),
		attack("call-past-end", ABICore, Stopped(KindTrap), "calls what lies behind the table", func(g *guest) {
			g.Table(10, 10)
			g.attack("", asm.I32(huge), asm.CallIndirect(g.Type("", "i")))
		}),
		attack("call-other-type", ABICore, Stopped(KindTrap), "calls a function with another type's arguments", func(g *guest) {
			f := g.Func("IIII", "I", "", asm.Get(0))
			g.Table(1, 1)
			g.Elements(0, f)
			g.attack("", asm.I32(0), asm.CallIndirect(g.Type("", "i")))
		}),
		attack("elements-past-end", ABICore, Refused(invalid).Or(Stopped(KindTrap)), "writes elements behind the table while it instantiates", func(g *guest) {
			f := g.Func("", "", "")
			g.Table(2, 2)
			g.Elements(1, f, f)
			g.run("", asm.I32(2), asm.CallIndirect(g.Type("", ""))) // must not be there
		}),
	}
}
