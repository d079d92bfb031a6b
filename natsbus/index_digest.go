package natsbus

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
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

// tag is what a digest has of an entry: the status in the highest byte, and a hash of
// the flow. It is not 0.
type tag uint32

const flowBits = 1<<24 - 1

// statuses are those that have a number in tags; others share the last one.
var statuses = []engine.Status{
	engine.StatusPending, engine.StatusRunning, engine.StatusRetrying, engine.StatusPaused,
	engine.StatusSucceeded, engine.StatusFailed, engine.StatusCanceled, engine.StatusSkipped,
}

func statusTag(s engine.Status) tag {
	if i := slices.Index(statuses, s); i >= 0 {
		return tag(i+1) << 24
	}
	return 255 << 24
}

// flowSeed makes it impossible to choose names of flows that are told apart badly.
var flowSeed = maphash.MakeSeed()

func flowTag(flow string) tag { return tag(maphash.String(flowSeed, flow)) & flowBits }

// tagOf digests an entry.
func tagOf(e *kept) (tag, error) {
	if flow, status, ok := gist(e.data); ok {
		return statusTag(engine.Status(status)) | flowTag(string(flow)), nil
	}
	m, err := e.mark()
	return statusTag(m.Status) | flowTag(m.Flow), err
}

// gist finds the flow and the status in a mark that was written as usual, which is
// several times as fast as to read it all.
func gist(data []byte) (flow, status []byte, ok bool) {
	for _, part := range []struct {
		name  string
		value *[]byte
	}{{`{"run":"`, new([]byte)}, {`,"flow":"`, &flow}, {`,"status":"`, &status}} {
		if data, ok = bytes.CutPrefix(data, []byte(part.name)); !ok {
			return nil, nil, false
		}
		i := bytes.IndexAny(data, `"\`)
		if i < 0 || data[i] == '\\' {
			return nil, nil, false
		}
		*part.value, data = data[:i], data[i+1:]
	}
	return flow, status, true
}

// filter is what tags of wanted entries have in common. Entries that are not wanted may
// have it too, though seldom. The zero value is all.
type filter struct{ mask, value tag }

func filterOf(q RunsQuery) (f filter) {
	if q.Status != "" {
		f.mask, f.value = 0xff<<24, statusTag(q.Status)
	}
	if q.Flow != "" {
		f.mask, f.value = f.mask|flowBits, f.value|flowTag(q.Flow)
	}
	return f
}

func (f filter) all() bool { return f.mask == 0 }

func (f filter) matches(t tag) bool { return t != 0 && t&f.mask == f.value }
