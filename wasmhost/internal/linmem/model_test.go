package linmem_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// variants are the ways in which a memory can work here.
func variants(t *testing.T) []string {
	t.Helper()
	var here []string
	for _, v := range linmem.Variants() {
		if linmem.Supported(v) {
			here = append(here, v)
		} else {
			t.Logf("this kernel does not know %s", v)
		}
	}
	return here
}

// TestModel does to memories what guests and hosts do, and compares all of
// their bytes with a slice that is simply copied.
func TestModel(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				m := newModel(rt, variant)
				defer m.close()
				rt.Repeat(map[string]func(*rapid.T){
					"grow": m.grow, "write": m.write, "fill": m.fill, "read": m.read,
					"limit": m.setLimit, "snapshot": m.snapshot, "map": m.remap,
					"reset": m.reset, "compare": m.compare, "apply": m.apply, "": m.check,
				})
			})
		})
	}
}

const modelMost = 6 * linmem.PageSize

// saved is a snapshot with what it should hold.
type saved struct {
	snap    *linmem.Snapshot
	content []byte
}

type model struct {
	mem     *linmem.Memory
	budget  *linmem.Budget
	want    []byte
	limit   int64
	refused bool
	peak    int64
	taken   []saved
	current *saved // what reset goes back to
	deltas  []difference
}

// difference is a delta of what a memory held against a snapshot.
type difference struct {
	delta   linmem.Delta
	of      *linmem.Snapshot
	content []byte
}

func newModel(rt *rapid.T, variant string) *model {
	b := linmem.NewBudget(24 * linmem.PageSize)
	keep := rapid.SampledFrom([]int{-1, 1, 3, 20, 0}).Draw(rt, "keep")
	m := linmem.NewVariant(variant, linmem.Config{Most: modelMost, Budget: b, Keep: keep})
	return &model{mem: m, budget: b, limit: modelMost}
}

func (m *model) bytes() []byte { return m.mem.Reallocate(uint64(len(m.want))) }

func (m *model) held() int64 {
	n := int64(len(m.want))
	for _, s := range m.taken {
		n += int64(len(s.content))
	}
	return n
}

func (m *model) grow(rt *rapid.T) {
	size := len(m.want) + rapid.IntRange(0, 3).Draw(rt, "pages")*linmem.PageSize
	got := m.mem.Reallocate(uint64(size))
	more := int64(size - len(m.want))
	fits := more == 0 || int64(size) <= min(m.limit, modelMost) && m.held()+more <= m.budget.Most()
	if (got != nil) != fits {
		rt.Fatalf("grow to %d under limit %d: got memory %t, want %t", size, m.limit, got != nil, fits)
	}
	if !fits {
		m.refused = true
		return
	}
	if slices.IndexFunc(got[len(m.want):], func(b byte) bool { return b != 0 }) >= 0 {
		rt.Fatal("what was added isn't zero")
	}
	if len(got) != size || cap(got) != size {
		rt.Fatalf("grow to %d: got len %d, cap %d", size, len(got), cap(got))
	}
	m.want = append(m.want, make([]byte, more)...)
	if more > 0 {
		m.peak = max(m.peak, int64(size))
	}
}

func (m *model) write(rt *rapid.T) {
	if len(m.want) == 0 {
		rt.Skip("empty")
	}
	at := rapid.IntRange(0, len(m.want)-1).Draw(rt, "at")
	b := rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(rt, "bytes")
	copy(m.bytes()[at:], b)
	copy(m.want[at:], b)
}

func (m *model) fill(rt *rapid.T) {
	from := rapid.IntRange(0, len(m.want)).Draw(rt, "from")
	to := rapid.IntRange(from, len(m.want)).Draw(rt, "to")
	with := rapid.Byte().Draw(rt, "byte") % 3
	for _, b := range [][]byte{m.bytes(), m.want} {
		for i := from; i < to; i++ {
			b[i] = with
		}
	}
}

func (m *model) read(rt *rapid.T) {
	from := rapid.IntRange(0, len(m.want)).Draw(rt, "from")
	if got := m.bytes()[from:]; !bytes.Equal(got, m.want[from:]) {
		rt.Fatalf("bytes from %d differ", from)
	}
}

func (m *model) setLimit(rt *rapid.T) {
	m.limit = rapid.Int64Range(0, modelMost).Draw(rt, "limit")
	m.mem.SetLimit(m.limit)
	m.refused, m.peak = false, int64(len(m.want))
}

func (m *model) snapshot(rt *rapid.T) {
	fits := m.held()+int64(len(m.want)) <= m.budget.Most()
	s, err := m.mem.Snapshot()
	if (err == nil) != fits {
		rt.Fatalf("snapshot with %d bytes held: %v", m.held(), err)
	}
	if err == nil {
		m.taken = append(m.taken, saved{s, slices.Clone(m.want)})
	}
}

func (m *model) remap(rt *rapid.T) {
	if len(m.taken) == 0 {
		rt.Skip("no snapshot")
	}
	s := rapid.SampledFrom(m.taken).Draw(rt, "snapshot")
	fits := m.held()+int64(len(s.content)-len(m.want)) <= m.budget.Most()
	if err := m.mem.Map(s.snap); (err == nil) != fits && len(s.content) > len(m.want) {
		rt.Fatalf("map: %v", err)
	} else if err != nil {
		return
	}
	m.current = &s
	m.want = slices.Clone(s.content)
}

func (m *model) reset(rt *rapid.T) {
	if m.current == nil {
		rt.Skip("no snapshot")
	}
	if _, err := m.mem.Reset(); err != nil {
		rt.Fatal(err)
	}
	m.want = slices.Clone(m.current.content)
	if !bytes.Equal(m.bytes(), m.want) {
		rt.Fatal("memory differs from its snapshot after a reset")
	}
}

// compare takes a delta, and sends it to another machine.
func (m *model) compare(rt *rapid.T) {
	if m.current == nil {
		rt.Skip("no snapshot")
	}
	d, err := m.mem.Delta(math.MaxInt64)
	if err != nil {
		rt.Fatal(err)
	}
	if d.Size() != int64(len(m.want)) {
		rt.Fatalf("got a delta of %d bytes, want %d", d.Size(), len(m.want))
	}
	if bytes.Equal(m.want, m.current.content) != (len(d.Patches()) == 0 && d.Size() == m.current.snap.Size()) {
		rt.Fatalf("got %d bytes of patches", len(d.Patches()))
	}
	if d, err = linmem.ParseDelta(d.Size(), slices.Clone(d.Patches())); err != nil {
		rt.Fatal(err)
	}
	m.deltas = append(m.deltas, difference{d, m.current.snap, slices.Clone(m.want)})
}

// apply goes on from a delta of the snapshot that is mapped.
func (m *model) apply(rt *rapid.T) {
	if m.current == nil {
		rt.Skip("no snapshot")
	}
	mine := slices.DeleteFunc(slices.Clone(m.deltas), func(d difference) bool { return d.of != m.current.snap })
	if len(mine) == 0 {
		rt.Skip("no delta")
	}
	m.reset(rt)
	d := rapid.SampledFrom(mine).Draw(rt, "delta")
	more := int64(len(d.content) - len(m.want))
	fits := int64(len(d.content)) <= min(m.limit, modelMost) && m.held()+more <= m.budget.Most()
	err := m.mem.Apply(d.delta)
	switch {
	case (err == nil) != fits:
		rt.Fatalf("apply %d bytes more under limit %d: %v", more, m.limit, err)
	case err != nil && !errors.Is(err, linmem.ErrTooLarge) && !errors.Is(err, linmem.ErrBudget):
		rt.Fatal(err)
	case err == nil:
		m.want = slices.Clone(d.content)
		m.peak = max(m.peak, int64(len(m.want)))
	}
	if !bytes.Equal(m.bytes(), m.want) {
		rt.Fatal("memory differs from what the delta was taken of")
	}
}

// check compares what costs no page faults: reading all would hide pages that
// nobody touched.
func (m *model) check(rt *rapid.T) {
	if got, want := m.mem.Size(), int64(len(m.want)); got != want {
		rt.Fatalf("got %d bytes, want %d", got, want)
	}
	if got, want := m.budget.InUse(), m.held(); got != want {
		rt.Fatalf("got %d bytes in use, want %d", got, want)
	}
	if got := m.mem.Refused(); got != m.refused {
		rt.Fatalf("got refused %t, want %t", got, m.refused)
	}
	if got := m.mem.Peak(); got != m.peak {
		rt.Fatalf("got a peak of %d, want %d", got, m.peak)
	}
}

func (m *model) close() {
	m.mem.Free()
	for _, s := range m.taken {
		s.snap.Close()
	}
}
