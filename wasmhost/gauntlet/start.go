package gauntlet

import (
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

func starts() []Case {
	const before = "bounds the export that it calls, and not what runs before it"
	hang := asm.Loop(asm.Br(0))
	// aside makes a module whose export does nothing, and one more function.
	aside := func(export string, code ...asm.Code) func(g *guest) {
		return func(g *guest) {
			g.Export(export, g.Func("", "", "", code...))
			g.run("")
		}
	}
	all := []Case{
		endless("start-function", before, func(g *guest) {
			g.Start(g.Func("", "", "", hang))
			g.run("")
		}),
		attack("start-function-trap", ABICore, Stopped(KindTrap), before, func(g *guest) {
			g.Start(g.Func("", "", "", asm.Unreachable))
			g.run("")
		}),
		attack("start-function-of-command", ABICommand, Stopped(KindTimeout), before, func(g *guest) {
			g.Start(g.Func("", "", "", hang))
			g.run("")
		}),
		attack("initialize", ABIReactor, Stopped(KindTimeout), before, aside("_initialize", hang)),
		attack("initialize-trap", ABIReactor, Stopped(KindTrap), before, aside("_initialize", asm.Unreachable)),
		attack("initialize-recursion", ABIReactor, Stopped(KindStack), before, func(g *guest) {
			f := g.Declare("", "")
			g.Define(f, "", asm.Call(f), asm.Call(f))
			g.Export("_initialize", f)
			g.run("")
		}),
		attack("initialize-other-type", ABIReactor, Refused(invalid).Or(Stopped(KindTrap)).Or(Contained()),
			"calls an export with arguments that it does not take", func(g *guest) {
				g.Export("_initialize", g.Func("iIfF", "iiii", "", asm.Repeat(4, asm.I32(0))))
				g.run("")
			}),
		attack("warmup", ABIGraflow, Stopped(KindTimeout).Or(Contained()), "warms a guest up without a deadline", aside("graflow_warmup", hang)),
		attack("warmup-trap", ABIGraflow, Stopped(KindTrap).Or(Contained()), "makes a snapshot of a guest that failed to warm up", aside("graflow_warmup", asm.Unreachable)),
		attack("warmup-grows", ABIGraflow, Contained().Or(Stopped(KindMemory, KindTimeout)), "keeps what a guest grew to while it was warmed up", func(g *guest) {
			g.Export("graflow_warmup", g.Func("", "", "", asm.Loop(asm.I32(16), asm.MemoryGrow, asm.I32(-1), asm.I32Ne, asm.BrIf(0))))
			g.run("")
		}),
	}
	for _, export := range []string{"_initialize", "graflow_warmup"} {
		c := attack("memory-of-"+strings.TrimPrefix(strings.Trim(export, "_"), "graflow_"), ABIGraflow, Contained().Or(Stopped(KindMemory, KindTimeout)),
			"holds the calls to their memory limit, and what runs before them to another one", func(g *guest) {
				grow := asm.Loop(asm.I32(16), asm.MemoryGrow, asm.I32(-1), asm.I32Ne, asm.BrIf(0))
				g.Export(export, g.Func("", "", "ii", grow, touchAll()))
				g.run("")
			})
		c.Verdict.Growth, c.Repeat = 128<<20, 5
		all = append(all, c)
	}
	exits := func(name string, verdict Verdict, build func(g *guest, exit asm.Code)) Case {
		return attack(name, ABIReactor, verdict, "lets a guest exit where nobody expects it, and ends the process or waits for ever",
			func(g *guest) { build(g, g.host("proc_exit", asm.I32(3))) })
	}
	ended := Stopped(KindExit, KindError)
	all = append(all,
		exits("exit-in-export", ended, func(g *guest, exit asm.Code) { g.run("", exit) }),
		exits("exit-in-start-function", ended, func(g *guest, exit asm.Code) {
			g.Start(g.Func("", "", "", exit))
			g.run("")
		}),
		exits("exit-in-initialize", ended, func(g *guest, exit asm.Code) {
			g.Export("_initialize", g.Func("", "", "", exit))
			g.run("")
		}),
		exits("exit-in-warmup", ended.Or(Contained()), func(g *guest, exit asm.Code) {
			g.Export("graflow_warmup", g.Func("", "", "", exit))
			g.run("")
		}),
		exits("exit-in-depth", ended, func(g *guest, exit asm.Code) {
			f := g.Declare("i", "")
			g.Define(f, "", asm.Get(0), asm.I32Eqz, asm.If(exit), asm.Get(0), asm.I32(1), asm.I32Sub, asm.Call(f))
			g.run("", asm.I32(1000), asm.Call(f))
		}),
	)
	return append(all, describes()...)
}

// describes attack a host that asks a module for its description.
func describes() []Case {
	describe := func(name string, verdict Verdict, why string, code func(g *guest) asm.Code) Case {
		c := attack(name, ABIGraflow, verdict, why, func(g *guest) {
			answer := code(g)
			g.Export("graflow_describe", g.Func("", "i", "", answer, asm.I32(0)))
			g.run("")
		})
		c.Setup.Describe, c.Limits.Timeout = true, 6*time.Second
		return c
	}
	failed := Stopped(KindError, KindInvalidOutput)
	text := func(s string) func(g *guest) asm.Code {
		return func(g *guest) asm.Code { return asm.Seq(g.host("output_write", g.str(s)), asm.Drop) }
	}
	return []Case{
		describe("describe", Stopped(KindTimeout), "asks a module for its description without a deadline", func(*guest) asm.Code { return asm.Loop(asm.Br(0)) }),
		describe("describe-flood", Stopped(KindOutput), "collects a description without a limit", func(g *guest) asm.Code {
			g.pages(16, 16)
			return forever(g.host("output_write", asm.I32(0), asm.I32(1<<20)), asm.Drop)
		}),
		describe("describe-garbage", failed, "shows a description that is not JSON", text("}")),
		describe("describe-other-type", failed, "takes a description of another shape for one", text(`{"tasks": {"attack": 1}}`)),
		describe("describe-control", Contained(), "gives the description the powers of a task", func(g *guest) asm.Code {
			return asm.Seq(
				asm.Seq(g.host("terminate", g.str("stop")), asm.I32(-2), asm.I32Ne, asm.If(asm.Unreachable)),
				asm.Seq(g.host("channel_set", g.str("k"), g.str("1")), asm.I32(-2), asm.I32Ne, asm.If(asm.Unreachable)),
				asm.Seq(g.host("output_write", g.str("{}")), asm.Drop))
		}),
	}
}
