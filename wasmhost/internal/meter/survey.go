package meter

import "github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"

// call is a direct call of a defined function.
type call struct {
	region int32 // of the caller
	callee uint32
}

// function is what the survey of a body found.
type function struct {
	regions   []region
	calls     []call
	indirect  bool // calls through a table
	ranges    bool // fills or copies memory
	leads     bool // begins with a loop, after instructions that can't trap or call
	escapes   bool // may be called by other than direct calls
	recursive bool
	folded    bool // charged by its callers
	frame     int64
}

// survey is what must be known of all bodies before one can be rewritten.
type survey struct {
	m         *wasmbin.Module
	functions []function // by function index, the imported ones empty
	uses      map[wasmbin.Opcode]bool
	grows     []bool  // by table index: table.grow is used
	targets   []bool  // by function index: a table may hold it
	totals    []int64 // by region, of the function being priced
}

func newSurvey(m *wasmbin.Module) *survey {
	s := &survey{
		m:         m,
		functions: make([]function, len(m.Functions)),
		uses:      map[wasmbin.Opcode]bool{},
		grows:     make([]bool, len(m.Tables)),
		targets:   make([]bool, len(m.Functions)),
	}
	s.outside()
	walk := walker{survey: s}
	for i := range m.Bodies {
		walk.body(uint32(m.ImportedFunctions+i), &m.Bodies[i])
	}
	s.close()
	return s
}

// outside notes the functions that are named outside of code.
func (s *survey) outside() {
	tables := s.m.ImportedTables > 0
	for _, e := range s.m.Exports {
		tables = tables || e.Kind == wasmbin.KindTable
	}
	for _, e := range s.m.Exports {
		if e.Kind == wasmbin.KindFunc {
			s.functions[e.Index].escapes = true
			s.targets[e.Index] = s.targets[e.Index] || tables
		}
	}
	if s.m.Start != nil {
		s.functions[*s.m.Start].escapes = true
	}
	for i := range s.m.Globals {
		s.target(s.m.Globals[i].Init)
	}
	for i := range s.m.Elements {
		for _, f := range s.m.Elements[i].Functions {
			s.functions[f].escapes, s.targets[f] = true, true
		}
		for _, e := range s.m.Elements[i].Exprs {
			s.target(e)
		}
	}
}

func (s *survey) target(e wasmbin.ConstExpr) {
	if e.Op == wasmbin.OpRefFunc {
		s.functions[e.Index].escapes, s.targets[e.Index] = true, true
	}
}

// close draws the conclusions that need all functions: who may recurse, who
// is charged by its callers, and what regions cost with what is folded in.
func (s *survey) close() {
	for _, group := range components(s) {
		for _, f := range group.functions {
			s.functions[f].recursive = group.cyclic
		}
		// Callees come before their callers, so their costs are known.
		for _, f := range group.functions {
			s.price(&s.functions[f])
		}
	}
}
