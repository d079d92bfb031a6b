package wasmbin

import "fmt"

var (
	sectionNames = []string{
		"custom", "type", "import", "function", "table", "memory", "global",
		"export", "start", "element", "code", "data", "data count",
	}
	// sectionOrder is the place of each section id: data count precedes code.
	sectionOrder = []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10}
)

// tagSection is the section of the exception handling proposal.
const tagSection = 13

// parser reads a module section by section.
type parser struct {
	*Module
	limits       Limits
	tableMinimum uint64 // of all tables
	mutable      int    // globals
	allLocals    uint64 // of all functions
	segmentItems int    // of all element segments
}

// Parse reads a module. A refusal is an *Error; the module returned without
// one has passed all checks of the package except the types of Validate.
func Parse(wasm []byte, limits Limits) (*Module, error) {
	limits = limits.withDefaults()
	if len(wasm) > limits.ModuleBytes {
		return nil, &Error{Offset: int64(limits.ModuleBytes), Reason: fmt.Sprintf("the module has %d bytes: at most %d are allowed", len(wasm), limits.ModuleBytes)}
	}
	if err := checkHeader(wasm); err != nil {
		return nil, err
	}
	p := &parser{Module: &Module{}, limits: limits}
	if err := p.sections(wasm); err != nil {
		return nil, err
	}
	if err := p.finish(int64(len(wasm))); err != nil {
		return nil, err
	}
	return p.Module, nil
}

func (p *parser) sections(wasm []byte) error {
	last := 0
	for pos := headerSize; pos < len(wasm); {
		id := int(wasm[pos])
		if err := p.checkID(id, int64(pos), &last); err != nil {
			return err
		}
		head := &reader{data: wasm, pos: pos + 1, section: sectionNames[id]}
		size := head.u32()
		if head.err != nil {
			return head.err
		}
		if int64(size) > int64(head.left()) {
			return &Error{
				Offset: int64(pos), Section: sectionNames[id],
				Reason: fmt.Sprintf("truncated: the section has %d bytes, the file ends after %d", size, head.left()),
			}
		}
		r := &reader{base: head.offset(), section: sectionNames[id]}
		r.data = head.take(int(size))
		p.section(id, r)
		if r.err == nil && r.left() > 0 {
			r.fail("section size mismatch: %d bytes behind the last item", r.left())
		}
		if r.err != nil {
			return r.err
		}
		pos = head.pos
	}
	return nil
}

// checkID checks that a section is known and follows the last one.
func (p *parser) checkID(id int, pos int64, last *int) error {
	if id == tagSection {
		return &Error{Offset: pos, Section: "tag", Reason: "uses the exception handling proposal (a tag section), which is not supported: build without wasm exceptions"}
	}
	if id >= len(sectionNames) {
		return &Error{Offset: pos, Reason: fmt.Sprintf("malformed section id: unknown section id %d", id)}
	}
	if id == 0 {
		return nil
	}
	if order := sectionOrder[id]; order > *last {
		*last = order
		return nil
	}
	return &Error{Offset: pos, Section: sectionNames[id], Reason: "unexpected section: repeated or out of order"}
}

func (p *parser) section(id int, r *reader) {
	switch sectionNames[id] {
	case "custom":
		p.custom(r)
	case "type":
		p.types(r)
	case "import":
		p.imports(r)
	case "function":
		p.functions(r)
	case "table":
		p.tables(r)
	case "memory":
		p.memories(r)
	case "global":
		p.globals(r)
	case "export":
		p.exports(r)
	case "start":
		p.start(r)
	case "element":
		p.elements(r)
	case "data count":
		p.dataCount(r)
	case "code":
		p.code(r)
	case "data":
		p.data(r)
	}
}

// finish checks what needs the whole module.
func (p *parser) finish(end int64) error {
	if defined := len(p.Functions) - p.ImportedFunctions; defined != len(p.Bodies) {
		return &Error{Offset: end, Section: "code", Reason: fmt.Sprintf("%d functions are declared, %d have code", defined, len(p.Bodies))}
	}
	if p.DataCount != nil && int(*p.DataCount) != len(p.Data) {
		return &Error{Offset: end, Section: "data", Reason: fmt.Sprintf("the data count section announces %d segments, there are %d", *p.DataCount, len(p.Data))}
	}
	return nil
}

func (p *parser) custom(r *reader) {
	offset := r.offset()
	name := r.name("name of a custom section")
	if len(p.Customs) >= p.limits.CustomSections {
		r.fail("more than %d custom sections", p.limits.CustomSections)
		return
	}
	p.Customs = append(p.Customs, Custom{Name: name, Bytes: r.take(r.left()), Offset: offset})
}
