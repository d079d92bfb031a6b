package gauntlet

import "github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"

func features() []Case {
	memory := func(name, pattern, why string, limits ...byte) Case {
		return raw(name, Refused(pattern), why, func() []byte {
			return withSection(asm.SecMemory, asm.Vec(limits))
		})
	}
	code := func(name, pattern, why string, c ...[]byte) Case {
		return raw(name, Refused(pattern), why, func() []byte { return function(asm.U32(0), asm.Seq(c...), asm.I32(0), asm.End) })
	}
	const (
		threads    = `(?i)thread|shared|atomic`
		exceptions = `(?i)exception|\btag`
		gc         = `(?i)\bgc\b|garbage|struct|array|recursive|reference type`
		funcRefs   = `(?i)typed|function reference|\bgc\b`
	)
	return []Case{
		memory("shared-memory", threads, "shares a memory between threads, which a limit of one call does not bound", 3, 1, 2),
		code("atomic-fence", threads, "runs atomic instructions", []byte{0xfe, 3, 0}),
		raw("atomic-wait", Refused(threads), "waits in memory.atomic.wait, where no deadline looks", func() []byte {
			m := &asm.Module{}
			m.Memory(1, 1)
			m.Export("attack", m.Func("", "i", "", asm.I32(0), asm.I32(0), asm.I64(-1), []byte{0xfe, 1, 2, 0}))
			return m.Bytes()
		}),
		raw("tag-section", Refused(exceptions), "gives way to exceptions: a module of 55 bytes that throws in a loop takes gigabytes", func() []byte {
			return withSection(asm.SecTag, asm.Vec([]byte{0, 0}))
		}),
		code("legacy-try", exceptions, "compiles the exception handling that was withdrawn", []byte{0x06, 0x40}, []byte{0x19}, asm.End),
		code("try-table", exceptions, "compiles exception handling", []byte{0x1f, 0x40, 0}, asm.End),
		code("throw", exceptions, "unwinds through host frames", []byte{0x08, 0}),
		code("throw-ref", exceptions, "unwinds through host frames", []byte{0xd0, 0x69, 0x0a}),
		raw("gc-struct", Refused(gc), "allocates objects outside linear memory, where no limit holds", func() []byte {
			return asm.Binary(asm.Section(asm.SecType, asm.Vec([]byte{0x5f, 1, 0x7f, 1})))
		}),
		raw("gc-array", Refused(gc), "allocates arrays outside linear memory", func() []byte {
			return asm.Binary(asm.Section(asm.SecType, asm.Vec([]byte{0x5e, 0x7f, 1})))
		}),
		raw("gc-recursive-types", Refused(gc), "compares recursive types without end", func() []byte {
			return asm.Binary(asm.Section(asm.SecType, asm.Vec([]byte{0x4e, 1, 0x50, 0, 0x5f, 1, 0x63, 0, 1})))
		}),
		code("gc-i31", gc, "runs instructions on references", asm.I32(0), []byte{0xfb, 0x1c}, asm.Drop),
		memory("memory64", `(?i)memory64|64-bit`, "takes 64-bit bounds for 32-bit ones", 4, 1),
		memory("memory64-huge", `(?i)memory64|64-bit`, "reserves 2^48 pages", append([]byte{4}, asm.Padded(1<<48, 7)...)...),
		raw("multi-memory", Refused(`(?i)multi-?memor|multiple memor|more than one memor|at most one memor|second memory`), "limits the first memory only", func() []byte {
			return withSection(asm.SecMemory, asm.Vec([]byte{0, 1}, []byte{0, 1}))
		}),
		memory("custom-page-size", `(?i)page.?size|flag`, "computes the size of a memory with pages of one byte", 8, 1, 0),
		code("call-ref", funcRefs, "calls a reference of a type that it did not check", asm.RefFunc(0), []byte{0x14, 0}, asm.Drop),
		code("relaxed-simd", `(?i)relaxed`, "gives results that differ between machines", asm.Repeat(3, []byte{0xfd, 12}, make([]byte, 16)), []byte{0xfd, 0x85, 0x02}, asm.Drop),
		code("wide-arithmetic", `(?i)wide|unknown|opcode|instruction`, "decodes instructions that it does not have", asm.Repeat(4, asm.I64(1)), []byte{0xfc, 19}, asm.Drop, asm.Drop),
		code("unknown-opcode", `(?i)unknown|opcode|instruction`, "decodes instructions that nobody has", []byte{0xf5}),
		raw("component", Refused(`(?i)component`), "says no more than that the version is wrong, to a person who built a component", func() []byte {
			return append([]byte{0, 'a', 's', 'm', 0x0d, 0, 1, 0}, asm.Custom("x")...)
		}),
		raw("version-2", Refused(`(?i)version`), "reads a format that it does not know", func() []byte { return []byte{0, 'a', 's', 'm', 2, 0, 0, 0} }),
		raw("text-format", Refused(`(?i)text|wat`), "says no more than that the magic number is wrong", func() []byte { return []byte("(module (func (export \"attack\")))") }),
		tail("tail-call", "runs a tail call in a circle, which passes no loop", func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.ReturnCall(f))
			g.Export("attack", f)
		}),
		tail("tail-call-indirect", "runs an indirect tail call in a circle, which passes no loop", func(g *guest) {
			f := g.Declare("", "i")
			g.Define(f, "", asm.I32(0), asm.ReturnCallIndirect(g.Type("", "i")))
			g.Table(1, 1)
			g.Elements(0, f)
			g.Export("attack", f)
		}),
		tail("tail-call-mutual", "runs two functions that end in each other, which passes no loop", func(g *guest) {
			a, b := g.Declare("i", "i"), g.Declare("ii", "i")
			g.Define(a, "", asm.Get(0), asm.I32(1), asm.ReturnCall(b))
			g.Define(b, "", asm.Get(0), asm.Get(1), asm.I32Add, asm.ReturnCall(a))
			g.attack("", asm.I32(0), asm.Call(a))
		}),
	}
}

// tail is a case of tail calls: metered, or refused by name.
func tail(name, why string, build func(g *guest)) Case {
	return attack(name, ABICore, Stopped(KindTimeout).Or(Refused(`(?i)tail`)), why, build)
}

// withSection is a plain module with one more section, in its place.
func withSection(id byte, content []byte) []byte {
	place := id
	if id == asm.SecTag {
		place = asm.SecMemory // tags come after memories
	}
	var out [][]byte
	added := false
	for _, s := range plain().Sections() {
		if !added && s[0] > place {
			out, added = append(out, asm.Section(id, content)), true
		}
		out = append(out, s)
	}
	return asm.Binary(out...)
}
