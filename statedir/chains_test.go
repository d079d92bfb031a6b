package statedir

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTable compares a table with a map, over sizes, removals and hashes that
// want one place.
func TestTable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var got table
		want := map[uint32]uint64{}
		same := func() {
			t.Helper()
			for h, seq := range want {
				if got.find(h) != seq {
					t.Fatalf("seed %d: %d has %d, want %d", seed, h, got.find(h), seq)
				}
			}
			if got.n != len(want) || got.n > len(got.slots)*7/8+1 || len(got.slots) > max(minSlots, got.n*3/2) {
				t.Fatalf("seed %d: %d of %d in %d places", seed, got.n, len(want), len(got.slots))
			}
		}
		for seq := uint64(1); seq < 5000; seq++ {
			h := random.Uint32()
			if seq%3 == 0 {
				h |= 0xffff_f000 // at the end, and around it
			}
			if _, ok := want[h]; ok != (got.find(h) != 0) {
				t.Fatalf("seed %d: %d is there: %t, want %t", seed, h, !ok, ok)
			} else if !ok {
				got.add(h, seq)
				want[h] = seq
			}
			if seq%1500 == 0 {
				before := random.Uint64N(seq)
				got.drop(before)
				for h, s := range want {
					if s < before {
						delete(want, h)
					}
				}
				same()
			}
		}
		same()
		got.drop(5000)
		if got.find(1) != 0 || got.n != 0 {
			t.Errorf("seed %d: %d are left", seed, got.n)
		}
	}
}

// TestChainsShareHash: two chains whose names have one hash stay apart.
func TestChainsShareHash(t *testing.T) {
	t.Parallel()
	c := newChains()
	byHash := map[uint32]string{}
	for n := 0; ; n++ {
		name := fmt.Sprint("task-", n)
		other, found := byHash[c.hash(name)]
		if byHash[c.hash(name)] = name; !found {
			continue
		}
		names := map[uint64]string{1: other, 2: name}
		seqOf := func(chain string) uint64 {
			seq, err := c.last(chain, func(seq uint64) (string, error) { return names[seq], nil })
			if err != nil {
				t.Error(err)
			}
			return seq
		}
		c.set(other, 1, true)
		if got := seqOf(name); got != 0 {
			t.Errorf("last of %s: %d, which is %s's", name, got, other)
		}
		c.set(name, 2, true)
		if a, b := seqOf(other), seqOf(name); a != 1 || b != 2 {
			t.Errorf("last of %s and %s: %d and %d, want 1 and 2", other, name, a, b)
		}
		return
	}
}

// What an ended chain takes is bounded, whatever its name.
func TestChainsSize(t *testing.T) {
	t.Parallel()
	c := newChains()
	for n := range uint64(300_000) {
		c.set(fmt.Sprint("a-name-of-some-length-", n), n+1, true)
		if n > 10_000 && len(c.ended.slots)*8 > int(n)*12 {
			t.Fatalf("%d chains take %d bytes", n, len(c.ended.slots)*8)
		}
	}
	if len(c.open) > 100 { // a few share a hash
		t.Errorf("%d of 300 000 ended chains are kept by name", len(c.open))
	}
}
