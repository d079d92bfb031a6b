package gauntlet

import (
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// guest is a module in the making, with what its ABI asks for.
type guest struct {
	asm.Module

	abi      string
	imported map[string]int
	text     uint32 // where the next text goes
	memory   bool
}

// textBase is where texts begin; below it is for what a guest makes itself.
const textBase = 32 << 10

// attack is a case with a module made by build.
func attack(name, abi string, verdict Verdict, why string, build func(g *guest)) Case {
	return Case{Name: name, Attack: why, ABI: abi, Verdict: verdict, Module: module(abi, build)}
}

// raw is a case of bytes that the assembler would not write.
func raw(name string, verdict Verdict, why string, bytes func() []byte) Case {
	return Case{Name: name, Attack: why, ABI: ABICore, Verdict: verdict, Module: bytes}
}

// endless is a case of ABICore that only a limit ends.
func endless(name, why string, build func(g *guest)) Case {
	return attack(name, ABICore, Stopped(KindTimeout), why, build)
}

func module(abi string, build func(g *guest)) func() []byte {
	return func() []byte {
		g := &guest{abi: abi, imported: map[string]int{}, text: textBase}
		if abi == ABICommand {
			g.index("proc_exit")
		}
		build(g)
		if !g.memory {
			g.pages(2, asm.None)
		}
		return g.Bytes()
	}
}

// entry is the export that is called.
func entry(abi string) string {
	if abi == ABICommand {
		return "_start"
	}
	return "attack"
}

// pages gives the guest its memory, which is 2 pages otherwise.
func (g *guest) pages(least, most uint64) {
	g.memory = true
	g.Memory(least, most)
}

// attack adds the function that is called. Its code leaves an i32: 0, or the
// number of the step that should have failed.
func (g *guest) attack(locals string, code ...asm.Code) {
	f := g.Func("", "i", locals, code...)
	if g.abi == ABICommand {
		f = g.Func("", "", "i", asm.Call(f), asm.Tee(0),
			asm.If(asm.Get(0), asm.Call(g.imported["proc_exit"])))
	}
	g.Export(entry(g.abi), f)
}

// run adds the function that is called, of code that leaves nothing.
func (g *guest) run(locals string, code ...asm.Code) {
	g.attack(locals, asm.Seq(code...), asm.I32(0))
}

// index imports a function, once.
func (g *guest) index(name string) int {
	if i, ok := g.imported[name]; ok {
		return i
	}
	f, ok := importsByName[name]
	if !ok {
		panic("gauntlet: no import " + name)
	}
	i := g.Import(f.module, f.name, f.types(), f.results)
	g.imported[name] = i
	return i
}

// host is a call of an imported function. A reactor may import WASI as well.
func (g *guest) host(name string, args ...asm.Code) asm.Code {
	return asm.Seq(asm.Seq(args...), asm.Call(g.index(name)))
}

// str is the pointer and length of a text in the guest's memory.
func (g *guest) str(s string) asm.Code {
	at := g.put([]byte(s))
	return asm.Seq(asm.I32(at), asm.I32(len(s)))
}

// put places bytes in the guest's memory.
func (g *guest) put(b []byte) uint32 {
	at := g.text
	if len(b) > 0 {
		g.Data(at, b)
	}
	g.text += uint32(len(b)+15) &^ 15
	return at
}

// breach ends the attack as successful, at a step, if code leaves 0.
func breach(step int, code ...asm.Code) asm.Code {
	return asm.Seq(asm.Seq(code...), asm.I32Eqz, asm.If(asm.I32(step), asm.Return))
}

// breachIf ends the attack as successful, at a step, if code leaves anything
// but 0.
func breachIf(step int, code ...asm.Code) asm.Code {
	return asm.Seq(asm.Seq(code...), asm.If(asm.I32(step), asm.Return))
}

// forever repeats code without end. Code after it is never reached.
func forever(code ...asm.Code) asm.Code {
	return asm.Loop(asm.Seq(code...), asm.Br(0))
}

// times repeats code n times; the local counts.
func times(n, local int, code ...asm.Code) asm.Code {
	return asm.Seq(asm.I32(n), asm.Set(local), asm.Loop(
		asm.Seq(code...),
		asm.Get(local), asm.I32(1), asm.I32Sub, asm.Tee(local), asm.BrIf(0)))
}

// letters is a type n times.
func letters(typ string, n int) string { return strings.Repeat(typ, n) }

// sortCases brings cases made from a map into an order.
func sortCases(cases []Case) {
	slices.SortFunc(cases, func(a, b Case) int { return strings.Compare(a.Name, b.Name) })
}
