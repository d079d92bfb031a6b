package sim

import (
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

const second = engine.Duration(time.Second)

// dice say what happens to a call: by the seed, what the call is for, and how often
// there was one like it. So a call's fate does not depend on what came between.
type dice struct {
	seed uint64

	mu     sync.Mutex // guards counts
	counts map[string]int
}

func newDice(seed uint64) *dice { return &dice{seed: seed, counts: map[string]int{}} }

// roll is a number below n.
func (d *dice) roll(n int, key string) int {
	d.mu.Lock()
	d.counts[key]++
	count := d.counts[key]
	d.mu.Unlock()
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", d.seed, key, count)
	x := h.Sum64() // FNV's high bits follow its last bytes little
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return int(x % uint64(n))
}

// chance is true so often.
func (d *dice) chance(p float64, key string) bool {
	const fine = 1 << 20
	return d.roll(fine, key) < int(p*fine)
}

// span is a time below a limit, hardly ever the same as another.
func (d *dice) span(limit time.Duration, key string) time.Duration {
	return time.Duration(d.roll(int(limit), key))
}
