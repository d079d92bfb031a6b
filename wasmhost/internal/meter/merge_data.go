package meter

import (
	"cmp"
	"slices"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// The gaps between segments that are filled with zeros to join them. Zeros
// cost each compiled module their length. A segment costs it more than freeGap,
// and each instance another 24 bytes and a turn of the loop that applies it.
const (
	freeGap = 64
	mostGap = 4 << 10
	// The gaps above freeGap may together take up zeroBudget, or a zeroShare of
	// the data when that is more.
	zeroBudget = 1 << 20
	zeroShare  = 4
)

// mergeData returns few segments that leave memory as the module's own do. Go's
// linker splits data at every run of zeros, into 40 000 segments. It returns
// the segments as they are when joining them could be seen, or gains nothing.
func mergeData(m *wasmbin.Module, uses map[wasmbin.Opcode]bool) []wasmbin.Data {
	if uses[wasmbin.OpMemoryInit] || uses[wasmbin.OpDataDrop] {
		return m.Data // code names segments by their indices
	}
	pieces, ok := placeData(m)
	if !ok {
		return m.Data
	}
	runs := joinPieces(pieces)
	if len(runs) == len(m.Data) {
		return m.Data
	}
	fillRuns(runs, pieces)
	merged := make([]wasmbin.Data, len(runs))
	for i, r := range runs {
		var at buffer
		at.i32Const(int32(uint32(r.start)))
		merged[i] = wasmbin.Data{At: wasmbin.ConstExpr{Op: wasmbin.OpI32Const, Raw: at}, Bytes: r.bytes}
	}
	return merged
}

// piece is bytes at an address.
type piece struct {
	start uint64
	bytes []byte
}

func (p *piece) end() uint64 { return p.start + uint64(len(p.bytes)) }

// placeData returns what the segments write, in their order, the empty ones
// left out. It is not ok when that is not known before instantiation: memory or
// an offset is imported, or a segment does not fit, so that those before it are
// written and those behind it are not.
func placeData(m *wasmbin.Module) (pieces []piece, ok bool) {
	if len(m.Memories) != 1 || m.ImportedMemories > 0 {
		return nil, false
	}
	size := uint64(m.Memories[0].Min) << 16
	pieces = make([]piece, 0, len(m.Data))
	for i := range m.Data {
		d := &m.Data[i]
		if d.Mode != wasmbin.Active || d.Memory != 0 || d.At.Op != wasmbin.OpI32Const {
			return nil, false
		}
		p := piece{start: i32Offset(d.At), bytes: d.Bytes}
		if p.end() > size {
			return nil, false
		}
		if len(p.bytes) > 0 {
			pieces = append(pieces, p)
		}
	}
	return pieces, true
}

// i32Offset is the address that an i32.const gives: its bits, unsigned.
func i32Offset(e wasmbin.ConstExpr) uint64 {
	d := wasmbin.NewDecoder(&wasmbin.Body{Code: e.Raw})
	d.Next()
	return uint64(uint32(d.A))
}

// run is a stretch of memory that one segment fills.
type run struct {
	start, end uint64
	bytes      []byte
}

// joinPieces returns the runs that hold the pieces, by address and still empty.
// They don't overlap, so their order does not matter to an engine.
func joinPieces(pieces []piece) []run {
	sorted := slices.Clone(pieces)
	slices.SortFunc(sorted, func(a, b piece) int { return cmp.Compare(a.start, b.start) })
	zeros := newZeros(pieces)
	var runs []run
	for _, p := range sorted {
		if n := len(runs); n > 0 && zeros.fill(runs[n-1].end, p.start) {
			runs[n-1].end = max(runs[n-1].end, p.end())
		} else {
			runs = append(runs, run{start: p.start, end: p.end()})
		}
	}
	return runs
}

// zeros is how many bytes may still go into gaps above freeGap.
type zeros uint64

func newZeros(pieces []piece) zeros {
	total := 0
	for _, p := range pieces {
		total += len(p.bytes)
	}
	return zeros(max(zeroBudget, total/zeroShare))
}

// fill reports whether the gap between two addresses, if any, is to be filled.
func (z *zeros) fill(from, to uint64) bool {
	switch gap := zeros(to - min(to, from)); {
	case gap <= freeGap:
		return true
	case gap > mostGap || gap > *z:
		return false
	default:
		*z -= gap
		return true
	}
}

// fillRuns applies the pieces in the order of the module, as a later one
// overwrites those before it. What none writes is zero, as memory is at first.
func fillRuns(runs []run, pieces []piece) {
	for i := range runs {
		runs[i].bytes = make([]byte, runs[i].end-runs[i].start)
	}
	for _, p := range pieces {
		i, found := slices.BinarySearchFunc(runs, p.start, func(r run, start uint64) int { return cmp.Compare(r.start, start) })
		if !found {
			i--
		}
		copy(runs[i].bytes[p.start-runs[i].start:], p.bytes)
	}
}
