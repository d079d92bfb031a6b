// Package linmem holds the linear memories of guests, takes snapshots of them
// and makes a used memory equal to its snapshot again.
//
// A [Memory] is what wazero asks its allocator for. On Linux it is a reserved
// address range that grows in place; elsewhere, or where the system refuses
// the range, a slice of Go's heap with the same results. A [Budget] bounds
// what all memories of a host hold together. A [Snapshot] is the content of
// one memory, which any number of memories map and share until they write:
//
//	m := linmem.New(linmem.Config{Most: 64 << 20, Budget: budget})
//	// ... instantiate a module with m as wazero's allocator, initialize it ...
//	s, err := m.Snapshot()
//	err = m.Map(s)
//	// ... a task runs ...
//	dirty, err := m.Reset()
//	err = linmem.Shrink(instance.Memory(), m)
//
// A [Delta] is what a memory came to beyond its snapshot, as bytes that may go to
// another memory with an equal snapshot, on any machine.
//
// What can differ from the snapshot is decided in one place (the space): on Linux
// the kernel's page tables say which pages the guest has a copy of its own. The
// package knows nothing of modules, tasks or pools, and nothing of an instance but
// its memory.
package linmem
