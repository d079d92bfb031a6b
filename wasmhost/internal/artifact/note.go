package artifact

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Keep keeps data in the cache for whoever asks for the same parts: what was found out
// about a module, and would take time to find out again. It is authenticated as code is.
// Without a cache, or with one that is only read, it does nothing.
func (c *Compiler) Keep(data []byte, parts ...string) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.active.Done()
	if c.store == nil || c.store.readOnly {
		return nil
	}
	return c.store.keep(noteIdentity(parts), data)
}

// Recall is what Keep was given for these parts; nil if there is nothing. An error means
// that there was something else than was kept: a disk, or somebody, changed it.
func (c *Compiler) Recall(parts ...string) ([]byte, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.active.Done()
	if c.store == nil {
		return nil, nil
	}
	id := noteIdentity(parts)
	data, err := c.store.recall(id)
	switch {
	case err == nil:
		return data, nil
	case missing(err):
		return nil, nil
	}
	return nil, fmt.Errorf("cached note %s: %w", id, err)
}

// noteIdentity names a note. No code has the same identity: its digest begins otherwise.
func noteIdentity(parts []string) identity {
	h := sha256.New()
	for _, part := range append([]string{"graflow note 1"}, parts...) {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write([]byte(part))
	}
	return identity(h.Sum(nil))
}

// noteName stands in a note's trailer where wazero's name of the code is in others.
var noteName = hex.EncodeToString(make([]byte, nameLength/2))

func (s *store) keep(id identity, data []byte) (err error) {
	if int64(len(data)+trailerSize) > s.max {
		return fmt.Errorf("%d bytes, more than the whole cache may have", len(data))
	}
	t := trailer{name: noteName, size: int64(len(data))}
	mac := s.begin(id, t)
	mac.Write(data)
	t.mac = [sha256.Size]byte(mac.Sum(nil))
	temp := tempPrefix + rand.Text()
	f, err := s.entries.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.MultiReader(bytes.NewReader(data), bytes.NewReader(t.bytes())))
	if err = errors.Join(err, f.Close()); err == nil {
		err = s.entries.Rename(temp, id.String())
	}
	if err != nil {
		return errors.Join(err, s.entries.Remove(temp))
	}
	return s.evict(id.String())
}

// recall reads a note and verifies what it has read.
func (s *store) recall(id identity) ([]byte, error) {
	f, err := s.entries.Open(id.String())
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > s.max {
		return nil, errors.New("not a file of usable size")
	}
	t, err := readTrailer(f, st.Size())
	if err != nil {
		return nil, err
	}
	data := make([]byte, t.size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	mac := s.begin(id, t)
	mac.Write(data)
	if !hmac.Equal(mac.Sum(nil), t.mac[:]) {
		return nil, errors.New("its authentication code is wrong")
	}
	if !s.readOnly {
		now := time.Now()
		_ = s.entries.Chtimes(id.String(), now, now) // it was used: the order of eviction
	}
	return data, nil
}
