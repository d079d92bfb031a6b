package wasmhost

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// narrowMounts checks each mount, and sets its directory to what was compared.
func narrowMounts(asked, most []Mount) []error {
	var errs []error
	for i := range asked {
		if err := narrowMount(&asked[i], most); err != nil {
			errs = append(errs, fmt.Errorf("grants.mounts[%d]: %w", i, err))
		}
	}
	return errs
}

// narrowMount resolves links first, so that no link leads out of what is
// allowed, and mounts what it has compared.
func narrowMount(m *Mount, most []Mount) error {
	if m.Memory {
		m.Host = "" // whatever it says, no directory of the machine was allowed
		return nil
	}
	resolved, err := resolveDir(m.Host)
	if err != nil {
		return err
	}
	allowed := slices.ContainsFunc(most, func(o Mount) bool {
		if o.Memory || m.Writable && !o.Writable {
			return false
		}
		root, err := resolveDir(o.Host)
		return err == nil && isBelow(root, resolved)
	})
	if !allowed {
		what := "reading"
		if m.Writable {
			what = "writing"
		}
		return fmt.Errorf("the operator does not allow %s %s", what, m.Host)
	}
	m.Host = resolved
	return nil
}

// resolveDir is a path without links, absolute. An empty one is none: it would be
// the working directory.
func resolveDir(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("the host directory is missing")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(dir)
}

// isBelow tells whether file is dir or below it. Both are absolute and clean.
func isBelow(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(os.PathSeparator))
}
