package gauntlet

import (
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

const secret = 0x5ec2e7

// leaks plant a secret in one call and look for it in the next.
func leaks() []Case {
	all := []Case{
		leaky("memory", ABICore, nil, "gives a task the memory of the one before it", func(g *guest) (plant, look asm.Code) {
			g.pages(4, 400)
			at := func(page int) asm.Code { return asm.I32(page*pageBytes + 4000) }
			for page := range 4 {
				plant = asm.Seq(plant, at(page), asm.I32(secret), asm.Store32(0))
				look = asm.Seq(look, breachIf(page+1, at(page), asm.Load32(0)))
			}
			return plant, look
		}),
		leaky("all-of-memory", ABICore, nil, "gives a task the memory of the one before it, but for the pages that it thinks it changed", func(g *guest) (plant, look asm.Code) {
			g.pages(64, 64)
			plant = asm.Seq(asm.I32(0), asm.I32(0x77), asm.I32(64*pageBytes), asm.MemoryFill)
			look = asm.Loop(breachIf(1, asm.Get(0), asm.Load64(0), asm.I64(0), asm.I64Ne),
				asm.Get(0), asm.I32(8), asm.I32Add, asm.Tee(0), asm.I32(64*pageBytes), asm.I32LtU, asm.BrIf(0))
			return plant, look
		}),
		leaky("data", ABICore, nil, "gives a task the data segments as the one before it left them", func(g *guest) (plant, look asm.Code) {
			at := g.put([]byte("untouched"))
			return asm.Seq(asm.I32(at), asm.I32(secret), asm.Store32(0)),
				breachIf(1, asm.I32(at), asm.Load32(0), asm.I32(0x6f746e75), asm.I32Ne) // "unto"
		}),
		leaky("grown-memory", ABICore, nil, "gives back pages that were grown with what was in them, or a memory that stays grown", func(g *guest) (plant, look asm.Code) {
			g.pages(1, 200)
			grow := asm.Seq(asm.I32(100), asm.MemoryGrow, asm.Drop)
			return asm.Seq(grow, asm.I32(pageBytes), asm.I32(0x77), asm.I32(100*pageBytes), asm.MemoryFill),
				asm.Seq(breachIf(1, asm.MemorySize, asm.I32(1), asm.I32Ne), grow, asm.I32(pageBytes), asm.Set(0),
					asm.Loop(breachIf(2, asm.Get(0), asm.Load64(0), asm.I64(0), asm.I64Ne),
						asm.Get(0), asm.I32(512), asm.I32Add, asm.Tee(0), asm.I32(101*pageBytes), asm.I32LtU, asm.BrIf(0)))
		}),
		leaky("globals", ABICore, nil, "gives a task the globals of the one before it", func(g *guest) (plant, look asm.Code) {
			g.Global("I", asm.I64(7))
			g.Global("i", asm.I32(0))
			g.Global("F", asm.F64(0))
			g.Global("r", asm.RefNull)
			f := g.Func("", "", "")
			g.Elements(0, f)
			g.Table(1, 1)
			return asm.Seq(asm.I64(secret), asm.GlobalSet(0), asm.I32(secret), asm.GlobalSet(1), asm.F64(secret), asm.GlobalSet(2), asm.RefFunc(f), asm.GlobalSet(3)),
				asm.Seq(
					breachIf(1, asm.GlobalGet(0), asm.I64(7), asm.I64Ne),
					breachIf(2, asm.GlobalGet(1)),
					breachIf(3, asm.GlobalGet(2), []byte{0xbd}, asm.I64(0), asm.I64Ne), // i64.reinterpret_f64
					breach(4, asm.GlobalGet(3), asm.RefIsNull))
		}),
		leaky("vector-global", ABICore, nil, "restores globals of 64 bits only", func(g *guest) (plant, look asm.Code) {
			zero := asm.Seq([]byte{0xfd, 12}, make([]byte, 16))
			v := g.Global("v", zero)
			return asm.Seq(zero, []byte{0xfd, 77}, asm.GlobalSet(v)), // v128.not
				breachIf(1, asm.GlobalGet(v), []byte{0xfd, 83}) // v128.any_true
		}),
		leaky("table", ABICore, nil, "gives a task the tables of the one before it", func(g *guest) (plant, look asm.Code) {
			f := g.Func("", "", "")
			g.Table(4, 100)
			g.Elements(0, f)
			return asm.Seq(asm.I32(3), asm.RefFunc(f), asm.TableSet(0), asm.I32(0), asm.RefNull, asm.TableSet(0),
					asm.RefFunc(f), asm.I32(10), asm.TableGrow(0), asm.Drop),
				asm.Seq(breach(1, asm.I32(3), asm.TableGet(0), asm.RefIsNull),
					breachIf(2, asm.I32(0), asm.TableGet(0), asm.RefIsNull),
					breachIf(3, asm.TableSize(0), asm.I32(4), asm.I32Ne))
		}),
		leaky("dropped-segments", ABICore, nil, "does not bring back the segments that the task before dropped", func(g *guest) (plant, look asm.Code) {
			f := g.Func("", "", "")
			g.Table(4, 4)
			e, d := g.PassiveElements(f), g.PassiveData([]byte("1234"))
			return asm.Seq(asm.DataDrop(d), asm.ElemDrop(e)),
				asm.Seq(asm.I32(0), asm.I32(0), asm.I32(4), asm.MemoryInit(d), asm.I32(0), asm.I32(0), asm.I32(1), asm.TableInit(e, 0))
		}),
		leaky("start-function", ABICore, nil, "runs the start function again on what the task before left, or not at all", func(g *guest) (plant, look asm.Code) {
			n := g.Global("i", asm.I32(0))
			g.Start(g.Func("", "", "", asm.GlobalGet(n), asm.I32(1), asm.I32Add, asm.GlobalSet(n)))
			return nil, breachIf(1, asm.GlobalGet(n), asm.I32(1), asm.I32Ne)
		}),
		leaky("open-files", ABIReactor, &Setup{Mount: MountReadOnly}, "leaves a file open for the next task", func(g *guest) (plant, look asm.Code) {
			plant = asm.Repeat(3, g.open("file", 0), asm.Drop)
			look = breach(1, g.host("fd_fdstat_get", asm.I32(mounted+1), asm.I32(resultAt)))
			return plant, look
		}),
		leaky("closed-files", ABIReactor, &Setup{Mount: MountReadOnly}, "leaves a mount closed for the next task", func(g *guest) (plant, look asm.Code) {
			return asm.Seq(g.host("fd_close", asm.I32(mounted)), asm.Drop, g.host("fd_close", asm.I32(2)), asm.Drop),
				asm.Seq(breachIf(1, g.open("file", 0)), breachIf(2, g.host("fd_fdstat_get", asm.I32(2), asm.I32(resultAt))))
		}),
		leaky("tree-in-memory", ABIReactor, &Setup{Mount: MountMemory}, "keeps a tree in memory for the next task", func(g *guest) (plant, look asm.Code) {
			return asm.Seq(g.open("left", oCreate), asm.Drop, g.host("path_create_directory", asm.I32(mounted), g.str("dir")), asm.Drop),
				asm.Seq(breach(1, g.open("left", 0)), breach(2, g.open("dir", oDirectory)))
		}),
		leaky("reply", ABIGraflow, nil, "keeps an answer that the task before did not fetch", func(g *guest) (plant, look asm.Code) {
			return asm.Seq(g.host("channel_keys", g.str("")), asm.Drop),
				breachIf(1, g.host("reply_read", asm.I32(0), asm.I32(100)))
		}),
	}
	blame := leaky("refused-growth", ABICore, nil, "blames a task for what the one before it asked for", func(g *guest) (plant, look asm.Code) {
		return asm.Seq(asm.I32(65000), asm.MemoryGrow, asm.Drop), asm.Unreachable
	})
	blame.Verdict = Contained().Or(Stopped(KindTrap))
	return append(append(all, blame), afterFailure()...)
}

// leaky is a case of two exports. Their code leaves nothing; local 0 is an i32.
func leaky(name, abi string, setup *Setup, why string, build func(g *guest) (plant, look asm.Code)) Case {
	c := Case{Name: name, ABI: abi, Attack: why, Verdict: Contained(), Exports: []string{"plant", "look", "look"}, Repeat: 20, Parallel: 2}
	if setup != nil {
		c.Setup = *setup
	}
	c.Module = module(abi, func(g *guest) {
		plant, look := build(g)
		g.Export("plant", g.Func("", "i", "i", plant, asm.I32(0)))
		g.Export("look", g.Func("", "i", "i", look, asm.I32(0)))
	})
	return c
}

// afterFailure plant a secret and then fail in some way.
func afterFailure() []Case {
	endings := map[string]struct {
		verdict Verdict
		code    func(g *guest) asm.Code
	}{
		"trap":      {Stopped(KindTrap), func(*guest) asm.Code { return asm.Unreachable }},
		"exit":      {Stopped(KindExit, KindError), func(g *guest) asm.Code { return g.host("proc_exit", asm.I32(1)) }},
		"timeout":   {Stopped(KindTimeout), func(*guest) asm.Code { return asm.Loop(asm.Br(0)) }},
		"recursion": {Stopped(KindStack), func(*guest) asm.Code { return nil }},
	}
	var all []Case
	for name, ending := range endings {
		c := leaky("after-"+name, ABIReactor, nil, "takes a sandbox into use again whose task did not end well", nil)
		c.Verdict, c.Repeat = Contained().Or(ending.verdict), 5
		if name == "timeout" {
			c.Limits.Timeout = 100 * time.Millisecond
		}
		c.Exports = slices.Repeat([]string{"plant", "look"}, 2)
		c.Module = module(ABIReactor, func(g *guest) {
			end := ending.code(g)
			n := g.Global("i", asm.I32(0))
			plant := asm.Seq(asm.I32(0), asm.I32(secret), asm.Store32(0), asm.I32(secret), asm.GlobalSet(n))
			f := g.Declare("", "i")
			if end == nil {
				end = asm.Seq(asm.Call(f), asm.Drop)
			}
			g.Define(f, "", plant, end, asm.I32(0))
			g.Export("plant", f)
			g.Export("look", g.Func("", "i", "", breachIf(1, asm.GlobalGet(n)), breachIf(2, asm.I32(0), asm.Load32(0)), asm.I32(0)))
		})
		all = append(all, c)
	}
	sortCases(all)
	return all
}
