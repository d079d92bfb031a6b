package gauntlet

import (
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// fuels are endless guests with a budget of ten million instructions and all
// the time they want.
func fuels() []Case {
	const why = "has no measure of work but time, which depends on the machine and its neighbors"
	limited := func(name string, build func(g *guest)) Case {
		c := attack(name, ABICore, Stopped(KindFuel), why, build)
		c.Limits.Fuel, c.Limits.Timeout = 10_000_000, 20*time.Second
		c.Verdict.Wall = 2 * time.Second
		return c
	}
	count := asm.Seq(asm.Get(0), asm.I32(1), asm.I32Add, asm.Set(0))
	return []Case{
		limited("loop", func(g *guest) { g.run("i", forever(count)) }),
		limited("empty-loop", func(g *guest) { g.run("", asm.Loop(asm.Br(0))) }),
		limited("calls", func(g *guest) {
			f := g.Func("", "", "")
			g.run("", forever(asm.Call(f)))
		}),
		limited("doubling-chain", func(g *guest) {
			f := g.Func("", "", "")
			for range 100 {
				f = g.Func("", "", "", asm.Call(f), asm.Call(f))
			}
			g.run("", asm.Call(f))
		}),
		limited("memory-fill", func(g *guest) {
			g.pages(1024, 1024)
			g.run("", forever(asm.I32(0), asm.I32(7), asm.I32(64<<20), asm.MemoryFill))
		}),
		limited("memory-copy", func(g *guest) {
			g.pages(1024, 1024)
			g.run("", forever(asm.I32(0), asm.I32(1), asm.I32(32<<20), asm.MemoryCopy))
		}),
		limited("table-fill", func(g *guest) {
			g.Table(90_000, 90_000)
			g.run("", forever(asm.I32(0), asm.RefNull, asm.I32(90_000), asm.TableFill(0)))
		}),
		limited("memory-grow-by-nothing", func(g *guest) {
			g.run("", forever(asm.I32(0), asm.MemoryGrow, asm.Drop))
		}),
		limited("long-line", func(g *guest) { g.run("i", forever(asm.Repeat(25_000, count))) }),
		limited("start-function", func(g *guest) {
			g.Start(g.Func("", "", "", asm.Loop(asm.Br(0))))
			g.run("")
		}),
	}
}
