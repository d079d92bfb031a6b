package linmem_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// TestDelta looks at what a delta has: the bytes that differ, and nothing of pages that were only read, written with what they held, or restored.
func TestDelta(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			m, _ := mapped(t, variant, linmem.Config{})
			b := m.Reallocate(3 * page)
			for i := range b {
				b[i] ^= 255
			}
			if _, err := m.Reset(); err != nil {
				t.Fatal(err)
			}
			b[page+5] = 2 // as it was
			b[70], b[75], b[84] = 1, 2, 3
			b[2*page-1], b[2*page] = 4, 5
			high := m.Reallocate(40 * page)
			high[30*page+3] = 6
			_ = high[20*page]
			d, err := m.Delta(math.MaxInt64)
			if err != nil {
				t.Fatal(err)
			}
			want := slices.Concat(
				[]byte{70, 6, 1, 0, 0, 0, 0, 2}, // one run, as few bytes are equal between
				[]byte{8, 1, 3},
				binary.AppendUvarint(nil, 2*page-1-85), []byte{2, 4, 5},
				binary.AppendUvarint(nil, 28*page+2), []byte{1, 6},
			)
			if got := d.Patches(); !bytes.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if _, err := m.Delta(int64(len(want))); err != nil {
				t.Errorf("as many as there are: %v", err)
			}
			if _, err := m.Delta(int64(len(want) - 1)); !errors.Is(err, linmem.ErrTooLarge) {
				t.Errorf("one less: got %v, want ErrTooLarge", err)
			}
			if got := d.Pages(); got != 4 {
				t.Errorf("got %d pages, want 4", got)
			}
		})
	}
}

// TestSnapshotDigest compares digests over ways and contents.
func TestSnapshotDigest(t *testing.T) {
	t.Parallel()
	digests := map[[32]byte]string{}
	for _, c := range []struct {
		name  string
		write func(b []byte)
	}{
		{"as it is", func([]byte) {}},
		{"a byte", func(b []byte) { b[2*page+8]++ }},
		{"the byte elsewhere", func(b []byte) { b[page+8]++ }},
	} {
		var first [32]byte
		for i, variant := range variants(t) {
			m, _ := mapped(t, variant, linmem.Config{})
			c.write(m.Reallocate(3 * page))
			s, err := m.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if err := m.Map(s); err != nil {
				t.Fatal(err)
			}
			m.Reallocate(4 * page)[0]++ // not of the snapshot
			if got := m.SnapshotDigest(); i == 0 {
				first = got
			} else if got != first {
				t.Errorf("%s: %s has another digest", c.name, variant)
			}
		}
		if other, ok := digests[first]; ok {
			t.Errorf("%s has the digest of %s", c.name, other)
		}
		digests[first] = c.name
	}
}

func TestParseDeltaRefuses(t *testing.T) {
	t.Parallel()
	huge := binary.AppendUvarint(nil, 1<<63)
	for name, c := range map[string]struct {
		size    int64
		patches []byte
	}{
		"a negative size":     {-page, nil},
		"half a page":         {page / 2, nil},
		"more than there is":  {linmem.MaxSize + page, nil},
		"an empty run":        {page, []byte{1, 0}},
		"a number cut off":    {page, []byte{0x80}},
		"no length":           {page, []byte{1}},
		"bytes cut off":       {page, []byte{1, 2, 3}},
		"past the end":        {page, append(binary.AppendUvarint(nil, page-1), 2, 3, 4)},
		"behind the end":      {page, append(binary.AppendUvarint(nil, page), 1, 3)},
		"a huge gap":          {page, append(slices.Clone(huge), 1, 3)},
		"a huge run":          {page, append([]byte{1}, huge...)},
		"an overlong number":  {page, bytes.Repeat([]byte{0xff}, 20)},
		"of an empty memory":  {0, []byte{0, 1, 1}},
		"a sum that overruns": {page, slices.Concat([]byte{0, 1, 1}, binary.AppendUvarint(nil, page-1), []byte{1, 1})},
	} {
		if _, err := linmem.ParseDelta(c.size, c.patches); !errors.Is(err, linmem.ErrDelta) {
			t.Errorf("%s: got %v, want ErrDelta", name, err)
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for _, variant := range variants(t) {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			m, _ := mapped(t, variant, linmem.Config{Most: 5 * page})
			parse := func(size int64) linmem.Delta {
				d, err := linmem.ParseDelta(size, []byte{0, 1, 9})
				if err != nil {
					t.Fatal(err)
				}
				return d
			}
			if err := m.Apply(parse(2 * page)); !errors.Is(err, linmem.ErrDelta) {
				t.Errorf("a smaller memory: got %v", err)
			}
			if err := m.Apply(parse(6 * page)); !errors.Is(err, linmem.ErrTooLarge) {
				t.Errorf("more than Most: got %v", err)
			}
			m.SetLimit(4 * page)
			if err := m.Apply(parse(5 * page)); !errors.Is(err, linmem.ErrTooLarge) {
				t.Errorf("more than the limit: got %v", err)
			}
			if b := m.Reallocate(3 * page); b[0] != 1 {
				t.Error("what was refused was written")
			}
			if err := m.Apply(parse(4 * page)); err != nil || m.Reallocate(4 * page)[0] != 9 || m.Peak() != 4*page {
				t.Errorf("got %v", err)
			}
			bare := linmem.NewVariant(variant, linmem.Config{})
			if err := bare.Apply(parse(page)); !errors.Is(err, linmem.ErrNoSnapshot) {
				t.Errorf("without a snapshot: got %v", err)
			}
			if _, err := bare.Delta(math.MaxInt64); !errors.Is(err, linmem.ErrNoSnapshot) {
				t.Errorf("without a snapshot: got %v", err)
			}
			bare.Free()
			if err := bare.Apply(parse(page)); !errors.Is(err, linmem.ErrFreed) {
				t.Errorf("freed: got %v", err)
			}
		})
	}
}

// FuzzParseDelta applies whatever is taken for a delta: what it wrote must be the
// delta again, and all that it wrote.
func FuzzParseDelta(f *testing.F) {
	f.Add(uint8(3), []byte{})
	f.Add(uint8(4), []byte{70, 6, 1, 0, 0, 0, 0, 2, 0x80, 0x80, 0x0c, 3, 9, 9, 9})
	f.Add(uint8(5), []byte{0, 1, 1, 0, 1, 2, 5, 2, 0, 0})
	f.Add(uint8(1), []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1})
	f.Fuzz(func(t *testing.T, pages uint8, patches []byte) {
		d, err := linmem.ParseDelta(int64(pages)*page, patches)
		if err != nil {
			return
		}
		m, _ := mapped(t, "heap", linmem.Config{Most: 64 * page})
		err = m.Apply(d)
		if fits := pages >= 3 && pages <= 64; (err == nil) != fits {
			t.Fatalf("%d pages: %v", pages, err)
		}
		if err != nil {
			return
		}
		want := bytes.Clone(m.Reallocate(uint64(pages) * page))
		again, err := m.Delta(math.MaxInt64)
		if err != nil || len(again.Patches()) > len(patches)*6 {
			t.Fatalf("%d bytes of patches became %d, %v", len(patches), len(again.Patches()), err)
		}
		if _, err := m.Reset(); err != nil {
			t.Fatal(err)
		}
		if err := m.Apply(again); err != nil || !bytes.Equal(m.Reallocate(uint64(pages)*page), want) {
			t.Fatalf("its delta makes another memory: %v", err)
		}
	})
}
