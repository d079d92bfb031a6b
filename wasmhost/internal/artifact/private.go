package artifact

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// private is a process's own directory, of mode 0700. It is locked while the process
// lives, so that others know what the dead have left.
type private struct {
	dir  string
	lock io.Closer // nil: this system has no locks
}

const (
	lockName = "lock"
	// A directory has this in its name until it is locked.
	unlockedPattern = privatePattern + "new-"
	// mostSwept bounds what one process removes of others.
	mostSwept = 64
)

var errLocked = errors.New("it is in use")

// makePrivate makes a directory, and removes some that dead processes have left.
func makePrivate() (*private, error) {
	parent := privateParent()
	sweep(parent)
	made, err := os.MkdirTemp(parent, unlockedPattern)
	if err != nil && parent != os.TempDir() {
		parent = os.TempDir()
		made, err = os.MkdirTemp(parent, unlockedPattern)
	}
	if err != nil {
		return nil, err
	}
	p := &private{dir: made}
	if p.lock, err = dirlock.Take(filepath.Join(made, lockName), errLocked); err != nil {
		p.lock = nil
		return p, nil //nolint:nilerr // it serves as it is
	}
	name := filepath.Join(parent, privatePattern+strings.TrimPrefix(filepath.Base(made), unlockedPattern))
	if err := os.Rename(made, name); err != nil {
		return nil, errors.Join(err, p.remove())
	}
	p.dir = name
	return p, nil
}

func (p *private) remove() error {
	err := os.RemoveAll(p.dir)
	if p.lock != nil {
		err = errors.Join(err, p.lock.Close())
	}
	return err
}

// sweep removes directories of dead processes. What can't be removed is somebody
// else's, or goes another time.
func sweep(parent string) {
	all, err := filepath.Glob(filepath.Join(parent, privatePattern+"*"))
	if err != nil {
		return
	}
	for _, dir := range all[:min(len(all), mostSwept)] {
		if isDead(dir) {
			_ = os.RemoveAll(dir)
		}
	}
}

// isDead tells whether nobody holds a directory's lock. One that is being made or
// removed just now has none, and is let be.
func isDead(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || time.Since(info.ModTime()) < time.Minute {
		return false
	}
	held, err := dirlock.Held(filepath.Join(dir, lockName))
	return err == nil && !held
}
