package wasmbin

// Limits bounds what a module may announce. A zero field is its default. The
// defaults accept what compilers emit (Go, Rust, TinyGo, interpreters such as
// CPython) and keep a compiler's memory and time proportional to the module.
type Limits struct {
	ModuleBytes    int // of the whole module; default 64 MiB
	Types          int // function types; default 20 000
	Params         int // parameters of one type; default 1 000
	Results        int // results of one type; default 1 000
	Imports        int // default 10 000
	Exports        int // default 100 000
	Functions      int // imported and defined; default 100 000
	ExportPairs    int // exports times functions; default 30 000 000, wazero compares each with each
	Tables         int // imported and defined; default 16
	TableElements  int // initial elements of all tables together; default 1 000 000
	MemoryPages    int // initial pages (64 KiB) of the memory; default 65 536, all of 32 bits
	Globals        int // imported and defined; default 10 000
	MutableGlobals int // of them; default 1 000, wazero reloads each after every call
	Elements       int // element segments; default 100 000
	DataSegments   int // default 100 000
	SegmentItems   int // items of all element segments together; default 1 000 000
	Locals         int // locals of one function, parameters included; default 50 000
	AllLocals      int // locals of all functions together, without parameters; default 5 000 000
	BodyBytes      int // code of one function; default 7 654 321
	Nesting        int // blocks within blocks in one function; default 10 000 (Go's own code has 1 706)
	LoopNesting    int // loops within loops in one function; default 100, engines take quadratic time
	BranchTargets  int // targets of one br_table; default 65 520
	CustomSections int // default 1 000
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.ModuleBytes, 64<<20)
	set(&l.Types, 20_000)
	set(&l.Params, 1_000)
	set(&l.Results, 1_000)
	set(&l.Imports, 10_000)
	set(&l.Exports, 100_000)
	set(&l.Functions, 100_000)
	set(&l.ExportPairs, 30_000_000)
	set(&l.Tables, 16)
	set(&l.TableElements, 1_000_000)
	set(&l.MemoryPages, maxPages)
	set(&l.Globals, 10_000)
	set(&l.MutableGlobals, 1_000)
	set(&l.Elements, 100_000)
	set(&l.DataSegments, 100_000)
	set(&l.SegmentItems, 1_000_000)
	set(&l.Locals, 50_000)
	set(&l.AllLocals, 5_000_000)
	set(&l.BodyBytes, 7_654_321)
	set(&l.Nesting, 10_000)
	set(&l.LoopNesting, 100)
	set(&l.BranchTargets, 65_520)
	set(&l.CustomSections, 1_000)
	return l
}
