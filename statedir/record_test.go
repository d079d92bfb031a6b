package statedir

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
)

// journalBytes is a journal file with n events. Record i was written when those
// up to synced(i) were synced.
func journalBytes(n int, synced func(i int) int) (data []byte, ends []int) {
	data = header{kindJournal, 1, "r"}.encode()
	ends = []int{len(data)}
	for i := 1; i <= n; i++ {
		payload := append(appendString([]byte{0}, "chain"), fmt.Sprintf(`{"type":"failed","attempt":%d}`, i)...)
		data = appendRecord(data, record{seq: uint64(i), synced: uint64(synced(i)), payload: payload})
		ends = append(ends, len(data))
	}
	return data, ends
}

func each(i int) int { return i - 1 }

// scanned counts the sound records, and returns where they end.
func scanned(data []byte) (n int, c content, err error) {
	c, err = parseRecords("f", data, kindJournal, "r", func(record) error { n++; return nil })
	return n, c, err
}

func TestScanTorn(t *testing.T) {
	t.Parallel()
	data, ends := journalBytes(5, each)
	whole := 0
	for size := ends[0]; size <= len(data); size++ {
		if size == ends[whole+1] {
			whole++
		}
		for _, rest := range [][]byte{nil, make([]byte, 1), make([]byte, 100), bytes.Repeat(marker, 20)} {
			torn := append(data[:size:size], rest...)
			n, c, err := scanned(torn)
			if n != whole || c.end != ends[whole] || c.next != uint64(whole)+1 || err != nil {
				t.Fatalf("%d bytes and %d others: %d records to %d, %v; want %d to %d", size, len(rest), n, c.end, err, whole, ends[whole])
			}
		}
		if whole == 5 {
			break
		}
	}
}

// TestScanFlipped changes each byte of a journal: what was synced before a later
// record was written is known to be damaged, the last record may be torn.
func TestScanFlipped(t *testing.T) {
	t.Parallel()
	data, ends := journalBytes(4, each)
	for at := range data {
		bad := bytes.Clone(data)
		bad[at] ^= 0x41
		n, c, err := scanned(bad)
		if at >= ends[3] {
			if n != 3 || c.end != ends[3] || err != nil {
				t.Errorf("byte %d of the last record: %d records, %v; want 3, torn", at, n, err)
			}
			continue
		}
		if at >= 8 && at < 10 {
			if !errors.Is(err, ErrVersion) {
				t.Errorf("byte %d of the version: %v, want ErrVersion", at, err)
			}
			continue
		}
		ce, ok := errors.AsType[*CorruptError](err)
		if !ok || ce.File != "f" {
			t.Fatalf("byte %d: %d records, %v; want a CorruptError of f", at, n, err)
		}
		if at >= ends[0] && int(ce.Offset) != ends[n] {
			t.Errorf("byte %d: corrupt at %d after %d records, want %d", at, ce.Offset, n, ends[n])
		}
	}
}

// TestScanUnsynced: of records that were written together and never synced, a
// loss of power may keep the last and lose the first.
func TestScanUnsynced(t *testing.T) {
	t.Parallel()
	data, ends := journalBytes(6, func(i int) int { return min(i-1, 3) })
	for lost := 4; lost <= 6; lost++ {
		bad := bytes.Clone(data)
		clear(bad[ends[lost-1]:ends[lost]])
		n, c, err := scanned(bad)
		if n != lost-1 || c.end != ends[lost-1] || err != nil {
			t.Errorf("record %d lost: %d records to %d, %v; want %d to %d", lost, n, c.end, err, lost-1, ends[lost-1])
		}
	}
	clear(data[ends[2]:ends[3]])
	if _, _, err := scanned(data); err == nil {
		t.Error("a synced record is lost: no error")
	}
}

func TestScanDisplaced(t *testing.T) {
	t.Parallel()
	data, ends := journalBytes(4, each)
	missing := append(bytes.Clone(data[:ends[1]]), data[ends[2]:]...)
	twice := append(bytes.Clone(data[:ends[2]]), data[ends[1]:]...)
	for name, bad := range map[string][]byte{"missing": missing, "twice": twice} {
		if _, _, err := scanned(bad); err == nil {
			t.Errorf("a record is there %s: no error", name)
		}
	}
}

// A value can't end a journal early, or continue it: JSON has no zero byte.
func TestRecordInValue(t *testing.T) {
	t.Parallel()
	inner := appendRecord(nil, record{seq: 2, synced: 1, payload: []byte("x")})
	if !bytes.Contains(inner, []byte{0}) || marker[0] != 0 {
		t.Error("a record has no zero byte")
	}
}

func FuzzOpen(f *testing.F) {
	data, ends := journalBytes(3, each)
	f.Add(data)
	f.Add(data[:ends[2]+7])
	long := bytes.Clone(data)
	binary.LittleEndian.PutUint32(long[ends[1]+4:], 1<<31)
	f.Add(long)
	f.Add(appendRecord(header{kindBase, 4, "r"}.encode(), record{seq: 4, payload: append(appendString(nil, "a"), 3)}))
	f.Add(appendRecord(header{kindChannel, 1, "r"}.encode(), record{seq: 1, payload: change{at: 1}.encode()}))
	f.Add(bytes.Repeat(marker, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = decodeEvent(1, data) // as a payload with the right checksum, which is rarely found
		_, _ = parseChange(data)
		none := newChains()
		_ = parseBase(record{seq: 10, payload: data}, &none)
		payloads := 0
		for _, k := range []kind{kindJournal, kindBase, kindChannel} {
			payloads = 0
			c, err := parseRecords("f", data, k, "r", func(r record) error {
				payloads += len(r.payload)
				switch k {
				case kindJournal:
					_, _ = decodeEvent(r.seq, r.payload)
				case kindBase:
					_ = parseBase(r, &none)
				case kindChannel:
					if ch, err := parseChange(r.payload); err == nil {
						again, err := parseChange(ch.encode())
						if err != nil || again.op.Key != ch.op.Key || !bytes.Equal(again.op.Value, ch.op.Value) {
							t.Errorf("change %+v comes back as %+v, %v", ch, again, err)
						}
					}
				}
				return nil
			})
			if payloads > len(data) {
				t.Errorf("%d bytes of payload from %d", payloads, len(data))
			}
			if err != nil {
				continue
			}
			// What remains after the cut is read as the same.
			again, err := parseRecords("f", data[:c.end], k, "r", func(record) error { return nil })
			if err != nil || again.end != c.end || again.next != c.next {
				t.Errorf("after the cut: %+v, %v; before: %+v", again, err, c)
			}
		}
	})
}
