package gauntlet

import (
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

// badNumbers are LEB128 numbers that are too long or too large.
func badNumbers() []Case {
	const reads = "reads a number that its type can't hold, and shifts or cuts it"
	types := asm.Vec(asm.FuncType("", "i"))
	number := func(name string, n []byte) Case {
		return bad("leb-"+name, reads, func() []byte {
			return asm.Binary(asm.Seq([]byte{asm.SecType}, n, types))
		})
	}
	code := func(name string, c ...[]byte) Case {
		return bad("leb-"+name, reads, func() []byte { return function(asm.U32(0), asm.Seq(c...), asm.End) })
	}
	end := []byte{0xff, 0xff, 0xff, 0xff, 0x7f}
	return []Case{
		number("six-bytes", asm.Padded(uint64(len(types)), 6)),
		number("ten-bytes", asm.Padded(uint64(len(types)), 10)),
		number("hundred-bytes", asm.Padded(uint64(len(types)), 100)),
		number("33-bits", []byte{byte(len(types)) | 0x80, 0x80, 0x80, 0x80, 0x10}),
		number("35-bits", end),
		code("i32-six-bytes", []byte{0x41}, asm.Padded(0, 6)),
		code("i32-unused-bits", []byte{0x41, 0x80, 0x80, 0x80, 0x80, 0x10}),
		code("i64-eleven-bytes", []byte{0x42}, asm.Padded(0, 11), asm.I32WrapI64),
		code("index", asm.I32(0), []byte{0x0c}, end),
		code("block-type", []byte{0x02}, []byte{0xff, 0xff, 0xff, 0xff, 0x3f}, asm.End, asm.I32(0)),
		code("type-index", []byte{0x02}, asm.S64(1<<31), asm.End, asm.I32(0)),
		code("memory-offset", asm.I32(0), []byte{0x28, 2}, asm.Padded(1<<40, 6)),
		code("alignment", asm.I32(0), []byte{0x28}, asm.U32(huge), []byte{0}),
		code("call", []byte{0x10}, asm.U32(huge), asm.I32(0)),
		code("local", asm.Get(1<<31)),
		code("global", asm.GlobalGet(1<<31)),
		code("opcode", []byte{0xfc}, asm.U32(huge)),
		code("simd-opcode", []byte{0xfd}, asm.U32(huge)),
	}
}

// badNames are names that are not UTF-8.
func badNames() []Case {
	const passes = "hands a name that is not UTF-8 on to logs and JSON"
	m := plain().Sections()
	out := []Case{}
	for name, b := range map[string]string{"surrogate": "\xed\xa0\x80", "overlong": "\xc0\x80", "cut": "a\xe2\x82", "beyond": "\xf4\x90\x80\x80"} {
		out = append(out,
			bad("name-export-"+name, passes, func() []byte {
				s := slices.Clone(m)
				s[2] = asm.Section(asm.SecExport, asm.Vec(asm.Seq(asm.Name("attack"), []byte{0, 0}), asm.Seq(asm.Name(b), []byte{0, 0})))
				return asm.Binary(s...)
			}),
			bad("name-import-"+name, passes, func() []byte {
				g := &asm.Module{}
				g.Import(b, b, "", "")
				return g.Bytes()
			}),
			bad("name-custom-"+name, passes, func() []byte {
				return asm.Binary(append(slices.Clone(m), asm.Custom(b))...)
			}),
		)
	}
	sortCases(out)
	return append(out, bad("name-export-twice", "keeps the last of two exports of one name, or both", func() []byte {
		g := plain()
		g.Export("attack", 0)
		return g.Bytes()
	}))
}

// customBombs are custom sections, which a host must tolerate or refuse.
func customBombs() []Case {
	either := Contained().Or(Refused(invalid))
	custom := func(name, why string, content func() []byte) Case {
		return raw(name, either, why, func() []byte { return append(plain().Bytes(), content()...) })
	}
	names := func(sub byte, content ...[]byte) []byte {
		return asm.Custom("name", []byte{sub}, asm.Sized(asm.Seq(content...)))
	}
	const trusts = "trusts the name section, which no validation covers"
	return []Case{
		custom("custom-million", "keeps a million empty custom sections", func() []byte {
			return asm.Repeat(1_000_000, asm.Custom(""))
		}),
		custom("custom-large", "copies a large custom section many times over", func() []byte {
			return asm.Custom("large", make([]byte, 16<<20))
		}),
		custom("names-count", trusts, func() []byte { return names(1, asm.U32(huge)) }),
		custom("names-index", trusts, func() []byte { return names(1, asm.U32(1), asm.U32(huge), asm.Name("f")) }),
		custom("names-length", trusts, func() []byte { return names(1, asm.U32(1), asm.U32(0), asm.U32(huge)) }),
		custom("names-of-locals", trusts, func() []byte { return names(2, asm.U32(1), asm.U32(0), asm.U32(huge)) }),
		custom("names-subsection-size", trusts, func() []byte { return asm.Custom("name", []byte{1}, asm.U32(huge)) }),
		custom("names-million", trusts, func() []byte {
			return names(1, asm.U32(1_000_000), asm.Repeat(1_000_000, asm.U32(0), asm.Name("n")))
		}),
		custom("names-one-long", "prints a name of megabytes in every stack trace", func() []byte {
			return names(1, asm.U32(1), asm.U32(0), asm.Sized(make([]byte, 8<<20)))
		}),
		custom("names-twice", trusts, func() []byte {
			one := names(1, asm.U32(1), asm.U32(0), asm.Name("f"))
			return asm.Repeat(1000, one)
		}),
		debugInfo(),
	}
}

// debugInfo lets a guest trap, so that the host looks up where that was, in
// debug sections that are garbage.
func debugInfo() Case {
	return raw("debug-sections", Stopped(KindTrap).Or(Refused(invalid)),
		"parses debug sections of the guest for the stack trace of a trap, and fails or hangs over them", func() []byte {
			m := &asm.Module{}
			m.Export("attack", m.Func("", "i", "", asm.Unreachable))
			unit := asm.Seq(words(0x1000, 4), []byte{0, 0, 0, 0, 4, 1}, asm.Padded(uint64(huge), 5), asm.Repeat(4000, []byte{0xff, 1, 0}))
			for _, name := range []string{".debug_info", ".debug_abbrev", ".debug_line", ".debug_str", ".debug_ranges", ".debug_loc"} {
				m.Custom(name, unit)
			}
			return m.Bytes()
		})
}
