package guestfs

// LimitEntries changes how many names ReadDir of a directory lists.
func LimitEntries(tree FS, most int) { tree.(*dirTree).entries = most }

// LimitLoads changes how much a read-only tree reads into memory.
func LimitLoads(tree FS, bytes int64) { tree.(*readOnly).loaded.most = bytes }

// Held is the memory that the contents of a tree's files take.
func (m *Memory) Held() int64 { return m.root.held() }

func (n *node) held() int64 {
	bytes := int64(cap(n.content.chunks)) * 24
	for _, chunk := range n.content.chunks {
		bytes += int64(cap(chunk))
	}
	for _, child := range n.children {
		bytes += child.held()
	}
	return bytes
}
