package quarantine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// version is that of the file's form.
const version = 1

// maxFile bounds the file, in bytes; what is kept is far less.
const maxFile = 64 << 20

type document struct {
	Version int     `json:"version"`
	Entries []Entry `json:"entries"`
}

func read(name string) ([]Entry, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s is no account of what killed cells: %w; if you remove it, nothing is quarantined", name, err)
	}
	if doc.Version != version {
		return nil, fmt.Errorf("%s is of version %d, and this program knows %d: use a newer one", name, doc.Version, version)
	}
	return doc.Entries, nil
}

// Waiting for another process that changes the file, which takes a moment.
const (
	lockFor   = 5 * time.Second
	lockAgain = 5 * time.Millisecond
)

var errBusy = errors.New("the file is being changed")

// change replaces the file by what f makes of the entries, which it may modify, under
// a lock that other processes respect.
func (s *Store) change(f func([]Entry) ([]Entry, error)) error {
	dir := filepath.Dir(s.config.File)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	all, err := read(s.config.File)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		all, err = f(slices.Clone(all))
	}
	if err == nil {
		err = replace(s.config.File, document{Version: version, Entries: all})
	}
	return errors.Join(err, unlock())
}

func (s *Store) lock() (unlock func() error, err error) {
	for end := time.Now().Add(lockFor); ; <-time.After(lockAgain) {
		lock, err := dirlock.Take(s.config.File+".lock", errBusy)
		switch {
		case err == nil:
			return lock.Close, nil
		case errors.Is(err, errors.ErrUnsupported):
			return func() error { return nil }, nil
		case !errors.Is(err, errBusy) || time.Now().After(end):
			return nil, err
		}
	}
}

// replace writes the file anew, whole or not at all.
func replace(name string, doc document) error {
	data, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new*")
	if err != nil {
		return err
	}
	_, err = temp.Write(append(data, '\n'))
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
