//go:build unix

package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwned refuses a directory that another user owns or can write.
func checkOwned(root *os.Root) error {
	st, err := root.Stat(".")
	if err != nil {
		return err
	}
	if err := checkOwner(st); err != nil {
		return err
	}
	if mode := st.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("others can write it (mode %#o); its content is executed, make it 0700", mode)
	}
	return nil
}

// checkSecret refuses a file that another user owns or can read.
func checkSecret(st fs.FileInfo) error {
	if !st.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if mode := st.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("others may read or write it (mode %#o)", mode)
	}
	return checkOwner(st)
}

func checkOwner(st fs.FileInfo) error {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok && int(sys.Uid) != os.Geteuid() {
		return fmt.Errorf("owned by user %d, not by %d", sys.Uid, os.Geteuid())
	}
	return nil
}
