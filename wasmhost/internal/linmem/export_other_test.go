//go:build !linux

package linmem

// NewVariant returns a memory on the heap, which is all there is.
func NewVariant(_ string, cfg Config) *Memory { return New(cfg) }

// Variants are the names that NewVariant knows.
func Variants() []string { return []string{"heap"} }

// Supported reports whether this system has what the variant needs.
func Supported(string) bool { return true }
