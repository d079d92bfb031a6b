package gauntlet

import (
	"fmt"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/gauntlet/internal/asm"
)

const (
	huge    = uint32(0xffffffff)
	invalid = `.` // any reason will do: the module is not valid
)

// sectionNames are the sections by id.
var sectionNames = []string{
	"custom", "type", "import", "function", "table", "memory", "global",
	"export", "start", "element", "code", "data", "data-count",
}

func decodes() []Case {
	return slices.Concat(hugeCounts(), hugeInside(), badNumbers(), truncated(), repeated(), badNames(), customBombs())
}

// bad is a case of a module that is not valid, refused in little memory.
func bad(name, why string, bytes func() []byte) Case {
	c := raw(name, Refused(invalid), why, bytes)
	c.Verdict.Growth = 64 << 20
	return c
}

// hugeCounts are sections that announce more items than they have bytes.
func hugeCounts() []Case {
	var out []Case
	for id, name := range sectionNames {
		if id == 0 || name == "start" || name == "data-count" {
			continue
		}
		for _, n := range []uint32{huge, 1 << 28} {
			out = append(out, bad(fmt.Sprintf("count-%s-%#x", name, n),
				"allocates room for all the items that a section announces, and ends for want of memory",
				func() []byte { return asm.Binary(asm.Section(byte(id), asm.U32(n))) }))
		}
	}
	return out
}

// function is a module of one function with a body as given.
func function(body ...[]byte) []byte {
	return asm.Binary(
		asm.Section(asm.SecType, asm.Vec(asm.FuncType("", "i"))),
		asm.Section(asm.SecFunction, asm.Vec(asm.U32(0))),
		asm.Section(asm.SecExport, asm.Vec(asm.Seq(asm.Name("attack"), []byte{0, 0}))),
		asm.Section(asm.SecCode, asm.Vec(asm.Sized(asm.Seq(body...)))),
	)
}

// hugeInside are vectors within items.
func hugeInside() []Case {
	const allocates = "allocates what a vector inside a section announces, and ends for want of memory"
	h := asm.U32(huge)
	i32 := []byte{0x7f}
	zero := asm.Seq(asm.I32(0), asm.End)
	section := func(name string, id byte, item ...[]byte) Case {
		return bad(name, allocates, func() []byte { return asm.Binary(asm.Section(id, asm.Vec(asm.Seq(item...)))) })
	}
	body := func(name, why string, body ...[]byte) Case {
		return bad(name, why, func() []byte { return function(body...) })
	}
	const locals = "allocates a slot for each local that a function of a few bytes declares: gigabytes"
	return []Case{
		section("type-params", asm.SecType, []byte{0x60}, h),
		section("type-results", asm.SecType, []byte{0x60, 0}, h),
		section("import-module-name", asm.SecImport, h),
		section("import-name", asm.SecImport, asm.Name("m"), h),
		section("export-name", asm.SecExport, h),
		section("data-length", asm.SecData, []byte{0}, zero, h),
		section("passive-data-length", asm.SecData, []byte{1}, h),
		section("element-functions", asm.SecElement, []byte{0}, zero, h),
		section("element-expressions", asm.SecElement, []byte{4}, zero, h),
		section("body-size", asm.SecCode, h),
		bad("custom-name", allocates, func() []byte { return asm.Binary(asm.Section(asm.SecCustom, h)) }),
		body("locals", locals, asm.U32(1), h, i32, zero),
		body("locals-half", locals, asm.U32(1), asm.U32(uint32(1<<31)), i32, zero),
		body("locals-one-too-many", locals, asm.U32(1), asm.U32(50_001), i32, zero),
		body("locals-sum-wraps", "adds up the locals in 32 bits, which wraps to a small number",
			asm.U32(8), asm.Repeat(8, asm.U32(1<<29), i32), zero),
		body("locals-in-runs", locals, asm.U32(100_000), asm.Repeat(100_000, asm.U32(1000), i32), zero),
		body("local-groups", allocates, h, zero),
		body("br-table", allocates, asm.U32(0), asm.I32(0), []byte{0x0e}, h),
		body("select-types", allocates, asm.U32(0), asm.I32(0), asm.I32(0), asm.I32(0), []byte{0x1c}, h),
		bad("body-past-section", "reads a function's body from beyond its section", func() []byte {
			return asm.Binary(
				asm.Section(asm.SecType, asm.Vec(asm.FuncType("", "i"))),
				asm.Section(asm.SecFunction, asm.Vec(asm.U32(0))),
				asm.Section(asm.SecCode, asm.U32(1), asm.U32(200), asm.U32(0), asm.I32(0), asm.End),
				asm.Custom("rest", make([]byte, 400)),
			)
		}),
		bad("body-empty", "reads the locals of a body without bytes", func() []byte {
			return asm.Binary(
				asm.Section(asm.SecType, asm.Vec(asm.FuncType("", "i"))),
				asm.Section(asm.SecFunction, asm.Vec(asm.U32(0))),
				asm.Section(asm.SecCode, asm.U32(1), asm.U32(0)),
			)
		}),
		bad("functions-without-bodies", "indexes bodies by the functions that are declared", func() []byte {
			return asm.Binary(
				asm.Section(asm.SecType, asm.Vec(asm.FuncType("", "i"))),
				asm.Section(asm.SecFunction, asm.Vec(asm.U32(0), asm.U32(0))),
				asm.Section(asm.SecCode, asm.Vec(asm.Sized(asm.Seq(asm.U32(0), asm.I32(0), asm.End)))),
			)
		}),
		bad("data-count", "allocates the data segments that are announced", func() []byte {
			return asm.Binary(asm.Section(asm.SecDataCount, h))
		}),
		bad("section-size", "slices the file by a section's size without looking", func() []byte {
			return asm.Binary(asm.Seq([]byte{asm.SecType}, h, []byte{0}))
		}),
		bad("section-shorter-than-content", "reads a section past its own size", func() []byte {
			return asm.Binary(asm.Seq([]byte{asm.SecType, 2}, asm.Vec(asm.FuncType("iiii", "i"))))
		}),
		bad("section-longer-than-content", "takes what follows the last item for nothing", func() []byte {
			return asm.Binary(asm.Section(asm.SecType, asm.Vec(asm.FuncType("", "i")), make([]byte, 9)))
		}),
	}
}

// truncated are modules that end within each of their sections.
func truncated() []Case {
	var out []Case
	all := everySection(true).Sections()
	for i, s := range all {
		for _, cut := range []struct {
			name string
			at   int
		}{{"id", 1}, {"middle", 1 + len(s)/2}, {"last-byte", len(s) - 1}} {
			out = append(out, bad(fmt.Sprintf("truncated-%s-%s", sectionNames[s[0]], cut.name),
				"reads beyond the end of the file",
				func() []byte { return asm.Binary(slices.Concat(all[:i]...), s[:cut.at]) }))
		}
	}
	return append(out,
		bad("empty-file", "indexes the first byte", func() []byte { return nil }),
		bad("magic-only", "reads a version that is not there", func() []byte { return asm.Header()[:4] }),
		bad("half-a-header", "reads a version that is not there", func() []byte { return asm.Header()[:6] }),
	)
}

// repeated are sections that come twice, out of order, or that nobody knows.
func repeated() []Case {
	var out []Case
	all := everySection(true).Sections()
	for i, s := range all {
		if s[0] == asm.SecCustom {
			continue
		}
		out = append(out, bad("twice-"+sectionNames[s[0]],
			"appends to what the first section of the kind gave, or leaves its counts stale",
			func() []byte { return asm.Binary(slices.Insert(slices.Clone(all), i, s)...) }))
	}
	return append(out,
		bad("reversed", "resolves indices into sections that are still to come", func() []byte {
			backwards := slices.Clone(all)
			slices.Reverse(backwards)
			return asm.Binary(backwards...)
		}),
		bad("section-14", "indexes a table of sections", func() []byte { return asm.Binary(asm.Section(14, []byte{0})) }),
		bad("section-255", "indexes a table of sections", func() []byte { return asm.Binary(asm.Section(255, []byte{0})) }),
	)
}
