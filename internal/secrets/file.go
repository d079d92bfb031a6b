package secrets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// FileConfig configures a File. Path is required, and one of Identity and
// Passphrase.
type FileConfig struct {
	// Path is the sealed file. The first Set creates it, with its directory.
	Path string
	// Identity is a file with the X25519 identity that Path is sealed to, as
	// age-keygen writes it. The first Set creates it, with mode 0600.
	Identity string
	// Passphrase seals Path instead of the identity. "": the identity does.
	Passphrase string
	// WorkFactor is the base-2 logarithm of the work of scrypt for new files
	// with a passphrase. 0: that of age, which takes about a second.
	WorkFactor int
}

// File keeps secrets in a file sealed with age. It is safe for concurrent use, by
// several processes too; on a platform without file locks it refuses to write.
type File struct {
	config  FileConfig
	created atomic.Bool // the identity, by this File

	mu     sync.Mutex // guards what follows
	digest [sha256.Size]byte
	opened map[string]entry // what the file of that digest holds; never changed
}

var _ Store = (*File)(nil)

// NewFile is a store in a file, which need not exist. It does not touch it.
func NewFile(config FileConfig) (*File, error) {
	switch {
	case config.Path == "":
		return nil, errors.New("new file of secrets: FileConfig.Path is empty")
	case config.Identity == "" && config.Passphrase == "":
		return nil, errors.New("new file of secrets: want FileConfig.Identity or Passphrase")
	}
	return &File{config: config}, nil
}

// Secret implements Store. It fails also with ErrIdentity, ErrCorrupt and
// ErrPermissions. A file that does not exist has no secrets.
func (f *File) Secret(_ context.Context, name string) ([]byte, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	all, err := f.load()
	if err != nil {
		return nil, err
	}
	e, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("secret %q: %w in %s", name, ErrNotFound, f.config.Path)
	}
	return slices.Clone(e.Value), nil
}

// Info describes a secret without its value.
type Info struct {
	Name    string
	Updated time.Time // when it was set, in UTC
}

// List describes all secrets, sorted by name. It fails as Secret does.
func (f *File) List() ([]Info, error) {
	all, err := f.load()
	if err != nil {
		return nil, err
	}
	var list []Info
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, Info{Name: name, Updated: all[name].Updated})
	}
	return list, nil
}

// Set stores a value, in place of the one before, and tells whether there was
// one. It waits for other writers until ctx ends. It fails also with ErrTooLarge,
// and as Secret does; the file is then as it was.
func (f *File) Set(ctx context.Context, name string, value []byte) (replaced bool, err error) {
	if err := errors.Join(CheckName(name), checkValue(name, value)); err != nil {
		return false, err
	}
	err = f.change(ctx, func(all map[string]entry) error {
		_, replaced = all[name]
		all[name] = entry{Value: slices.Clone(value), Updated: time.Now().UTC().Truncate(time.Second)}
		return nil
	})
	return replaced && err == nil, err
}

// Remove removes secrets: all of them, or none and an error. It waits and fails
// as Set does, and with a *Missing for names that are not there.
func (f *File) Remove(ctx context.Context, names ...string) error {
	return f.change(ctx, func(all map[string]entry) error {
		var missing []string
		for _, name := range names {
			if _, ok := all[name]; !ok && !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return &Missing{Names: missing}
		}
		for _, name := range names {
			delete(all, name)
		}
		return nil
	})
}

// CreatedIdentity tells whether this File has created its identity, of which its
// owner should have a copy.
func (f *File) CreatedIdentity() bool { return f.created.Load() }

// Path is where the file is.
func (f *File) Path() string { return f.config.Path }

// Identity is the file of the identity, "" if a passphrase seals.
func (f *File) Identity() string {
	if f.config.Passphrase != "" {
		return ""
	}
	return f.config.Identity
}

// change rewrites the file, alone.
func (f *File) change(ctx context.Context, edit func(map[string]entry) error) error {
	unlock, err := lock(ctx, f.config.Path)
	if err != nil {
		return err
	}
	defer unlock()
	all, err := f.load()
	if err != nil {
		return err
	}
	all = maps.Clone(all)
	if err := edit(all); err != nil {
		return err
	}
	k, err := f.keyFor(ctx)
	if err != nil {
		return err
	}
	return f.store(k, all)
}

// keyFor is what seals the next file: as the one that is there.
func (f *File) keyFor(ctx context.Context) (key, error) {
	if _, err := os.Stat(f.config.Path); errors.Is(err, fs.ErrNotExist) {
		return f.newKey(ctx)
	}
	return f.key()
}
