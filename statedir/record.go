package statedir

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// A record is framed by a header, all little endian:
//
//	marker   4 bytes
//	length   uint32, of the payload
//	sequence uint64, one more than the record's before
//	synced   uint64, the last sequence known to be synced when this was written
//	checksum uint32, CRC-32C of length, sequence, synced and payload
//
// The marker begins with a zero byte, which JSON never contains: no value of a
// task can look like a record.
const recordHeader = 28

var (
	marker     = []byte("\x00rec")
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// record is one entry of a log.
type record struct {
	seq, synced uint64
	payload     []byte
	at          int // offset in its file; set by scan
}

func appendRecord(buf []byte, r record) []byte {
	begin := len(buf)
	buf = append(buf, marker...)
	buf = binary.LittleEndian.AppendUint32(buf, uint32(len(r.payload)))
	buf = binary.LittleEndian.AppendUint64(buf, r.seq)
	buf = binary.LittleEndian.AppendUint64(buf, r.synced)
	sum := crc32.Update(crc32.Checksum(buf[begin+4:], castagnoli), castagnoli, r.payload)
	return append(binary.LittleEndian.AppendUint32(buf, sum), r.payload...)
}

// parseRecord reads the record that data begins with, and its length; 0 if that
// is not whole and sound. The payload is a part of data.
func parseRecord(data []byte) (r record, n int) {
	if len(data) < recordHeader || !bytes.Equal(data[:4], marker) {
		return record{}, 0
	}
	length := uint64(binary.LittleEndian.Uint32(data[4:]))
	if length > uint64(len(data)-recordHeader) {
		return record{}, 0
	}
	n = recordHeader + int(length)
	payload := data[recordHeader:n:n]
	if crc32.Update(crc32.Checksum(data[4:24], castagnoli), castagnoli, payload) != binary.LittleEndian.Uint32(data[24:]) {
		return record{}, 0
	}
	return record{
		seq: binary.LittleEndian.Uint64(data[8:]), synced: binary.LittleEndian.Uint64(data[16:]), payload: payload,
	}, n
}

// scan calls each with the records of a file from an offset on, the first with
// the sequence next, and returns where the last of them ends. That is before the
// end of data when a write was torn. What was synced can't have been torn: when
// a later record tells so, or a sound one is in the wrong place, it is corrupt.
func scan(file string, data []byte, at int, next uint64, each func(record) error) (end int, err error) {
	for at < len(data) {
		r, n := parseRecord(data[at:])
		if n == 0 {
			if later := survivor(data[at+1:], next); later > 0 {
				return at, corrupt(file, at, "no sound record %d, although record %d follows", next, later)
			}
			return at, nil
		}
		if r.seq != next {
			return at, corrupt(file, at, "record %d where %d belongs", r.seq, next)
		}
		r.at = at
		if err := each(r); err != nil {
			return at, unsound(file, at, r.seq, err)
		}
		at += n
		next++
	}
	return at, nil
}

// survivor finds a record in data that was written when the one with the
// sequence lost had been synced, and returns its sequence; 0 is none.
func survivor(data []byte, lost uint64) uint64 {
	most := lost + uint64(len(data)/recordHeader) + 1 // one record is gone, the others take their room
	for {
		i := bytes.Index(data, marker)
		if i < 0 || len(data)-i < recordHeader {
			return 0
		}
		data = data[i:]
		seq, synced := binary.LittleEndian.Uint64(data[8:]), binary.LittleEndian.Uint64(data[16:])
		if seq > lost && seq <= most && synced >= lost && synced < seq {
			if _, n := parseRecord(data); n > 0 {
				return seq
			}
		}
		data = data[1:]
	}
}
