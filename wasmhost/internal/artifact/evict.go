package artifact

import (
	"io/fs"
	"slices"
	"strings"
	"time"
)

const (
	tempPrefix = "new-"
	// staleAfter is when a file that is still being written belongs to nobody.
	staleAfter = time.Hour
)

// evict removes the entries that were not used for longest until the rest fits,
// but never the one named keep.
func (s *store) evict(keep string) error {
	listed, err := fs.ReadDir(s.entries.FS(), ".")
	if err != nil {
		return err
	}
	var total int64
	var entries []fs.FileInfo
	for _, e := range listed {
		st, err := e.Info()
		if err != nil {
			continue // another process evicts, too
		}
		if strings.HasPrefix(st.Name(), tempPrefix) {
			if time.Since(st.ModTime()) > staleAfter {
				_ = s.entries.Remove(st.Name())
			}
			continue
		}
		total += st.Size()
		entries = append(entries, st)
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, st := range entries {
		if total <= s.max {
			break
		}
		if st.Name() == keep {
			continue
		}
		if err := s.entries.Remove(st.Name()); err == nil || missing(err) {
			total -= st.Size()
		}
	}
	return nil
}
