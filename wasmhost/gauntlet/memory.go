package gauntlet

import (
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

const pageBytes = 64 << 10

func memories() []Case {
	const limit = `(?i)memory`
	grow := func(pages int) asm.Code { return asm.Seq(asm.I32(pages), asm.MemoryGrow) }
	refusedGrowth := asm.Seq(asm.I32(-1), asm.I32Ne)
	touch := touchAll()
	all := []Case{
		attack("min-4-gib", ABICore, Refused(limit).Or(Stopped(KindMemory)), "allocates 4 GiB for a module of some bytes", func(g *guest) {
			g.pages(65536, 65536)
			g.run("")
		}),
		attack("min-past-limit", ABICore, Refused(limit).Or(Stopped(KindMemory)), "allocates more than its limit when it instantiates", func(g *guest) {
			g.pages(1025, asm.None)
			g.run("")
		}),
		attack("min-past-4-gib", ABICore, Refused(limit), "computes the size of 65537 pages in 32 bits", func(g *guest) {
			g.pages(65537, asm.None)
			g.run("")
		}),
		attack("max-below-min", ABICore, Refused(limit), "reserves a negative number of pages", func(g *guest) {
			g.pages(10, 1)
			g.run("")
		}),
		attack("grow-at-once", ABICore, Contained().Or(Stopped(KindMemory)), "grows a memory past its limit", func(g *guest) {
			g.attack("", grow(65534), refusedGrowth)
		}),
		attack("grow-negative", ABICore, Contained().Or(Stopped(KindMemory)), "adds 2^32-1 pages in 32 bits, which takes one away", func(g *guest) {
			g.attack("", breachIf(1, grow(-1), refusedGrowth), asm.MemorySize, asm.I32(2), asm.I32Ne)
		}),
		attack("grow-loop", ABICore, Contained().Or(Stopped(KindMemory)), "copies the memory at each of a thousand growths by a page", func(g *guest) {
			g.run("ii", asm.Loop(grow(1), refusedGrowth, asm.BrIf(0)), touch)
		}),
		attack("grow-and-touch", ABICore, Contained().Or(Stopped(KindMemory)), "holds more than its limit since it counts what is reserved and not what is touched", func(g *guest) {
			g.run("ii", asm.Loop(grow(64), refusedGrowth, asm.BrIf(0)), touch)
		}),
		attack("grow-forever", ABICore, Stopped(KindTimeout, KindMemory), "grows a memory for ever, by nothing or by what is refused", func(g *guest) {
			g.run("", forever(grow(0), asm.Drop, grow(65535), asm.Drop))
		}),
		attack("touch-forever", ABICore, Stopped(KindTimeout), "is busy with page faults, where nothing looks at the time", func(g *guest) {
			g.pages(1024, 1024)
			g.run("ii", forever(touch))
		}),
		attack("load-past-end", ABICore, Stopped(KindTrap), "reads what lies behind the memory", func(g *guest) {
			g.attack("", asm.I32(huge), asm.Load32(huge))
		}),
		attack("store-past-end", ABICore, Stopped(KindTrap), "writes behind the memory, at its last three bytes", func(g *guest) {
			g.run("", asm.I32(2*pageBytes-3), asm.I32(-1), asm.Store32(0))
		}),
		attack("wrapped-offset", ABICore, Stopped(KindTrap), "adds the address and the offset in 32 bits, which lands inside", func(g *guest) {
			g.attack("", asm.I32(16), asm.Load32(huge-7))
		}),
		attack("data-past-end", ABICore, Refused(invalid).Or(Stopped(KindTrap)), "copies a data segment behind the memory while it instantiates", func(g *guest) {
			g.pages(1, 1)
			g.Data(pageBytes-2, []byte("beyond"))
			g.run("")
		}),
		attack("data-offset-wraps", ABICore, Refused(invalid).Or(Stopped(KindTrap)), "adds a data segment's offset and length in 32 bits", func(g *guest) {
			g.pages(1, 1)
			g.Data(huge, []byte("beyond"))
			g.run("")
		}),
	}
	sawtooth := attack("grow-and-release", ABICore, Contained().Or(Stopped(KindMemory)),
		"keeps the 60 MiB that each of a hundred calls grew to", func(g *guest) {
			g.run("ii", grow(60<<20/pageBytes), asm.Drop, touch)
		})
	sawtooth.Repeat = 100
	many := attack("side-by-side", ABICore, Contained().Or(Stopped(KindMemory)),
		"lets sixteen calls at a time take 64 MiB each, and keeps them afterwards", func(g *guest) {
			g.run("ii", grow(62<<20/pageBytes), asm.Drop, touch)
		})
	many.Parallel, many.Repeat, many.Limits.Timeout = 16, 4, 5*time.Second
	many.Verdict.Growth = 16*64<<20 + DefaultGrowth
	return append(all, sawtooth, many)
}

// touchAll writes to each page of the machine that the memory has. It uses
// locals 0 and 1.
func touchAll() asm.Code {
	const step = 4096
	return asm.Seq(asm.I32(0), asm.Set(0), asm.MemorySize, asm.I32(pageBytes/step), asm.I32Mul, asm.Set(1), asm.Block(asm.Loop(
		asm.Get(1), asm.I32Eqz, asm.BrIf(1),
		asm.Get(0), asm.I32(1), asm.Store32(0),
		asm.Get(0), asm.I32(step), asm.I32Add, asm.Set(0),
		asm.Get(1), asm.I32(1), asm.I32Sub, asm.Set(1), asm.Br(0))))
}
