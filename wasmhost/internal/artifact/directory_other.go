//go:build !unix

package artifact

import (
	"errors"
	"io/fs"
	"os"
)

// checkOwned trusts the access list that the directory inherits: a mode says
// nothing of it here.
func checkOwned(*os.Root) error { return nil }

func checkSecret(st fs.FileInfo) error {
	if !st.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	return nil
}
