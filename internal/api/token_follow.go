package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/graflow/graflow-wasm/internal/ops"
)

// Follow has t accept what the files of a directory say, as [OpenTokens] reads them,
// whenever they have changed: it looks every so often, until ctx is done. A token that
// was taken out is refused from then on; one whose file was removed is drawn anew. told
// is told of each change, and of what keeps one from being read: then t accepts those
// that it had. Files that can't be read are told of once, until they change again.
func (t *Tokens) Follow(ctx context.Context, dir string, every time.Duration, told func(error)) {
	look := time.NewTicker(every)
	defer look.Stop()
	for had := state(dir); ; {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if has := state(dir); has == had {
			continue
		}
		now, err := OpenTokens(dir)
		if err == nil {
			t.Replace(now)
		}
		told(err)
		had = state(dir) // with what was drawn
	}
}

// state is a digest of all that [OpenTokens] reads of a directory.
func state(dir string) [sha256.Size]byte {
	all := sha256.New()
	files := []string{tokenList}
	for _, role := range ops.Roles() {
		files = append(files, string(role)+".token")
	}
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file)) //nolint:gosec // the directory is the operator's
		part := sha256.Sum256(raw)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			part[0] ^= 1
		case err != nil:
			part[0] ^= 2
		}
		all.Write(part[:])
	}
	return [sha256.Size]byte(all.Sum(nil))
}
