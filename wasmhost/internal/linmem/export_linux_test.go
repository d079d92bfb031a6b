package linmem

// NewVariant returns a memory that works in the way named: heap, or mapped
// with one way of finding dirty pages.
func NewVariant(name string, cfg Config) *Memory {
	cfg.Portable = name == "heap"
	m := New(cfg)
	if mapped, ok := m.space.(*mapped); ok {
		mapped.scan.way = ways[name]
	}
	return m
}

// Variants are the names that NewVariant knows.
func Variants() []string { return []string{"heap", "scan", "table", "none"} }

// Supported reports whether this kernel has what the variant needs.
func Supported(name string) bool { return name == "heap" || ways[name] <= bestWay() }

var ways = map[string]way{"scan": wayScan, "table": wayTable, "none": wayNone}

// IsHeap reports whether the memory is on Go's heap.
func IsHeap(m *Memory) bool {
	_, is := m.space.(*heap)
	return is
}
