package meter_test

// statement writes code that leaves the operand stack as it was.
func (g *generator) statement() {
	if g.depth > 6 || len(g.choices) == 0 {
		g.w("nop")
		return
	}
	g.depth++
	defer func() { g.depth-- }()
	switch g.choose(18) {
	case 0, 1:
		t := valueTypes[g.choose(len(valueTypes))]
		g.value(t)
		g.w("local.set %d", g.local(t))
	case 2:
		g.address()
		g.value('i')
		g.w("i32.store %d", g.choose(100))
	case 3:
		g.loop("")
	case 4:
		g.several("block")
	case 5:
		g.value('i')
		g.w("if _")
		g.inside("", g.statement)
		g.w("end")
	case 6:
		g.branch()
	case 7:
		g.bulkMemory()
	case 8:
		g.bulkTable()
	case 9:
		i := g.choose(3)
		g.value("ild"[i])
		g.w("global.set %d", i+1)
	case 10:
		g.several("call")
	case 11:
		g.leave()
	case 12:
		g.value('l')
		g.w("call %d", firstFunction+7)
	case 13:
		g.statement()
		g.statement()
	case 14, 15:
		g.dispatch()
	default:
		g.value('i')
		g.w("drop")
	}
}

// several writes what has several results.
func (g *generator) several(kind string) {
	results := []string{"il", "ld", "iiv"}[g.choose(3)]
	if kind == "call" {
		results = "il"
		g.value('i')
		g.value('i')
		g.w("call %d", firstFunction+4)
	} else {
		g.block(results)
	}
	for range results {
		g.w("drop")
	}
}

// branch writes a conditional branch, or one by a table.
func (g *generator) branch() {
	depth := g.choose(len(g.labels))
	types := g.labels[len(g.labels)-1-depth]
	if g.choose(2) == 0 {
		g.values(types)
		g.value('i')
		g.w("br_if %d", depth)
		for range types {
			g.w("drop")
		}
		return
	}
	g.w("block _")
	g.inside("", func() {
		g.value('i')
		g.w("br_if 0")
		depth := g.choose(len(g.labels))
		types := g.labels[len(g.labels)-1-depth]
		other := depth
		for d := range g.labels {
			if g.labels[len(g.labels)-1-d] == types {
				other = d
			}
		}
		g.values(types)
		g.value('i')
		g.w("br_table 2 %d %d %d", depth, other, depth)
	})
	g.w("end")
}

// dispatch writes a loop round a br_table, as Go's functions and interpreters
// are.
func (g *generator) dispatch() {
	n := 1 + g.choose(5)
	loop := g.choose(4) > 0
	outer := "block _"
	if loop {
		outer = "loop _"
	}
	g.w("%s", outer)
	g.labels = append(g.labels, "")
	for range n {
		g.w("block _")
		g.labels = append(g.labels, "")
	}
	if g.choose(3) == 0 {
		g.value('i')
	} else {
		g.w("local.get %d", g.local('i'))
	}
	if g.choose(3) == 0 {
		g.w("i32.const 7 i32.and")
	}
	if g.choose(2) == 0 {
		g.w("local.set %d local.get %[1]d", g.local('i'))
	}
	g.table(n)
	for i := n - 1; i >= 0; i-- {
		g.labels = g.labels[:len(g.labels)-1]
		g.w("end " + tick)
		for range g.choose(4) {
			g.statement()
		}
		switch g.choose(4) {
		case 0:
			g.value('i')
			g.w("br_if %d", g.choose(i+1))
		case 1:
			g.value('i')
			g.w("br_if %d", i)
		case 2:
			g.w("br %d", g.choose(i+1))
		}
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.w("end")
}

// table writes a br_table to the n innermost blocks, sometimes out of the block
// around them.
func (g *generator) table(n int) {
	g.w("br_table %d", n)
	for range n + 1 {
		depth := g.choose(n)
		if g.choose(12) == 0 && n+1 < len(g.labels) && g.labels[len(g.labels)-2-n] == "" {
			depth = n + 1
		}
		g.w("%d", depth)
	}
}

// leave writes a conditional return or tail call.
func (g *generator) leave() {
	g.value('i')
	g.w("if _")
	g.inside("", func() {
		if g.result == "i" && g.choose(2) == 1 {
			g.value('i')
			if g.choose(2) == 1 {
				g.w("return_call %d", []int{firstFunction, firstFunction + 6, 0}[g.choose(3)])
				return
			}
			g.address()
			g.w("return_call_indirect 0 0")
			return
		}
		g.values(g.result)
		g.w("return")
	})
	g.w("end")
}

func (g *generator) bulkMemory() {
	switch g.choose(4) {
	case 0:
		g.w("data.drop 1")
	case 1:
		g.address()
		g.address()
		g.w("i32.const %d memory.init 1", g.choose(30))
	case 2:
		g.address()
		g.value('i')
		g.address()
		g.w("memory.fill")
	case 3:
		g.address()
		g.address()
		g.address()
		g.w("memory.copy")
	}
}

func (g *generator) bulkTable() {
	switch g.choose(5) {
	case 0:
		g.w("elem.drop 1")
	case 1:
		g.address()
		g.w("i32.const 1 i32.const %d table.init 1 0", g.choose(3))
	case 2:
		g.address()
		g.w("ref.func %d i32.const %d table.fill 0", firstFunction+g.choose(3), g.choose(4))
	case 3:
		g.address()
		g.address()
		g.w("i32.const %d table.copy 0 0", g.choose(6))
	case 4:
		g.address()
		g.w("ref.null a table.set 0")
	}
}
