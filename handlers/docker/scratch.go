package docker

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// scratch is the directory of one handler, in the one that all of a user share:
//
//	SHARED/INSTANCE/lock      held while the process lives
//	SHARED/INSTANCE/ATTEMPT/  what one container is given
//
// Only its user may look into SHARED. Paths in it are short, since that of a socket
// must be.
type scratch struct {
	asked string // Config.Scratch

	instance string // "": not made yet
	dir      string
	lock     io.Closer
}

// errLocked is that a directory's process lives.
var errLocked = errors.New("it is in use")

const lockName = "lock"

// unlocked is before the name of a directory that is just being made.
const unlocked = ".new-"

// shared is where the handlers of a user have their directories. That is in memory
// if it can be: inputs and secrets then touch no disk.
func (s *scratch) shared() string {
	if s.asked != "" {
		return s.asked
	}
	name := "graflow-" + strconv.Itoa(os.Getuid())
	for _, memory := range []string{"/dev/shm", os.Getenv("XDG_RUNTIME_DIR")} {
		if info, err := os.Stat(memory); memory != "" && err == nil && info.IsDir() {
			return filepath.Join(memory, name)
		}
	}
	return filepath.Join(os.TempDir(), name)
}

// make makes the directory, once.
func (s *scratch) make() error {
	if s.instance != "" {
		return nil
	}
	shared, err := filepath.Abs(s.shared())
	if err == nil {
		err = own(shared)
	}
	if err != nil {
		return fmt.Errorf("make a directory for containers: %w; name another one", err)
	}
	id := make([]byte, 6)
	_, _ = rand.Read(id) // which never fails
	instance := hex.EncodeToString(id)
	// Who reaps takes one without a lock for a dead process's: it has its lock
	// before its name.
	dir, made := filepath.Join(shared, instance), filepath.Join(shared, unlocked+instance)
	if err := os.Mkdir(made, 0o700); err != nil {
		return fmt.Errorf("make a directory for containers: %w", err)
	}
	lock, err := dirlock.Take(filepath.Join(made, lockName), errLocked)
	if err == nil {
		err = os.Rename(made, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make a directory for containers: %w", err), os.RemoveAll(made))
	}
	s.instance, s.dir, s.lock = instance, dir, lock
	return nil
}

// own makes a directory that nobody else may look into. One that others can write
// to, or own, is refused: they would read secrets, and swap what is mounted.
func own(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ownedByUs(info) {
		return fmt.Errorf("%s is another user's, or open to others (%s): want a directory of this user alone, of mode 0700", dir, info.Mode())
	}
	return nil
}

// attempt makes the directory of a container, which those in it may look into.
func (s *scratch) attempt() (string, error) {
	dir, err := os.MkdirTemp(s.dir, "")
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // for whoever the container runs as; others don't get this far
	}
	if err != nil {
		return "", fmt.Errorf("make a directory for a container: %w", err)
	}
	return dir, nil
}

// remove removes all of it.
func (s *scratch) remove() error {
	if s.instance == "" {
		return nil
	}
	err := os.RemoveAll(s.dir)
	s.instance = ""
	return errors.Join(err, s.lock.Close())
}
