package meter

// component is a strongly connected component of the call graph.
type component struct {
	functions []uint32
	cyclic    bool // its functions may call themselves or each other again
}

// components finds the strongly connected components of the call graph,
// callees before callers (Tarjan 1972, without recursion: call graphs of
// untrusted modules are deep). The node after the last function stands for
// all calls through tables: it has an edge to every function that a table may
// hold.
func components(s *survey) []component {
	n := len(s.functions)
	t := tarjan{survey: s, index: make([]int32, n+1), low: make([]int32, n+1), on: make([]bool, n+1)}
	for i, target := range s.targets {
		if target && i >= s.m.ImportedFunctions {
			t.targets = append(t.targets, uint32(i))
		}
	}
	for v := s.m.ImportedFunctions; v <= n; v++ {
		if t.index[v] == 0 {
			t.visit(uint32(v))
		}
	}
	return t.found
}

type tarjan struct {
	*survey
	targets []uint32
	index   []int32 // order of discovery from 1, 0 not yet
	low     []int32
	on      []bool
	count   int32
	stack   []uint32
	work    []step
	found   []component
}

// step is a node being visited and the next of its edges.
type step struct {
	node uint32
	edge int
}

func (t *tarjan) visit(root uint32) {
	t.enter(root)
	for len(t.work) > 0 {
		top := &t.work[len(t.work)-1]
		v := top.node
		if to, ok := t.edge(v, top.edge); ok {
			top.edge++
			if t.index[to] == 0 {
				t.enter(to)
			} else if t.on[to] {
				t.low[v] = min(t.low[v], t.index[to])
			}
			continue
		}
		t.work = t.work[:len(t.work)-1]
		if len(t.work) > 0 {
			caller := t.work[len(t.work)-1].node
			t.low[caller] = min(t.low[caller], t.low[v])
		}
		if t.low[v] == t.index[v] {
			t.take(v)
		}
	}
}

func (t *tarjan) enter(v uint32) {
	t.count++
	t.index[v], t.low[v], t.on[v] = t.count, t.count, true
	t.stack = append(t.stack, v)
	t.work = append(t.work, step{node: v})
}

// edge returns the node at the end of the i-th edge of v.
func (t *tarjan) edge(v uint32, i int) (uint32, bool) {
	indirect := uint32(len(t.functions))
	if v == indirect {
		if i < len(t.targets) {
			return t.targets[i], true
		}
		return 0, false
	}
	f := &t.functions[v]
	if i < len(f.calls) {
		return f.calls[i].callee, true
	}
	return indirect, i == len(f.calls) && f.indirect
}

// take makes a component of what is on the stack down to v.
func (t *tarjan) take(v uint32) {
	at := len(t.stack) - 1
	for t.stack[at] != v {
		at--
	}
	nodes := t.stack[at:]
	c := component{cyclic: len(nodes) > 1 || t.callsItself(v)}
	for _, node := range nodes {
		t.on[node] = false
		if int(node) < len(t.functions) {
			c.functions = append(c.functions, node)
		}
	}
	t.stack = t.stack[:at]
	t.found = append(t.found, c)
}

func (t *tarjan) callsItself(v uint32) bool {
	if int(v) >= len(t.functions) {
		return false
	}
	for _, c := range t.functions[v].calls {
		if c.callee == v {
			return true
		}
	}
	return false
}
