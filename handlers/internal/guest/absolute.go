package guest

import "path/filepath"

// Absolute is a path that is relative to dir, as an absolute one. Its separators
// may be slashes.
func Absolute(dir, file string) (string, error) {
	file = filepath.FromSlash(file)
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	return filepath.Abs(file)
}
