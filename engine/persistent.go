package engine

import (
	"encoding/json"
	"hash/maphash"
	"math/bits"
	"sort"
	"strings"
)

// Two persistent structures carry what a run's tasks may read: a snapshot is a
// copy of a pointer, and a change copies a path, never the whole.

// values is a persistent map from channel keys to JSON: a hash trie, 16 ways at
// each level (Bagwell, Ideal Hash Trees, 2001). The zero value is empty.
type values struct {
	root *valueNode
	len  int
}

// valueNode is a branch, or at the last level a list of entries.
type valueNode struct {
	bitmap   uint16
	children []*valueNode
	entries  []valueEntry // a leaf's: those that share its hash
	hash     uint64
}

type valueEntry struct {
	key   string
	value json.RawMessage
}

const (
	trieBits = 4
	trieMask = 1<<trieBits - 1
)

var hashSeed = maphash.MakeSeed()

func (m values) get(key string) (json.RawMessage, bool) {
	h := maphash.String(hashSeed, key)
	n := m.root
	for shift := 0; n != nil; shift += trieBits {
		if n.entries != nil {
			for _, e := range n.entries {
				if e.key == key {
					return e.value, true
				}
			}
			return nil, false
		}
		bit := uint16(1) << (h >> shift & trieMask)
		if n.bitmap&bit == 0 {
			return nil, false
		}
		n = n.children[bits.OnesCount16(n.bitmap&(bit-1))]
	}
	return nil, false
}

func (m values) set(key string, value json.RawMessage) values {
	h := maphash.String(hashSeed, key)
	root, added := m.root.set(h, 0, valueEntry{key, value})
	if added {
		m.len++
	}
	m.root = root
	return m
}

func (n *valueNode) set(h uint64, shift int, e valueEntry) (*valueNode, bool) {
	switch {
	case n == nil:
		return &valueNode{hash: h, entries: []valueEntry{e}}, true
	case n.entries == nil:
		return n.setBranch(h, shift, e)
	case n.hash == h:
		return n.setLeaf(e)
	}
	// Two hashes in one leaf: a branch between them.
	bit := uint16(1) << (n.hash >> shift & trieMask)
	branch := &valueNode{bitmap: bit, children: []*valueNode{n}}
	return branch.setBranch(h, shift, e)
}

func (n *valueNode) setLeaf(e valueEntry) (*valueNode, bool) {
	c := &valueNode{hash: n.hash, entries: append([]valueEntry(nil), n.entries...)}
	for i := range c.entries {
		if c.entries[i].key == e.key {
			c.entries[i] = e
			return c, false
		}
	}
	c.entries = append(c.entries, e)
	return c, true
}

func (n *valueNode) setBranch(h uint64, shift int, e valueEntry) (*valueNode, bool) {
	bit := uint16(1) << (h >> shift & trieMask)
	at := bits.OnesCount16(n.bitmap & (bit - 1))
	if n.bitmap&bit != 0 {
		child, added := n.children[at].set(h, shift+trieBits, e)
		c := &valueNode{bitmap: n.bitmap, children: append([]*valueNode(nil), n.children...)}
		c.children[at] = child
		return c, added
	}
	c := &valueNode{bitmap: n.bitmap | bit, children: make([]*valueNode, len(n.children)+1)}
	copy(c.children, n.children[:at])
	copy(c.children[at+1:], n.children[at:])
	c.children[at] = &valueNode{hash: h, entries: []valueEntry{e}}
	return c, true
}

func (m values) delete(key string) values {
	if _, ok := m.get(key); !ok {
		return m
	}
	m.root = m.root.delete(maphash.String(hashSeed, key), 0, key)
	m.len--
	return m
}

// delete removes a key that is there; nil is an empty node.
func (n *valueNode) delete(h uint64, shift int, key string) *valueNode {
	c := &valueNode{hash: n.hash, bitmap: n.bitmap}
	if n.entries != nil {
		for _, e := range n.entries {
			if e.key != key {
				c.entries = append(c.entries, e)
			}
		}
		if c.entries == nil {
			return nil
		}
		return c
	}
	bit := uint16(1) << (h >> shift & trieMask)
	at := bits.OnesCount16(n.bitmap & (bit - 1))
	c.children = append([]*valueNode(nil), n.children...)
	if child := n.children[at].delete(h, shift+trieBits, key); child != nil {
		c.children[at] = child
		return c
	}
	c.bitmap &^= bit
	c.children = append(c.children[:at], c.children[at+1:]...)
	if len(c.children) == 0 {
		return nil
	}
	return c
}

// keys returns those with the prefix, sorted.
func (m values) keys(prefix string) []string {
	keys := make([]string, 0, m.len)
	m.root.each(func(k string, _ json.RawMessage) {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	})
	sort.Strings(keys)
	return keys
}

func (n *valueNode) each(f func(string, json.RawMessage)) {
	if n == nil {
		return
	}
	for _, e := range n.entries {
		f(e.key, e.value)
	}
	for _, c := range n.children {
		c.each(f)
	}
}

// results is a persistent vector of task results by vertex: a radix trie, 8
// ways at each level, which copies least a change at a million vertices. The
// zero value is empty.
type results struct {
	root  *resultNode
	depth int // levels below the root
}

const (
	vectorBits = 3
	vectorMask = 1<<vectorBits - 1
)

type resultNode struct {
	children [1 << vectorBits]*resultNode
	leaf     *result
}

// result is what a vertex's last activation left: a value, or an error.
type result struct {
	value json.RawMessage
	err   *TaskError
}

func (r results) get(v int32) *result {
	if int(v)>>(vectorBits*r.depth) != 0 {
		return nil
	}
	n := r.root
	for level := r.depth; level > 0 && n != nil; level-- {
		n = n.children[int(v)>>(vectorBits*(level-1))&vectorMask]
	}
	if n == nil {
		return nil
	}
	return n.leaf
}

func (r results) set(v int32, res *result) results {
	for int(v)>>(vectorBits*r.depth) != 0 {
		if r.root != nil {
			up := &resultNode{}
			up.children[0] = r.root
			r.root = up
		}
		r.depth++
	}
	r.root = r.root.set(v, r.depth, res)
	return r
}

func (n *resultNode) set(v int32, level int, res *result) *resultNode {
	if level == 0 {
		return &resultNode{leaf: res}
	}
	c := &resultNode{}
	if n != nil {
		*c = *n
	}
	at := int(v) >> (vectorBits * (level - 1)) & vectorMask
	c.children[at] = c.children[at].set(v, level-1, res)
	return c
}
