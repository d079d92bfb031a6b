package wasmbin

func (p *parser) code(r *reader) {
	n := r.count("function bodies", p.limits.Functions)
	if defined := len(p.Functions) - p.ImportedFunctions; n != defined && r.err == nil {
		r.failAt(0, "function and code section have inconsistent lengths: %d functions are declared, %d have code", defined, n)
		return
	}
	p.Bodies = make([]Body, 0, n)
	labels := make([]Opcode, 0, 64)
	for i := range n {
		size := r.count("bytes of a function body", p.limits.BodyBytes)
		if r.err != nil {
			return
		}
		b := &reader{base: r.offset(), data: r.take(size), section: r.section}
		body := p.body(b, uint32(p.ImportedFunctions+i))
		if b.err == nil {
			labels, b.err = p.checkCode(&body, uint32(p.ImportedFunctions+i), labels[:0])
		}
		if b.err != nil {
			r.err = b.err
			return
		}
		p.Bodies = append(p.Bodies, body)
	}
}

// body reads the locals of a function; what follows them is its code.
func (p *parser) body(r *reader, function uint32) Body {
	n := r.count("groups of locals", p.limits.Locals)
	b := Body{}
	if n > 0 {
		b.Locals = make([]LocalGroup, n)
	}
	first := r.pos
	total := uint64(len(p.TypeOf(function).Params))
	for i := range b.Locals {
		at := r.pos
		g := LocalGroup{Count: r.u32(), Type: r.valueType()}
		total += uint64(g.Count)
		if r.err == nil && total > uint64(p.limits.Locals) {
			r.failAt(at, "too many locals: function %d has %d, at most %d are allowed", function, total, p.limits.Locals)
		}
		p.allLocals += uint64(g.Count)
		if r.err == nil && p.allLocals > uint64(p.limits.AllLocals) {
			r.failAt(at, "too many locals: all functions together have more than %d", p.limits.AllLocals)
		}
		if r.err != nil {
			return b
		}
		b.Locals[i] = g
		b.LocalCount += g.Count
	}
	b.LocalBytes = r.data[first:r.pos:r.pos]
	b.Offset = r.offset()
	b.Code = r.take(r.left())
	return b
}

// checker checks the code of one function: nesting and indices.
type checker struct {
	Decoder
	p      *parser
	locals uint64
	labels []Opcode // open blocks, innermost last
	loops  int      // of them
}

// checkCode decodes a body. It returns labels for the next call to use.
func (p *parser) checkCode(body *Body, function uint32, labels []Opcode) ([]Opcode, error) {
	c := checker{
		p:       p,
		Decoder: *NewDecoder(body),
		locals:  uint64(len(p.TypeOf(function).Params)) + uint64(body.LocalCount),
		labels:  append(labels, OpBlock),
	}
	c.maxTargets = p.limits.BranchTargets
	for len(c.labels) > 0 && c.Next() {
		c.instruction()
	}
	switch {
	case c.r.err != nil:
	case len(c.labels) > 0:
		c.r.fail("function %d: END opcode expected, %d blocks are open", function, len(c.labels))
	case c.End != len(body.Code):
		c.r.failAt(c.End, "function %d: %d bytes behind its end", function, len(body.Code)-c.End)
	}
	return c.labels, c.r.err
}

func (c *checker) instruction() {
	switch c.Op {
	case OpBlock, OpLoop, OpIf:
		c.open()
	case OpElse:
		if last := len(c.labels) - 1; c.labels[last] == OpIf {
			c.labels[last] = OpElse
		} else {
			c.r.failAt(c.Start, "else without if")
		}
	case OpEnd:
		last := len(c.labels) - 1
		if c.labels[last] == OpLoop {
			c.loops--
		}
		c.labels = c.labels[:last]
	case OpMemorySize, OpMemoryGrow, OpMemoryFill, OpMemoryCopy:
		c.needMemory()
	default:
		c.indices()
	}
}

func (c *checker) open() {
	if c.A < 1<<32 {
		c.index(c.A, "type", len(c.p.Types))
	}
	if len(c.labels) > c.p.limits.Nesting {
		c.r.failAt(c.Start, "more than %d nested blocks", c.p.limits.Nesting)
		return
	}
	if c.Op == OpLoop {
		c.loops++
	}
	if c.loops > c.p.limits.LoopNesting {
		c.r.failAt(c.Start, "more than %d nested loops", c.p.limits.LoopNesting)
		return
	}
	c.labels = append(c.labels, c.Op)
}

func (c *checker) indices() {
	switch c.Op.Immediate() {
	case ImmLabel:
		c.index(c.A, "label", len(c.labels))
	case ImmLabelTable:
		for depth := range c.Targets {
			c.index(uint64(depth), "label", len(c.labels))
		}
	case ImmFunc:
		c.index(c.A, "function", len(c.p.Functions))
	case ImmTypeTable:
		c.index(c.A, "type", len(c.p.Types))
		c.index(c.B, "table", len(c.p.Tables))
	case ImmLocal:
		c.index(c.A, "local", int(c.locals))
	case ImmGlobal:
		c.index(c.A, "global", len(c.p.Globals))
	case ImmTable:
		c.index(c.A, "table", len(c.p.Tables))
	case ImmTableTable:
		c.index(c.A, "table", len(c.p.Tables))
		c.index(c.B, "table", len(c.p.Tables))
	case ImmElement:
		c.index(c.A, "elem segment", len(c.p.Elements))
	case ImmElementTable:
		c.index(c.A, "elem segment", len(c.p.Elements))
		c.index(c.B, "table", len(c.p.Tables))
	case ImmData:
		c.dataIndex()
	case ImmDataMemory:
		c.dataIndex()
		c.needMemory()
	case ImmMemArg, ImmMemArgLane:
		c.needMemory()
	}
}

func (c *checker) index(i uint64, what string, size int) {
	if i >= uint64(size) {
		c.r.failAt(c.Start, "%v: unknown %s %d: there are %d", c.Op, what, i, size)
	}
}

func (c *checker) dataIndex() {
	if c.p.DataCount == nil {
		c.r.failAt(c.Start, "%v: data count section required", c.Op)
		return
	}
	c.index(c.A, "data segment", int(*c.p.DataCount))
}

func (c *checker) needMemory() {
	if len(c.p.Memories) == 0 {
		c.r.failAt(c.Start, "%v: unknown memory 0: there is none", c.Op)
	}
}
