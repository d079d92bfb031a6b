package parts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// CheckLocks looks at what npm and cargo are asked for below a checkout: each package
// has a digest, and a license that is allowed if it may become part of something. What
// is only for development needs the digest alone.
func CheckLocks(checkout string) error {
	var all []error
	err := filepath.WalkDir(checkout, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && slices.Contains([]string{".git", "build", "node_modules", "target"}, e.Name()) {
			return fs.SkipDir
		}
		switch e.Name() {
		case "package-lock.json":
			all = append(all, checkNPM(path))
		case "Cargo.lock":
			all = append(all, checkCargo(path))
		}
		return nil
	})
	return errors.Join(append(all, err)...)
}

func checkNPM(file string) error {
	locked, err := readLock(file)
	if err != nil {
		return err
	}
	var all []error
	for name, p := range locked {
		if name == "" {
			continue
		}
		if !strings.HasPrefix(p.Integrity, "sha512-") {
			all = append(all, fmt.Errorf("%s: %s has no sha512 digest", file, name))
		}
		if !p.Dev && !slices.Contains(allowed, p.License) {
			all = append(all, fmt.Errorf("%s: %s: license %q is not one of those allowed", file, name, p.License))
		}
	}
	return errors.Join(all...)
}

// checkCargo wants no crates of others: there are none, and their licenses would have
// to be looked for.
func checkCargo(file string) error {
	raw, err := os.ReadFile(file) //nolint:gosec // of the checkout
	if err != nil {
		return fmt.Errorf("read cargo's lock: %w", err)
	}
	if strings.Contains(string(raw), "\nsource = ") {
		return fmt.Errorf("%s has crates of others: extend packaging/parts to look at their licenses", file)
	}
	return nil
}
