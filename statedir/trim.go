package statedir

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A trimmed journal has a file base: a record with the sequence of the first
// event that is left, whose payload is, for each chain that was open then, its
// name and its last sequence.
const baseFile = "base"

// trim drops the segments whose events are all at most through, and the chains
// that ended in them.
func (l *runLog) trim(through uint64) (gone bool, err error) {
	if l.keepsAll(through) { // the usual case
		return false, nil
	}
	l.reading.Lock()
	defer l.reading.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return true, nil
	}
	if err := l.enter(); err != nil {
		return false, err
	}
	l.settle() // else base would lack the chains whose next event is not stored yet
	n := l.droppable(through)
	if n == 0 || l.err != nil {
		return false, l.err
	}
	first := l.segments[n].first
	if err := l.writeBase(first); err != nil {
		return false, err
	}
	dropped := l.segments[:n]
	l.segments, l.trimmed = append([]segment(nil), l.segments[n:]...), first-1
	l.chains.drop(first)
	l.marks.drop(first)
	for _, s := range dropped {
		if err := os.Remove(s.name); err != nil { // the next open does it
			return false, fmt.Errorf("trim: %w", err)
		}
	}
	return false, nil
}

func (l *runLog) keepsAll(through uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.opened && !l.gone && l.droppable(through) == 0
}

// droppable counts the segments that end before through. The caller holds mu.
func (l *runLog) droppable(through uint64) int {
	n := 0
	for n+1 < len(l.segments) && l.segments[n+1].first <= through+1 {
		n++
	}
	return n
}

func (l *runLog) writeBase(first uint64) error {
	var payload []byte
	for chain, seq := range l.chains.open {
		if seq < first {
			payload = binary.AppendUvarint(appendString(payload, chain), seq)
		}
	}
	data := header{kindBase, first, l.run}.encode()
	data = appendRecord(data, record{seq: first, payload: payload})
	return l.dir.writeFile(filepath.Join(l.path, baseFile), data, SyncAlways) // files go because it is there
}

// readBase adds the chains of a trimmed journal's base to all, and returns the
// sequence of the last event that is gone; 0 is none.
func readBase(dir, run string, all *chains) (through uint64, err error) {
	name := filepath.Join(dir, baseFile)
	c, err := readRecords(name, kindBase, run, func(r record) error { return parseBase(r, all) })
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err == nil && (c.next != c.first+1 || c.end != c.size || c.first == 0) {
		err = corrupt(name, c.end, "want one record and nothing else")
	}
	if err != nil {
		return 0, err
	}
	return c.first - 1, nil
}

func parseBase(r record, all *chains) error {
	for rest := r.payload; len(rest) > 0; {
		chain, after, ok := cutString(rest)
		if !ok {
			return errors.New("a chain's name is cut short")
		}
		seq, width := binary.Uvarint(after)
		if width <= 0 || seq >= r.seq {
			return fmt.Errorf("chain %q has no sequence below %d", chain, r.seq)
		}
		all.set(string(chain), seq, false)
		rest = after[width:]
	}
	return nil
}
