package natsbus

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// blockSize is how many sequences a digest is of.
	blockSize = 256
	// maxBlocks bounds what all digests need, 19 MB for four million sequences.
	maxBlocks = 1 << 14
)

// digest is what a process remembers of the index, to find runs of which there are few
// without reading all others. An entry does not change: it is replaced by one with
// another sequence. So what was read is right for as long as the entry is there, and
// who finds one asks for it. What is not there any more does not come back. The zero
// value is empty; it is safe for concurrent use.
type digest struct {
	mu     sync.Mutex
	blocks []*block // by their numbers
}

// block is the digest of the sequences from number*blockSize on.
type block struct {
	number uint64
	tags   [blockSize]atomic.Uint32 // 0 where there is no entry of the namespace
	// The first entry from the last of the sequences on: while that is there, stored at
	// that time, the stream has what it had before it.
	next uint64
	time time.Time
}

// first is the first sequence.
func (b *block) first() uint64 { return max(1, b.number*blockSize) }

func byNumber(b *block, number uint64) int { return cmp.Compare(b.number, number) }

// block is the one with a number, or nil.
func (d *digest) block(number uint64) *block {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i, ok := slices.BinarySearchFunc(d.blocks, number, byNumber); ok {
		return d.blocks[i]
	}
	return nil
}

// put keeps a block. If there are too many, the oldest goes: lists begin with what is
// new.
func (d *digest) put(b *block) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i, ok := slices.BinarySearchFunc(d.blocks, b.number, byNumber)
	if ok {
		d.blocks[i] = b
		return
	}
	d.blocks = slices.Insert(d.blocks, i, b)
	if len(d.blocks) > maxBlocks {
		d.blocks = slices.Delete(d.blocks, 0, 1)
	}
}

// clear tells that there is no entry any more.
func (d *digest) clear(seq uint64) {
	if b := d.block(seq / blockSize); b != nil {
		b.tags[seq%blockSize].Store(0)
	}
}

// newest are the last n blocks, newest first.
func (d *digest) newest(n int) []*block {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := slices.Clone(d.blocks[len(d.blocks)-min(n, len(d.blocks)):])
	slices.Reverse(all)
	return all
}

// drop forgets a block.
func (d *digest) drop(b *block) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if i := slices.Index(d.blocks, b); i >= 0 {
		d.blocks = slices.Delete(d.blocks, i, i+1)
	}
}

// checkDigest forgets the blocks of which it is not sure that the stream still has what
// they tell: it may have been made anew, or have lost its end with its server's memory.
// One entry that is there as it was tells that so is all before it.
func (b *Bus) checkDigest(ctx context.Context) error {
	for n := 8; ; n *= 4 {
		blocks := b.digest.newest(min(n, maxSubjects))
		if len(blocks) == 0 {
			return nil
		}
		wants := make([]wanted, len(blocks))
		for i, k := range blocks {
			wants[i].Seq = k.next
		}
		found, err := b.pick(ctx, streamIndex, wants)
		if err != nil {
			return err
		}
		for i, e := range found {
			if e != nil && e.time.Equal(blocks[i].time) {
				return nil
			}
			b.digest.drop(blocks[i])
		}
	}
}
