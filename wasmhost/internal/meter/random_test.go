package meter_test

import (
	"fmt"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin/asm"
)

// generator writes valid modules by the choices that bytes make. What it
// writes ends: every loop and function takes one off a counter and traps below
// zero. It avoids what engines may do differently each time, the bits of NaNs.
type generator struct {
	choices []byte
	m       asm.Module
	code    strings.Builder
	locals  string
	labels  []string // types that a branch to each open block takes
	result  string   // of the function
	depth   int
	multi   map[string]uint32 // type indices of blocks without parameters
	counts  bool              // the code counts its own instructions
}

// signatures are those of the functions that every module has.
var signatures = []struct{ params, results string }{
	{"i", "i"}, {"il", "l"}, {"", ""}, {"d", "d"}, {"ii", "il"}, {"v", "i"}, {"i", "i"}, {"l", ""}, {"", "i"},
}

// The index space of functions: an import comes first.
const firstFunction = 1

var valueTypes = "ildv"

// randomModule returns a module whose exports are f0 and so on, named as
// signatures are.
func randomModule(choices []byte) []byte {
	return (&generator{choices: choices}).module()
}

// countedModule returns the same module, which counts the instructions that it
// runs in the global that it exports as "count".
func countedModule(choices []byte) []byte {
	return (&generator{choices: choices, counts: true}).module()
}

func (g *generator) module() []byte {
	g.multi = map[string]uint32{}
	for _, s := range signatures {
		g.m.Type(s.params, s.results)
	}
	for _, results := range []string{"il", "ld", "iiv"} {
		g.multi[results] = g.m.Type("", results)
	}
	g.m.Type("i", "i")
	g.m.ImportFunc("env", "h", "i", "i")
	g.m.Memory(1, 4)
	g.m.Table('a', 8, 40)
	g.m.Table('e', 2, -1)
	g.m.Global('i', true, "i32.const 300") // what may still run
	g.m.Global('i', true, "i32.const 5")
	g.m.Global('l', true, "i64.const 6")
	g.m.Global('d', true, "f64.const 7")
	g.m.Global('l', true, "i64.const 0")
	for i, s := range signatures {
		g.function(i, s.params, s.results)
	}
	g.m.Elements(1, 1, 2, 3, 1, 0, 7)
	g.m.PassiveElements(3, 1, 2)
	g.m.Data(100, "some bytes in memory")
	g.m.PassiveData("a passive segment of bytes")
	g.m.Export("table", 1, 0)
	g.m.Export("steps", 3, 0)
	g.m.Export("g1", 3, 1)
	g.m.Export("g2", 3, 2)
	g.m.Export("count", 3, 4)
	return g.m.Bytes()
}

func (g *generator) choose(n int) int {
	if len(g.choices) == 0 {
		return 0
	}
	c := int(g.choices[0])
	g.choices = g.choices[1:]
	return c % n
}

func (g *generator) w(format string, args ...any) {
	fmt.Fprintf(&g.code, format+" ", args...)
}

const tick = "global.get 0 i32.const 1 i32.sub global.set 0 global.get 0 i32.const 0 i32.lt_s if _ unreachable end "

func (g *generator) function(i int, params, results string) {
	g.code.Reset()
	g.locals = params + "iildvf"
	g.labels, g.result, g.depth = []string{results}, results, 0
	g.w(tick)
	for range 1 + g.choose(4) {
		g.statement()
	}
	g.values(results)
	g.m.Func(fmt.Sprintf("f%d", i), params, results, g.locals[len(params):], g.text())
}

// text is the code of a function, made to count if that is wanted.
func (g *generator) text() string {
	if !g.counts {
		return g.code.String()
	}
	var b strings.Builder
	for token := range strings.FieldsSeq(g.code.String()) {
		switch {
		case len(token) == 1 || token[0] < 'a' || token[0] > 'z': // an operand
		case token == "block" || token == "loop" || token == "else" || token == "end" || token == "nop":
		default:
			b.WriteString("global.get 4 i64.const 1 i64.add global.set 4 ")
		}
		b.WriteString(token + " ")
	}
	return b.String()
}

func (g *generator) values(types string) {
	for _, t := range types {
		g.value(byte(t))
	}
}

// local returns a local of a type; there is one of each.
func (g *generator) local(t byte) int {
	at := strings.IndexByte(g.locals, t)
	if g.choose(2) == 1 {
		at = strings.LastIndexByte(g.locals, t)
	}
	return at
}

func (g *generator) simple(t byte) {
	switch c := g.choose(3); {
	case c == 0:
		g.w("local.get %d", g.local(t))
	case t == 'i':
		g.w("i32.const %d", g.choose(256)*[]int{1, 256, -70000, 1 << 20}[g.choose(4)])
	case t == 'l':
		g.w("i64.const %d", g.choose(256)-100)
	case t == 'f':
		g.w("f32.const %d.5", g.choose(100))
	case t == 'd':
		g.w("f64.const %d.25", g.choose(100)-50)
	case t == 'v':
		g.w("v128.const %d %d", g.choose(256), g.choose(256))
	}
}

// value writes code that leaves one value of type t.
func (g *generator) value(t byte) {
	if g.depth > 5 || len(g.choices) == 0 {
		g.simple(t)
		return
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.choose(8) {
	case 0:
		g.block(string(t))
	case 1:
		g.loop(string(t))
	case 2:
		g.value('i')
		g.w("if %c", t)
		g.inside(string(t), func() { g.statement(); g.value(t) })
		g.w("else")
		g.inside(string(t), func() { g.value(t) })
		g.w("end")
	case 3:
		g.value(t)
		g.w("local.tee %d", g.local(t))
	case 4:
		g.value(t)
		g.value(t)
		g.value('i')
		g.w("select")
	default:
		g.operation(t)
	}
}

func (g *generator) operation(t byte) {
	switch t {
	case 'i':
		g.integer()
	case 'l':
		switch g.choose(6) {
		case 0:
			g.value('i')
			g.value('l')
			g.w("call %d", firstFunction+1)
		case 1:
			g.value('i')
			g.w("i64.extend_i32_s")
		case 2:
			g.value('d')
			g.w("i64.trunc_sat_f64_u")
		case 3:
			g.address()
			g.w("i64.load %d", g.choose(200))
		case 4:
			g.w("global.get 2")
		default:
			g.value('l')
			g.value('l')
			g.w("i64.%s", []string{"add", "mul", "sub", "xor", "rotl", "div_s"}[g.choose(6)])
		}
	case 'd':
		if g.choose(3) == 0 {
			g.value('d')
			g.w("call %d", firstFunction+3)
			return
		}
		g.value('d')
		g.value('d')
		g.w("f64.%s", []string{"add", "mul", "min"}[g.choose(3)])
	case 'f':
		g.value('d')
		g.w("f32.demote_f64")
	case 'v':
		g.value('i')
		g.w("i32x4.splat")
		g.value('v')
		g.w("%s", []string{"i32x4.add", "i8x16.sub_sat_u", "v128.xor"}[g.choose(3)])
	}
}

func (g *generator) integer() {
	switch g.choose(16) {
	case 0:
		g.value('i')
		g.w("call %d", []int{0, firstFunction, firstFunction + 6}[g.choose(3)])
	case 1:
		g.value('i')
		g.address()
		g.w("call_indirect 0 0")
	case 2:
		g.address()
		g.w("i32.load8_u %d", g.choose(200))
	case 3:
		g.w("global.get 1")
	case 4:
		g.w("memory.size")
	case 5:
		g.value('i')
		g.w("i32.const 3 i32.and memory.grow")
	case 6:
		g.w("ref.func %d i32.const %d table.grow 0", firstFunction+g.choose(3), g.choose(8))
	case 7:
		g.w("table.size %d", g.choose(2))
	case 8:
		g.value('l')
		g.w("i32.wrap_i64")
	case 9:
		g.value('d')
		g.w("i32.trunc_f64_s")
	case 10:
		g.value('v')
		g.w("i32x4.extract_lane %d", g.choose(4))
	case 11:
		g.address()
		g.w("table.get 0 ref.is_null")
	case 12:
		g.value('v')
		g.w("call %d", firstFunction+5)
	default:
		g.value('i')
		g.value('i')
		g.w("i32.%s", []string{"add", "mul", "sub", "lt_s", "eq", "rem_u", "shl"}[g.choose(7)])
	}
}

// address leaves a small number, which is mostly within bounds.
func (g *generator) address() {
	g.value('i')
	g.w("i32.const %d i32.and", []int{7, 15, 0xffff, 0x3ffff}[g.choose(4)])
}

// inside writes the content of a block, to which branches take types.
func (g *generator) inside(types string, content func()) {
	g.labels = append(g.labels, types)
	content()
	g.labels = g.labels[:len(g.labels)-1]
}

func (g *generator) blockType(types string) string {
	switch len(types) {
	case 0:
		return "_"
	case 1:
		return types
	}
	return fmt.Sprint(g.multi[types])
}

func (g *generator) block(types string) {
	g.w("block %s", g.blockType(types))
	g.inside(types, func() {
		g.statement()
		g.values(types)
	})
	g.w("end")
}

// loop writes a loop with results, sometimes with a parameter.
func (g *generator) loop(types string) {
	if types == "i" && g.choose(2) == 1 {
		g.value('i')
		g.w("loop 0 " + tick)
		g.inside("i", func() {
			g.w("local.set %d", g.local('i'))
			g.statement()
			g.value('i')
			g.value('i')
			g.w("br_if 0")
		})
		g.w("end")
		return
	}
	g.w("loop %s "+tick, g.blockType(types))
	g.inside("", func() {
		g.statement()
		g.value('i')
		g.w("br_if 0")
		g.statement()
		g.values(types)
	})
	g.w("end")
}
