package linmem

import (
	"math"
	"sync/atomic"
)

// Budget is the number of bytes that the memories and snapshots of a host may
// hold together. A memory counts with its whole size, touched or not. Safe
// for concurrent use; a nil Budget bounds and counts nothing.
type Budget struct {
	most  int64 // bytes
	inUse atomic.Int64
}

// NewBudget returns a budget of most bytes. With zero or less nothing fits.
func NewBudget(most int64) *Budget {
	return &Budget{most: most}
}

// InUse returns the bytes that are held now.
func (b *Budget) InUse() int64 {
	if b == nil {
		return 0
	}
	return b.inUse.Load()
}

// Most returns the bytes that may be held together.
func (b *Budget) Most() int64 {
	if b == nil {
		return math.MaxInt64
	}
	return b.most
}

// charge takes n bytes, or none and reports false.
func (b *Budget) charge(n int64) bool {
	if b == nil || n == 0 {
		return true
	}
	for {
		held := b.inUse.Load()
		if n > b.most-held {
			return false
		}
		if b.inUse.CompareAndSwap(held, held+n) {
			return true
		}
	}
}

// release gives back n bytes that were charged.
func (b *Budget) release(n int64) {
	if b != nil {
		b.inUse.Add(-n)
	}
}
