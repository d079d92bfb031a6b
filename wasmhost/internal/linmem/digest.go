package linmem

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
)

// digestPage is the unit of digests, in bytes. It divides the system's pages,
// and is the same where those are larger.
const digestPage = 4 << 10

// SnapshotDigest identifies the content and size of the snapshot that the memory
// maps: those of equal snapshots are equal on all machines. It reads all pages
// that aren't zero. Without a snapshot it is the digest of an empty one.
func (m *Memory) SnapshotDigest() [sha256.Size]byte {
	if m.snap == nil {
		return (&Snapshot{}).digest()
	}
	return m.snap.digest()
}

func (s *Snapshot) digest() (sum [sha256.Size]byte) {
	hash := sha256.New()
	var number [8]byte
	write := func(n int, content []byte) {
		binary.LittleEndian.PutUint64(number[:], uint64(n))
		_, _ = hash.Write(number[:]) // a hash takes all
		_, _ = hash.Write(content)
	}
	write(len(s.data), nil)
	for i := range len(s.data) / systemPage {
		if !s.isFilled(i) {
			continue
		}
		for at := i * systemPage; at < (i+1)*systemPage; at += digestPage {
			if content := s.data[at : at+digestPage]; !bytes.Equal(content, zeroPage[:digestPage]) {
				write(at, content)
			}
		}
	}
	hash.Sum(sum[:0])
	return sum
}
