package wasmbin

func (p *parser) imports(r *reader) {
	for range r.count("imports", p.limits.Imports) {
		i := Import{Offset: r.offset(), Module: r.name("module of an import"), Name: r.name("name of an import")}
		start := r.pos
		i.Kind = Kind(r.byte())
		switch i.Kind {
		case KindFunc:
			i.Type = p.typeIndex(r)
			p.Functions = append(p.Functions, i.Type)
		case KindTable:
			i.Table = p.tableType(r)
			p.Tables = append(p.Tables, i.Table)
		case KindMemory:
			i.Memory = p.memoryType(r)
			p.Memories = append(p.Memories, i.Memory)
		case KindGlobal:
			i.Global = p.globalType(r)
			p.Globals = append(p.Globals, Global{GlobalType: i.Global})
		case 4:
			r.failAt(start, "uses the exception handling proposal (a tag import), which is not supported: build without wasm exceptions")
		default:
			r.failAt(start, "malformed import kind %d", i.Kind)
		}
		if r.err != nil {
			return
		}
		p.Imports = append(p.Imports, i)
		p.checkCounts(r, start)
	}
	p.ImportedFunctions, p.ImportedTables = len(p.Functions), len(p.Tables)
	p.ImportedMemories, p.ImportedGlobals = len(p.Memories), len(p.Globals)
}

// checkCounts checks the index spaces that imports and definitions share.
func (p *parser) checkCounts(r *reader, start int) {
	switch {
	case r.err != nil:
	case len(p.Functions) > p.limits.Functions:
		r.failAt(start, "more than %d functions", p.limits.Functions)
	case len(p.Tables) > p.limits.Tables:
		r.failAt(start, "more than %d tables", p.limits.Tables)
	case len(p.Memories) > 1:
		r.failAt(start, "uses the multi-memory proposal (%d memories), which is not supported: one is", len(p.Memories))
	case len(p.Globals) > p.limits.Globals:
		r.failAt(start, "more than %d globals", p.limits.Globals)
	}
}

func (p *parser) typeIndex(r *reader) uint32 {
	return index(r, "type", len(p.Types))
}

// index reads an index and checks it against its space.
func index(r *reader, what string, size int) uint32 {
	start, i := r.pos, r.u32()
	if r.err == nil && int64(i) >= int64(size) {
		r.failAt(start, "unknown %s %d: there are %d", what, i, size)
		return 0
	}
	return i
}

func (p *parser) functions(r *reader) {
	n := r.count("functions", p.limits.Functions)
	functions := make([]uint32, 0, len(p.Functions)+n)
	p.Functions = append(functions, p.Functions...)
	for range n {
		p.Functions = append(p.Functions, p.typeIndex(r))
	}
	p.checkCounts(r, 0)
}

func (p *parser) tables(r *reader) {
	for range r.count("tables", p.limits.Tables) {
		p.Tables = append(p.Tables, p.tableType(r))
	}
	p.checkCounts(r, 0)
}

func (p *parser) memories(r *reader) {
	for n := r.count("memories", r.left()); n > 0 && r.err == nil; n-- {
		p.Memories = append(p.Memories, p.memoryType(r))
		p.checkCounts(r, 0)
	}
}

func (p *parser) globals(r *reader) {
	n := r.count("globals", p.limits.Globals)
	for range n {
		g := Global{GlobalType: p.globalType(r), Init: p.constExpr(r)}
		if r.err != nil {
			return
		}
		p.Globals = append(p.Globals, g)
	}
	p.checkCounts(r, 0)
}

func (p *parser) exports(r *reader) {
	start := r.pos
	n := r.count("exports", p.limits.Exports)
	if pairs := n * len(p.Functions); pairs > p.limits.ExportPairs {
		r.failAt(start, "%d exports and %d functions, %d pairs: at most %d are allowed", n, len(p.Functions), pairs, p.limits.ExportPairs)
		return
	}
	p.Exports = make([]Export, 0, n)
	seen := make(map[string]bool, n)
	for range n {
		start := r.pos
		e := Export{Offset: r.offset(), Name: r.name("name of an export")}
		kindAt := r.pos
		e.Kind = Kind(r.byte())
		switch e.Kind {
		case KindFunc:
			e.Index = index(r, "function", len(p.Functions))
			p.declare(e.Index, r)
		case KindTable:
			e.Index = index(r, "table", len(p.Tables))
		case KindMemory:
			e.Index = index(r, "memory", len(p.Memories))
		case KindGlobal:
			e.Index = index(r, "global", len(p.Globals))
		case 4:
			r.failAt(kindAt, "uses the exception handling proposal (a tag export), which is not supported: build without wasm exceptions")
		default:
			r.failAt(kindAt, "malformed export kind %d", e.Kind)
		}
		if r.err == nil && seen[e.Name] {
			r.failAt(start, "duplicate export name %q", e.Name)
		}
		if r.err != nil {
			return
		}
		seen[e.Name] = true
		p.Exports = append(p.Exports, e)
	}
}

// declare notes that the module names a function outside of code, so that
// ref.func may name it too.
func (p *parser) declare(function uint32, r *reader) {
	if r.err != nil {
		return
	}
	if p.declared == nil {
		p.declared = make([]bool, len(p.Functions))
	}
	p.declared[function] = true
}

func (p *parser) start(r *reader) {
	p.startOffset = r.offset()
	i := index(r, "function", len(p.Functions))
	p.Start = &i
}
