package artifact

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"time"
)

// store keeps native code on disk. It is safe for concurrent use, also by
// processes: an entry appears whole, by a rename.
//
// An entry is the code, then a trailer: the name that wazero gives the code, the
// code's size, the HMAC, and a magic number. Its file is named by its identity.
type store struct {
	root, entries *os.Root
	key           []byte
	max           int64 // bytes of all entries
	readOnly      bool
}

const (
	nameLength   = 2 * sha256.Size // of wazero's names, in hex
	trailerMagic = "GFCODE1\n"
	trailerSize  = nameLength + 8 + sha256.Size + len(trailerMagic)
)

// trailer as it is on disk.
type trailer struct {
	name string
	size int64
	mac  [sha256.Size]byte
}

func openStore(dir string, most int64, readOnly bool) (*store, error) {
	directory, key, entries := openDirectory, openKey, openEntries
	if readOnly {
		directory, key, entries = openGivenDirectory, openGivenKey, openGivenEntries
	}
	root, err := directory(dir)
	if err != nil {
		return nil, err
	}
	s := &store{root: root, max: most, readOnly: readOnly}
	if s.key, err = key(root); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.entries, err = entries(root); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close closes the directories.
func (s *store) Close() error {
	err := s.root.Close()
	if s.entries != nil {
		err = errors.Join(err, s.entries.Close())
	}
	return err
}

// load copies the entry's code into b and seals it, and verifies what it copied;
// the file may change meanwhile. It returns the name that wazero gives the code.
// Without an entry the error is fs.ErrNotExist; any other means that b must not
// be run.
func (s *store) load(id identity, b *blob) (string, error) {
	f, err := s.entries.Open(id.String())
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() || st.Size() > s.max {
		return "", errors.New("not a file of usable size")
	}
	t, err := readTrailer(f, st.Size())
	if err != nil {
		return "", err
	}
	mac := s.begin(id, t)
	if err := copyTo(b, mac, io.NewSectionReader(f, 0, t.size)); err != nil {
		return "", err
	}
	if !hmac.Equal(mac.Sum(nil), t.mac[:]) {
		return "", errors.New("its authentication code is wrong")
	}
	if err := b.seal(); err != nil {
		return "", err
	}
	if s.readOnly {
		return t.name, nil
	}
	now := time.Now()
	_ = s.entries.Chtimes(id.String(), now, now) // it was used: the order of eviction
	return t.name, nil
}

// copyTo gives the same bytes to w and to mac: r is read once.
func copyTo(w io.Writer, mac hash.Hash, r io.Reader) error {
	_, err := io.CopyBuffer(io.MultiWriter(w, mac), r, make([]byte, 256<<10))
	return err
}

// begin returns the HMAC of an entry, up to its code.
func (s *store) begin(id identity, t trailer) hash.Hash {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(trailerMagic))
	mac.Write(id[:])
	mac.Write([]byte(t.name)) // always nameLength
	_ = binary.Write(mac, binary.BigEndian, t.size)
	return mac
}

// save writes the code in b as the entry of id, in place of one that is there,
// and evicts what is too much.
func (s *store) save(id identity, name string, b *blob) (err error) {
	if s.readOnly {
		return nil
	}
	size, err := b.size()
	if err != nil {
		return err
	}
	if size+int64(trailerSize) > s.max {
		return fmt.Errorf("%d bytes of code, more than the whole cache may have", size)
	}
	temp := tempPrefix + rand.Text()
	f, err := s.entries.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = s.entries.Remove(temp)
		}
	}()
	t := trailer{name: name, size: size}
	mac := s.begin(id, t)
	err = copyTo(f, mac, io.NewSectionReader(b, 0, size))
	t.mac = [sha256.Size]byte(mac.Sum(nil))
	if err == nil {
		_, err = f.Write(t.bytes())
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := s.entries.Rename(temp, id.String()); err != nil {
		return err
	}
	return s.evict(id.String())
}

func (t trailer) bytes() []byte {
	b := append([]byte(nil), t.name...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.size))
	b = append(b, t.mac[:]...)
	return append(b, trailerMagic...)
}

// readTrailer reads the trailer at the end of size bytes.
func readTrailer(r io.ReaderAt, size int64) (trailer, error) {
	var b [trailerSize]byte
	if size < int64(len(b)) {
		return trailer{}, errors.New("it is truncated")
	}
	if _, err := r.ReadAt(b[:], size-int64(len(b))); err != nil {
		return trailer{}, err
	}
	t := trailer{
		name: string(b[:nameLength]),
		size: int64(binary.BigEndian.Uint64(b[nameLength:])),
		mac:  [sha256.Size]byte(b[nameLength+8:]),
	}
	if string(b[trailerSize-len(trailerMagic):]) != trailerMagic || t.size != size-int64(len(b)) || !isName(t.name) {
		return trailer{}, errors.New("it is truncated or of another format")
	}
	return t, nil
}

// missing says that there is no entry, as opposed to one that can't be used.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
