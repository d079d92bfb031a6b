package statedir

import (
	"hash/maphash"
	"math"
)

// chains are the last sequences of a log's chains. Of one that has ended only a
// hash of its name is kept: they are as many as a run has tasks, and hardly ever
// asked for. Whose a hash is tells the event itself, when somebody asks.
type chains struct {
	open  map[string]uint64 // and ended ones whose hash another has; looked at first
	ended table
	seed  maphash.Seed
}

func newChains() chains { return chains{open: map[string]uint64{}, seed: maphash.MakeSeed()} }

func (c *chains) hash(chain string) uint32 { return uint32(maphash.String(c.seed, chain)) }

// last returns the sequence of a chain's last event; 0 is none. Name reads whose
// event one is.
func (c *chains) last(chain string, name func(seq uint64) (string, error)) (uint64, error) {
	if seq, ok := c.open[chain]; ok {
		return seq, nil
	}
	seq := c.ended.find(c.hash(chain))
	if seq == 0 {
		return 0, nil
	}
	if of, err := name(seq); err != nil || of != chain {
		return 0, err
	}
	return seq, nil
}

// set notes a chain's last event, and whether it is so for good.
func (c *chains) set(chain string, seq uint64, final bool) {
	h := c.hash(chain)
	if !final || seq > math.MaxUint32 || c.ended.find(h) != 0 {
		c.open[chain] = seq
		return
	}
	delete(c.open, chain)
	c.ended.add(h, seq)
}

// drop forgets the chains that have ended before a sequence.
func (c *chains) drop(before uint64) { c.ended.drop(before) }

// table maps hashes to sequences, both of 32 bits, in 9 to 12 bytes for each: it
// is an array in order of the hashes, but that one whose place is taken has the
// next that is free.
type table struct {
	slots []uint64 // hash<<32 | sequence; 0 is free
	n     int
}

// minSlots is the size of the smallest table.
const minSlots = 64

// slot is where a hash is, or else the free place for it.
func (t *table) slot(h uint32) int {
	i := int(uint64(h) * uint64(len(t.slots)) >> 32)
	for t.slots[i] != 0 && uint32(t.slots[i]>>32) != h {
		if i++; i == len(t.slots) {
			i = 0
		}
	}
	return i
}

// find returns a hash's sequence; 0 is none.
func (t *table) find(h uint32) uint64 {
	if t.n == 0 {
		return 0
	}
	return t.slots[t.slot(h)] & math.MaxUint32
}

// add adds a hash that is not there.
func (t *table) add(h uint32, seq uint64) {
	if t.n++; t.n > len(t.slots)*7/8 {
		t.resize(max(minSlots, len(t.slots)*5/4), 0)
	}
	t.slots[t.slot(h)] = uint64(h)<<32 | seq
}

// resize moves what is not before a sequence to another array.
func (t *table) resize(size int, before uint64) {
	old := t.slots
	t.slots = make([]uint64, size)
	for _, s := range old {
		if s != 0 && s&math.MaxUint32 >= before {
			t.slots[t.slot(uint32(s>>32))] = s
		}
	}
}

// drop removes what has a sequence before another.
func (t *table) drop(before uint64) {
	t.n = 0
	for _, s := range t.slots {
		if s != 0 && s&math.MaxUint32 >= before {
			t.n++
		}
	}
	t.resize(max(minSlots, t.n*5/4), before)
}
