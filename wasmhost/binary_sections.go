package wasmhost

import "fmt"

// reader reads LEB128 numbers and names from one section. The first failure
// sticks; numbers read after it are zero.
type reader struct {
	data    []byte // up to the section's end
	pos     int
	section string
	err     error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &ModuleError{Offset: int64(r.pos), Section: r.section, Reason: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) left() uint64 { return uint64(len(r.data) - r.pos) }

func (r *reader) byte() byte {
	if r.err != nil || r.left() == 0 {
		r.fail("truncated")
		return 0
	}
	b := r.data[r.pos]
	r.pos++
	return b
}

// unsigned reads an unsigned LEB128 number of at most bits bits.
func (r *reader) unsigned(bits uint) uint64 {
	var v uint64
	for shift := uint(0); shift < bits; shift += 7 {
		b := r.byte()
		if r.err != nil {
			return 0
		}
		if rest := bits - shift; rest < 7 && b>>rest != 0 {
			break
		}
		v |= uint64(b&0x7f) << shift
		if b&0x80 == 0 {
			return v
		}
	}
	r.fail("number too large")
	return 0
}

func (r *reader) u32() uint64 { return r.unsigned(32) }

// count reads the length of a vector, whose items take a byte or more each.
func (r *reader) count() uint64 {
	n := r.u32()
	if n > r.left() {
		r.fail("truncated: %d items announced, %d bytes left", n, r.left())
		return 0
	}
	return n
}

func (r *reader) skip(n uint64) {
	if n > r.left() {
		r.fail("truncated")
		return
	}
	r.pos += int(n)
}

func (r *reader) name() string {
	n := r.count()
	start := r.pos
	r.skip(n)
	return string(r.data[start:r.pos])
}

// readSection reads what the host needs of a section and checks its counts.
func (l *layout) readSection(id int, r *reader) error {
	switch sectionNames[id] {
	case "custom":
		r.name()
	case "type":
		r.types()
	case "import":
		l.readImports(r)
	case "memory":
		l.readMemory(r)
	case "code":
		r.bodies()
	case "start", "data count":
		r.u32()
	default:
		r.count()
	}
	return r.err
}

// types checks the counts of parameters and results.
func (r *reader) types() {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		if form := r.byte(); r.err == nil && form != 0x60 {
			r.fail("type form 0x%02x is not a function", form)
		}
		r.skip(r.count())
		r.skip(r.count())
	}
}

func (l *layout) readImports(r *reader) {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		i := importEntry{module: r.name(), name: r.name(), kind: r.byte()}
		switch i.kind {
		case 0:
			r.u32()
		case 1:
			r.byte()
			r.limits()
		case 2:
			r.limits()
		case 3:
			r.skip(2)
		default:
			r.fail("unknown import kind %d", i.kind)
		}
		l.imports = append(l.imports, i)
	}
}

func (l *layout) readMemory(r *reader) {
	n := r.count()
	if n > 1 {
		r.fail("%d memories: one is supported", n)
	}
	if n != 1 || r.err != nil {
		return
	}
	l.hasMemory = true
	l.memoryMin, l.memoryMax = r.limits()
}

func (r *reader) limits() (lowest, highest uint64) {
	flags := r.byte()
	if flags > 1 {
		r.fail("shared or 64-bit memories are not supported")
		return 0, noMax
	}
	lowest, highest = r.u32(), noMax
	if flags == 1 {
		highest = r.u32()
	}
	return lowest, highest
}

// bodies checks the sizes of functions and the number of their locals, for
// which the compiler asks memory: a few bytes may announce billions.
func (r *reader) bodies() {
	for n := r.count(); n > 0 && r.err == nil; n-- {
		size := r.count()
		end := r.pos + int(size)
		locals := uint64(0)
		for groups := r.count(); groups > 0 && r.err == nil; groups-- {
			locals += r.u32()
			r.byte()
			if locals > maxLocals {
				r.fail("a function with more than %d locals", maxLocals)
			}
		}
		if r.pos > end {
			r.fail("the locals end behind their function")
		}
		if r.err == nil {
			r.pos = end
		}
	}
}
