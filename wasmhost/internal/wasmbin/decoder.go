package wasmbin

// Instruction is one decoded instruction. Which of A and B mean something
// depends on the opcode's Immediate; signed numbers are stored as their bits.
type Instruction struct {
	Op         Opcode
	Start, End int    // in the code
	Imm        int    // where the immediates start
	A, B       uint64 // immediates, in order
	Lane       byte
}

// Decoder walks code. For code of a parsed module it never fails.
type Decoder struct {
	Instruction
	r reader
	// maxTargets bounds the entries of a br_table.
	maxTargets int
}

// NewDecoder walks the code of a body.
func NewDecoder(body *Body) *Decoder {
	return &Decoder{
		r:          reader{data: body.Code, base: body.Offset, section: "code"},
		maxTargets: len(body.Code),
	}
}

// Err returns why Next stopped before the end.
func (d *Decoder) Err() error { return d.r.err }

// BlockTypeEmpty and others are values of A for a block, loop or if. A
// non-negative number is a type index.
const BlockTypeEmpty = ^uint64(0x3f) // the byte 0x40, sign extended

// Next decodes the next instruction and reports whether there was one.
func (d *Decoder) Next() bool {
	r := &d.r
	if r.pos >= len(r.data) {
		return false
	}
	d.Start = r.pos
	b := r.data[r.pos]
	r.pos++
	d.Op = Opcode(b)
	info := &plainOps[b]
	if info.name == "" {
		info = d.prefixed(b)
		if info == nil {
			return false
		}
	}
	d.Imm = r.pos
	if info.imm != ImmNone && !d.short(info.imm) {
		d.immediates(info)
		if r.err != nil {
			return false
		}
	}
	d.End = r.pos
	return true
}

// short decodes an immediate that is one number of one byte, as most are, and reports
// whether it was.
func (d *Decoder) short(imm Immediate) bool {
	r := &d.r
	if r.pos >= len(r.data) || r.data[r.pos] >= 0x80 {
		return false
	}
	b := r.data[r.pos]
	switch imm {
	case ImmLocal, ImmGlobal, ImmLabel, ImmFunc:
		d.A = uint64(b)
	case ImmI32, ImmI64:
		d.A = uint64(int64(b) << 57 >> 57) // bit 6 is the sign
	default:
		return false
	}
	r.pos++
	return true
}

// prefixed decodes the number after a prefix byte.
func (d *Decoder) prefixed(b byte) *opInfo {
	sub := uint32(0)
	if b >= 0xfb && b <= 0xfe {
		sub = d.r.u32()
	}
	if d.r.err != nil {
		return nil
	}
	if sub <= 0xff && (b == 0xfc || b == 0xfd) {
		d.Op = Opcode(b)<<8 | Opcode(sub)
		if info := d.Op.info(); info.name != "" {
			return info
		}
	}
	d.r.failAt(d.Start, "%s", refusal(b, sub))
	return nil
}

func (d *Decoder) immediates(info *opInfo) {
	r := &d.r
	switch info.imm {
	case ImmLabel, ImmFunc, ImmLocal, ImmGlobal, ImmTable, ImmData, ImmElement:
		d.A = uint64(r.u32())
	case ImmTypeTable, ImmElementTable, ImmTableTable:
		d.A, d.B = uint64(r.u32()), uint64(r.u32())
	case ImmMemArg:
		d.memArg(info)
	case ImmMemArgLane:
		d.memArg(info)
		d.lane(16 >> info.align)
	case ImmBlockType:
		d.blockType()
	case ImmI32:
		d.A = uint64(r.signed(32))
	case ImmI64:
		d.A = uint64(r.signed(64))
	case ImmF32:
		r.take(4)
	case ImmF64:
		r.take(8)
	case ImmV128:
		r.take(16)
	case ImmLabelTable:
		d.labelTable()
	case ImmSelectTypes:
		d.selectTypes()
	case ImmRefType:
		d.A = uint64(r.refType())
	case ImmMemory:
		d.memory()
	case ImmMemoryMemory:
		d.memory()
		d.memory()
	case ImmDataMemory:
		d.A = uint64(r.u32())
		d.memory()
	case ImmLane:
		d.lane(info.lanes)
	case ImmShuffle:
		for range 16 {
			d.lane(32)
		}
	}
}

func (d *Decoder) memArg(info *opInfo) {
	start := d.r.pos
	align := d.r.u32()
	if align&0x40 != 0 && align < 0x80 {
		d.r.failAt(start, "uses the multi-memory proposal (a memory index at %s), which is not supported", d.Op)
		return
	}
	if align > uint32(info.align) {
		d.r.failAt(start, "alignment of %s must not be larger than natural: 2^%d, at most 2^%d", d.Op, align, info.align)
		return
	}
	d.A, d.B = uint64(align), uint64(d.r.u32())
}

func (d *Decoder) lane(lanes uint8) {
	d.Lane = d.r.byte()
	if d.r.err == nil && d.Lane >= lanes {
		d.r.failAt(d.r.pos-1, "lane %d of %s: there are %d", d.Lane, d.Op, lanes)
	}
}

func (d *Decoder) memory() {
	if b := d.r.byte(); d.r.err == nil && b != 0 {
		d.r.failAt(d.r.pos-1, "%s: the byte after it must be zero; memory indices are the multi-memory proposal, which is not supported", d.Op)
	}
}

func (d *Decoder) blockType() {
	start := d.r.pos
	v := d.r.signed(33)
	if d.r.err != nil {
		return
	}
	d.A = uint64(v)
	if v >= 0 || d.A == BlockTypeEmpty {
		return
	}
	d.r.pos = start
	d.A = uint64(int64(-0x80) | int64(d.r.valueType()))
}

// labelTable leaves the number of targets in A, without the default, and the
// position of the first in B.
func (d *Decoder) labelTable() {
	d.A = uint64(d.r.count("branch targets", d.maxTargets))
	d.B = uint64(d.r.pos)
	for n := d.A + 1; n > 0 && d.r.err == nil; n-- {
		d.r.u32()
	}
}

// selectTypes leaves the number of types in A and the first in B.
func (d *Decoder) selectTypes() {
	d.A = uint64(d.r.count("types of a select", len(d.r.data)))
	for i := range d.A {
		if t := d.r.valueType(); i == 0 {
			d.B = uint64(t)
		}
	}
}

// Targets calls yield for each label of a br_table, the default one last.
func (d *Decoder) Targets(yield func(depth uint32) bool) {
	r := reader{data: d.r.data[:d.End], pos: int(d.B)}
	for n := d.A + 1; n > 0; n-- {
		if !yield(r.u32()) {
			return
		}
	}
}

// BlockArity returns how many parameters and results a block has, whose type
// is A of its instruction.
func (m *Module) BlockArity(a uint64) (params, results int) {
	switch {
	case a < 1<<32:
		return len(m.Types[a].Params), len(m.Types[a].Results)
	case a == BlockTypeEmpty:
		return 0, 0
	}
	return 0, 1
}
