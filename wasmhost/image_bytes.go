package wasmhost

import (
	"bytes"
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
)

// The form of an image: the magic, a version, three digests, three numbers, the
// globals, the patches (see linmem.Delta), and a checksum of all that. Numbers are
// little-endian.
const (
	imageMagic   = "graflow-image"
	imageVersion = 1
	imageHeader  = len(imageMagic) + 1 + 3*sha256.Size + 3*8 // clock, size of the memory, number of globals
	imageSum     = crc32.Size
)

var (
	_ encoding.BinaryMarshaler   = (*Image)(nil)
	_ encoding.BinaryUnmarshaler = (*Image)(nil)

	imageTable = crc32.MakeTable(crc32.Castagnoli)
)

// MarshalBinary returns the image in a form for other processes and machines, with
// whatever the guest held. It is not compressed, encrypted or signed.
func (i *Image) MarshalBinary() ([]byte, error) {
	b := make([]byte, 0, i.Size()+imageSum)
	b = append(append(b, imageMagic...), imageVersion)
	for _, sum := range [][sha256.Size]byte{i.base.module, i.base.shape, i.base.state} {
		b = append(b, sum[:]...)
	}
	b = binary.LittleEndian.AppendUint64(b, i.clock)
	b = binary.LittleEndian.AppendUint64(b, uint64(i.delta.Size()))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(i.globals)))
	for _, g := range i.globals {
		b = binary.LittleEndian.AppendUint64(b, g)
	}
	b = append(b, i.delta.Patches()...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, imageTable)), nil
}

// UnmarshalBinary makes i the image that MarshalBinary made data of. data may be
// anybody's: what is damaged is refused, nothing takes more memory than data has,
// and what passes is a guest's state, held to the limits and grants of the calls
// that begin with it, whoever made it up. i must not be in use.
func (i *Image) UnmarshalBinary(data []byte) error {
	read, err := parseImage(data)
	if err != nil {
		return fmt.Errorf("read image: %w", err)
	}
	*i = read
	return nil
}

func parseImage(data []byte) (Image, error) {
	var i Image
	rest, ours := bytes.CutPrefix(data, []byte(imageMagic))
	switch {
	case !ours:
		return i, errors.New("the bytes are no image")
	case len(rest) > 0 && rest[0] != imageVersion:
		return i, fmt.Errorf("it has version %d, want %d", rest[0], imageVersion)
	case len(data) < imageHeader+imageSum:
		return i, errors.New("it is cut off")
	}
	body, sum := data[:len(data)-imageSum], data[len(data)-imageSum:]
	if crc32.Checksum(body, imageTable) != binary.LittleEndian.Uint32(sum) {
		return i, errors.New("it is damaged: its checksum is wrong")
	}
	rest = body[len(imageMagic)+1:]
	for _, to := range []*[sha256.Size]byte{&i.base.module, &i.base.shape, &i.base.state} {
		rest = rest[copy(to[:], rest):]
	}
	number := func() uint64 {
		n := binary.LittleEndian.Uint64(rest)
		rest = rest[8:]
		return n
	}
	clock, size, globals := number(), number(), number()
	if clock > mostClock || size > linmem.MaxSize || globals > uint64(len(rest)/8) {
		return i, errors.New("it has numbers that no image has")
	}
	i.clock = clock
	for range globals {
		i.globals = append(i.globals, number())
	}
	var err error
	i.delta, err = linmem.ParseDelta(int64(size), bytes.Clone(rest))
	return i, err
}
