package cell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/graflow/graflow-wasm/internal/dirlock"
)

// scratch is the directory of a cell that has no root of its own, which makes it
// its temporary one. It lies in one of ours, with a lock that is held as long as
// this process lives: package artifact removes what the dead have left.
type scratch struct {
	dir   string // the cell's; "" if there is none
	outer string
	lock  io.Closer
}

// What package artifact looks for.
const (
	scratchPattern = "graflow-wasm-cell-"
	scratchLock    = "lock"
)

func makeScratch() (s scratch, err error) {
	parent := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	if s.outer, err = os.MkdirTemp(parent, scratchPattern); err != nil {
		return s, err
	}
	if err := s.furnish(); err != nil {
		s.remove()
		return scratch{}, fmt.Errorf("furnish %s: %w", s.outer, err)
	}
	return s, nil
}

func (s *scratch) furnish() (err error) {
	if s.lock, err = dirlock.Take(filepath.Join(s.outer, scratchLock), errors.New("it is in use")); err != nil {
		return err
	}
	s.dir = filepath.Join(s.outer, "scratch")
	if err := os.Mkdir(s.dir, 0o700); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	// The cell gives up root, if it can; where it can't, neither can this.
	err = os.Chown(s.dir, nobody, nobody)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return errors.Join(err, os.Chmod(s.outer, 0o711)) // the cell may pass, and no more
}

// remove removes what the cell left there. What is left is small.
func (s *scratch) remove() {
	if s.outer == "" {
		return
	}
	_ = os.RemoveAll(s.outer)
	if s.lock != nil {
		_ = s.lock.Close()
	}
}
