package statedir

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/graflow/graflow-wasm/engine"
)

// version is that of all files. A program reads only its own.
const version = 1

// kind is what a file's records are.
type kind byte

const (
	kindJournal kind = 'j'
	kindBase    kind = 'b'
	kindChannel kind = 'c'
)

// A file begins with a header, all little endian:
//
//	magic    8 bytes
//	version  uint16
//	kind     byte
//	0        byte
//	first    uint64, the sequence of its first record
//	length   uint16, of the run's id
//	run      the id
//	checksum uint32, CRC-32C of all that
//
// Files come into being with their header, by a rename: no crash tears it.
type header struct {
	kind  kind
	first uint64
	run   string
}

const (
	magic       = "graflow\x00"
	headerFixed = 22
)

// headerSize is the length of the header of a run's files.
func headerSize(run string) int { return headerFixed + len(run) + 4 }

func (h header) encode() []byte {
	buf := []byte(magic)
	buf = binary.LittleEndian.AppendUint16(buf, version)
	buf = append(buf, byte(h.kind), 0)
	buf = binary.LittleEndian.AppendUint64(buf, h.first)
	buf = binary.LittleEndian.AppendUint16(buf, uint16(len(h.run)))
	buf = append(buf, h.run...)
	return binary.LittleEndian.AppendUint32(buf, crc32.Checksum(buf, castagnoli))
}

// parseHeader reads the header of a file of a run, and its length.
func parseHeader(file string, data []byte, k kind, run string) (h header, n int, err error) {
	if len(data) < headerFixed+4 {
		return header{}, 0, corrupt(file, 0, "%d bytes are too short for a header", len(data))
	}
	if !bytes.HasPrefix(data, []byte(magic)) {
		return header{}, 0, corrupt(file, 0, "it does not begin as files of graflow-wasm do")
	}
	switch v := binary.LittleEndian.Uint16(data[8:]); {
	case v > version:
		return header{}, 0, fmt.Errorf("%s has format %d, this program reads %d: %w: %w", file, v, version, ErrVersion, engine.ErrNewer)
	case v != version:
		return header{}, 0, fmt.Errorf("%s has format %d, this program reads %d: %w", file, v, version, ErrVersion)
	}
	n = headerFixed + int(binary.LittleEndian.Uint16(data[20:]))
	if n+4 > len(data) || crc32.Checksum(data[:n], castagnoli) != binary.LittleEndian.Uint32(data[n:]) {
		return header{}, 0, corrupt(file, 0, "its header has another checksum")
	}
	h = header{kind: kind(data[10]), first: binary.LittleEndian.Uint64(data[12:]), run: string(data[headerFixed:n])}
	if h.kind != k || h.run != run {
		return header{}, 0, corrupt(file, 10, "it is file %q of run %q, want %q of %q", h.kind, h.run, k, run)
	}
	return h, n + 4, nil
}
