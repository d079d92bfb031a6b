//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package secrets

import (
	"errors"
	"os"
)

func tryLock(*os.File) (bool, error) {
	return false, errors.New("this platform has no file locks")
}
