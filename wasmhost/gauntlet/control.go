package gauntlet

import "github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"

func controls() []Case {
	return []Case{
		attack("empty", ABICore, Contained(), "refuses what is harmless", func(g *guest) { g.run("") }),
		raw("every-section", Contained(), "refuses a module that has every section", func() []byte {
			return everySection(false).Bytes()
		}),
		raw("padded-numbers", Contained(), "refuses LEB128 numbers that are longer than need be, as tools write them", func() []byte {
			m := plain()
			sections := m.Sections()
			for i, s := range sections {
				sections[i] = append(append([]byte{s[0]}, asm.Padded(uint64(len(s)-2), 5)...), s[2:]...)
			}
			return asm.Binary(sections...)
		}),
		raw("odd-custom-sections", Contained(), "refuses custom sections it does not know, in places where they are allowed", func() []byte {
			var out [][]byte
			for _, s := range plain().Sections() {
				out = append(out, asm.Custom("odd", []byte{0xff, 0x00}), s)
			}
			return asm.Binary(append(out, asm.Custom("", nil))...)
		}),
		attack("command", ABICommand, Contained(), "can't run a WASI command", func(g *guest) {
			g.attack("", g.write(1, "null\n"), asm.I32Eqz, asm.I32Eqz)
		}),
		attack("reactor", ABIReactor, Contained(), "can't run a WASI reactor", func(g *guest) {
			g.attack("", g.host("random_get", asm.I32(64), asm.I32(16)))
		}),
		attack("graflow", ABIGraflow, Contained(), "can't run a graflow_v1 module", func(g *guest) {
			g.attack("", g.host("output_write", g.str(`"done"`)), asm.I32(6), asm.I32Ne)
		}),
		{
			Name: "file", Attack: "does not let a guest read a file that it was given",
			ABI: ABICommand, Verdict: Contained(), Setup: Setup{Mount: MountReadOnly},
			Module: module(ABICommand, func(g *guest) { g.attack("", g.open("file", 0), asm.I32Eqz, asm.I32Eqz) }),
		},
		{
			Name: "work", Attack: "stops a guest that needs a second of work and may have ten",
			ABI: ABICore, Verdict: Contained(), Limits: Limits{Timeout: 10e9},
			Module: module(ABICore, func(g *guest) { g.run("i", times(100_000_000, 0)) }),
		},
	}
}

// plain is the smallest module that can be called.
func plain() *asm.Module {
	m := &asm.Module{}
	m.Export("attack", m.Func("", "i", "", asm.I32(0)))
	return m
}

// everySection is a harmless module that has one of each section, imports if
// asked for.
func everySection(imports bool) *asm.Module {
	m := &asm.Module{}
	if imports {
		m.Import(wasiModule, "sched_yield", "", "i")
	}
	f := m.Func("", "i", "iI", asm.I32(0))
	m.Start(m.Func("", "", "", asm.Nop))
	m.Memory(1, 2)
	m.Table(2, 4)
	m.Global("i", asm.I32(7))
	m.Elements(0, f, f)
	m.PassiveElements(f)
	m.Data(16, []byte("data"))
	m.PassiveData([]byte("passive"))
	m.Export("attack", f)
	m.Custom("note", []byte("hello"))
	return m
}

// write is a call of fd_write with one text.
func (g *guest) write(fd int, s string) asm.Code {
	at := g.put([]byte(s))
	vec := g.put(words(at, uint32(len(s))))
	return g.host("fd_write", asm.I32(fd), asm.I32(vec), asm.I32(1), asm.I32(resultAt))
}

// resultAt is where guests have results put.
const resultAt = 16

// words are little-endian 32-bit numbers.
func words(numbers ...uint32) []byte {
	var out []byte
	for _, n := range numbers {
		out = append(out, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	}
	return out
}
