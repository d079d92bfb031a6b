package gauntlet

import (
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// storms are thousands of calls that fail: whatever a failure leaves behind
// adds up.
func storms() []Case {
	storm := func(name, abi string, times int, verdict Verdict, build func(g *guest)) Case {
		c := attack(name, abi, verdict, "loses some memory, a thread or a file with each failing call", build)
		c.Repeat, c.Verdict.Growth = times, 128<<20
		c.Limits.Timeout = time.Second
		return c
	}
	trap := Stopped(KindTrap)
	return []Case{
		storm("unreachable", ABICore, 10_000, trap, func(g *guest) { g.run("", asm.Unreachable) }),
		storm("out-of-bounds", ABICore, 10_000, trap, func(g *guest) { g.attack("", asm.I32(-4), asm.Load32(0)) }),
		storm("division", ABICore, 10_000, trap, func(g *guest) { g.attack("", asm.I32(1), asm.I32(0), []byte{0x6d}) }),
		storm("start-function", ABICore, 5000, trap, func(g *guest) {
			g.Start(g.Func("", "", "", asm.Unreachable))
			g.run("")
		}),
		storm("exit", ABIReactor, 5000, Stopped(KindExit, KindError), func(g *guest) { g.run("", g.host("proc_exit", asm.I32(1))) }),
		storm("fail", ABIGraflow, 5000, Stopped(KindError), func(g *guest) {
			g.run("", g.host("fail", g.str("error"), g.str("no"), asm.I64(0)))
		}),
		storm("deep-trap", ABICore, 200, Stopped(KindStack), func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.Call(f), asm.I32(1), asm.I32Add)
			g.Export("attack", f)
		}),
		storm("full-memory", ABICore, 300, trap, func(g *guest) {
			g.pages(320, 320)
			g.run("", asm.I32(0), asm.I32(7), asm.I32(20<<20), asm.MemoryFill, asm.Unreachable)
		}),
		storm("large-table", ABICore, 1000, trap, func(g *guest) {
			g.Table(90_000, 90_000)
			g.run("", asm.Unreachable)
		}),
		withMount(storm("open-files", ABIReactor, 3000, trap, func(g *guest) {
			g.run("", asm.Repeat(4, g.open("file", 0), asm.Drop), asm.Unreachable)
		})),
	}
}

func withMount(c Case) Case {
	c.Setup.Mount = MountReadOnly
	return c
}
