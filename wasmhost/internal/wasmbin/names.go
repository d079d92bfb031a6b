package wasmbin

// Names is the content of a name section, as far as functions go.
type Names struct {
	Module    string
	Functions []FunctionName // ascending by index
	Locals    []LocalNames   // ascending by function
	// Rest are the subsections that name other things than functions, locals
	// and labels, as they were.
	Rest []NameSubsection
}

// FunctionName is the name of one function.
type FunctionName struct {
	Index uint32
	Name  string
}

// LocalNames are the encoded names of one function's locals.
type LocalNames struct {
	Function uint32
	Encoded  []byte
}

// NameSubsection is a part of a name section.
type NameSubsection struct {
	ID    byte
	Bytes []byte
}

// The subsections of a name section.
const (
	NamesOfModule    = 0
	NamesOfFunctions = 1
	NamesOfLocals    = 2
	namesOfTypes     = 4
	namesOfData      = 9
)

// Names reads the name section. It returns nil when there is none or when it
// is malformed, which WebAssembly does not hold against a module.
func (m *Module) Names() *Names {
	for i := range m.Customs {
		if m.Customs[i].Name != "name" {
			continue
		}
		n := &Names{}
		r := &reader{data: m.Customs[i].Bytes, section: "name"}
		for last := -1; r.left() > 0 && r.err == nil; {
			last = n.subsection(r, last, len(m.Functions))
		}
		if r.err != nil {
			return nil
		}
		return n
	}
	return nil
}

// subsection reads one subsection, whose id must be greater than last.
func (n *Names) subsection(r *reader, last, functions int) int {
	id := int(r.byte())
	s := &reader{data: r.take(r.count("bytes of names", r.left()))}
	if id <= last {
		r.fail("subsection %d after %d", id, last)
	}
	switch {
	case r.err != nil:
	case id == NamesOfModule:
		n.Module = s.name("name of the module")
	case id == NamesOfFunctions:
		n.functions(s, functions)
	case id == NamesOfLocals:
		n.locals(s, functions)
	case id >= namesOfTypes && id <= namesOfData:
		n.Rest = append(n.Rest, NameSubsection{ID: byte(id), Bytes: s.take(s.left())})
	default: // labels, and what later proposals name
		s.take(s.left())
	}
	if r.err == nil && s.err == nil && s.left() > 0 {
		s.fail("bytes behind the last name")
	}
	if s.err != nil {
		r.err = s.err
	}
	return id
}

func (n *Names) functions(r *reader, functions int) {
	count := r.count("names", functions)
	n.Functions = make([]FunctionName, 0, count)
	for last := -1; count > 0 && r.err == nil; count-- {
		i := ascending(r, &last, functions)
		n.Functions = append(n.Functions, FunctionName{Index: i, Name: r.name("name of a function")})
	}
}

func (n *Names) locals(r *reader, functions int) {
	count := r.count("functions with names of locals", functions)
	for last := -1; count > 0 && r.err == nil; count-- {
		i := ascending(r, &last, functions)
		start, lastLocal := r.pos, -1
		for names := r.count("names", r.left()); names > 0 && r.err == nil; names-- {
			ascending(r, &lastLocal, 1<<32-1)
			r.name("name of a local")
		}
		if r.err == nil {
			n.Locals = append(n.Locals, LocalNames{Function: i, Encoded: r.data[start:r.pos:r.pos]})
		}
	}
}

// ascending reads an index greater than the last one.
func ascending(r *reader, last *int, size int) uint32 {
	i := index(r, "index in the names", size)
	if r.err == nil && int(i) <= *last {
		r.fail("names out of order")
	}
	*last = int(i)
	return i
}
