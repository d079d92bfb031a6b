package gauntlet

import (
	"math"
	"slices"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// A slant is one way of passing bad arguments.
type slant struct {
	name    string
	pointer uint32
	length  uint32
	count   uint32
	number  uint32 // for file descriptors and other numbers, if not 0
	outside bool   // the pointer is outside of the memory: no call with it may succeed
}

const pointerMemory = 2 * pageBytes

var slants = []slant{
	{name: "past-end", pointer: pointerMemory, length: 16, count: 2, outside: true},
	{name: "across-end", pointer: pointerMemory - 1, length: 256, count: 2, outside: true},
	{name: "last-word", pointer: huge - 3, length: 16, count: 2, outside: true},
	{name: "wraps", pointer: huge - 15, length: 32, count: 4, outside: true},
	{name: "wraps-to-zero", pointer: huge, length: 1, count: 1, outside: true},
	{name: "all-ones", pointer: huge, length: huge, count: huge, outside: true},
	{name: "sign-bit", pointer: 1 << 31, length: 1 << 31, count: 1 << 28, outside: true},
	{name: "long", pointer: 8, length: huge, count: huge},
	{name: "count-wraps", pointer: 64, length: 1 << 31, count: 1 << 29},
	{name: "long-by-one", pointer: 0, length: pointerMemory + 1, count: pointerMemory/8 + 1},
	{name: "itself", pointer: 64, length: 64, count: 8},
	{name: "unaligned", pointer: 1, length: 7, count: 1},
	{name: "nothing", pointer: huge, length: 0, count: 0},
	{name: "numbers", pointer: 1024, length: 16, count: 1, number: huge},
	{name: "sign-bit-numbers", pointer: 1024, length: 16, count: 1, number: 1 << 31},
}

// pointers is a case for each import, with an export for each slant.
func pointers() []Case {
	var all []Case
	for _, f := range append(graflowImports(), wasiImports()...) {
		c := Case{
			Name: strings.ReplaceAll(f.name, "_", "-"), ABI: ABIReactor, Verdict: Contained().Or(Stopped(KindTrap)),
			Attack: "reads or writes its own memory where the guest points to, or computes with numbers that it took for small ones",
			Setup:  Setup{Mount: MountWritable, Env: map[string]string{"KEY": "value"}},
			Input:  `"0123456789abcdef"`,
		}
		if f.module == graflowModule {
			c.ABI, c.Setup = ABIGraflow, Setup{}
		}
		switch f.name {
		case "proc_exit":
			c.Verdict = Stopped(KindExit, KindError)
		case "fail":
			c.Verdict = Stopped(KindError)
		case "output_write":
			c.Verdict.Stopped = append(c.Verdict.Stopped, KindInvalidOutput)
		case "proc_raise":
			c.Verdict.Stopped = append(c.Verdict.Stopped, KindExit, KindError)
		case "poll_oneoff":
			c.Verdict.Stopped = append(c.Verdict.Stopped, KindTimeout)
		}
		ways := slantsFor(f)
		for _, s := range ways {
			c.Exports = append(c.Exports, s.name)
		}
		c.Module = module(c.ABI, func(g *guest) { g.abuse(f, ways) })
		all = append(all, c)
	}
	return all
}

// slantsFor leaves out what is no abuse of a function.
func slantsFor(f hostImport) []slant {
	return slices.DeleteFunc(slices.Clone(slants), func(s slant) bool {
		switch {
		case f.name == "fail": // any text it can read names an error of the guest's own
			return !s.outside
		case !strings.ContainsAny(f.params, "pln"):
			return s.number == 0
		}
		return false
	})
}

// abuse adds an export for each slant, which calls f with it.
func (g *guest) abuse(f hostImport, ways []slant) {
	g.pages(2, 2)
	g.Data(64, asm.Repeat(16, words(64, 64))) // vectors that point to themselves
	prepare := asm.Code{}
	if strings.Contains(f.params, "d") && f.module == wasiModule {
		prepare = asm.Seq(g.open("file", oCreate), asm.Drop)
	}
	if f.name == "reply_read" {
		prepare = asm.Seq(g.host("channel_keys", asm.I32(0), asm.I32(0)), asm.Drop)
	}
	target := g.index(f.name)
	for _, s := range ways {
		code := asm.Seq(prepare, s.arguments(f), asm.Call(target))
		switch {
		case f.results == "I":
			code = asm.Seq(code, asm.I64(0), asm.I64LtS, asm.I32Eqz)
		case f.results == "i" && f.module == graflowModule:
			code = asm.Seq(code, asm.I32(0), asm.I32LtS, asm.I32Eqz)
		case f.results == "i":
			code = asm.Seq(code, asm.I32Eqz)
		default:
			code = asm.Seq(code, asm.I32(0))
		}
		if !s.outside || !strings.Contains(f.params, "p") {
			code = asm.Seq(code, asm.Drop, asm.I32(0))
		}
		g.Export(s.name, g.Func("", "i", "", code))
	}
}

func (s slant) arguments(f hostImport) asm.Code {
	var args []asm.Code
	for _, kind := range f.params {
		switch kind {
		case 'p':
			args = append(args, asm.I32(s.pointer))
		case 'l':
			args = append(args, asm.I32(s.length))
		case 'n':
			args = append(args, asm.I32(s.count))
		case 'd':
			args = append(args, s.descriptor(f.name))
		case 'x':
			args = append(args, asm.I32(s.number))
		case 'X':
			args = append(args, asm.I64(-int64(s.number)<<32))
		case 'F':
			args = append(args, asm.F64(math.NaN()))
		}
	}
	return asm.Seq(args...)
}

// descriptor is the mount for functions of paths, and an open file otherwise.
func (s slant) descriptor(function string) asm.Code {
	switch {
	case s.number != 0:
		return asm.I32(s.number)
	case strings.HasPrefix(function, "path_"), strings.HasPrefix(function, "fd_prestat"), function == "fd_readdir":
		return asm.I32(mounted)
	}
	return opened
}
