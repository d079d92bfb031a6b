package statedir

import "hash/maphash"

// chains are the last sequences of a log's chains. Of one that has ended only a
// hash of its name is kept: they are as many as a run has tasks, and hardly ever
// asked for. Whose a hash is tells the event itself, when somebody asks.
type chains struct {
	open  map[string]uint64 // and ended ones whose hash another has; looked at first
	ended map[uint64]uint64 // sequences by hash
	seed  maphash.Seed
}

func newChains() chains {
	return chains{open: map[string]uint64{}, ended: map[uint64]uint64{}, seed: maphash.MakeSeed()}
}

func (c *chains) hash(chain string) uint64 { return maphash.String(c.seed, chain) }

// last returns the sequence of a chain's last event; 0 is none. Name reads whose
// event one is.
func (c *chains) last(chain string, name func(seq uint64) (string, error)) (uint64, error) {
	if seq, ok := c.open[chain]; ok {
		return seq, nil
	}
	seq, ok := c.ended[c.hash(chain)]
	if !ok {
		return 0, nil
	}
	if of, err := name(seq); err != nil || of != chain {
		return 0, err
	}
	return seq, nil
}

// set notes a chain's last event, and whether it is so for good.
func (c *chains) set(chain string, seq uint64, final bool) {
	if !final {
		c.open[chain] = seq
		return
	}
	h := c.hash(chain)
	if _, taken := c.ended[h]; taken {
		c.open[chain] = seq
		return
	}
	delete(c.open, chain)
	c.ended[h] = seq
}

// drop forgets the chains that have ended before a sequence.
func (c *chains) drop(before uint64) {
	for h, seq := range c.ended {
		if seq < before {
			delete(c.ended, h)
		}
	}
}
