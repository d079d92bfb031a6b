package guestfs

import (
	"runtime"
	"strings"
	"unicode/utf8"
)

// Bounds of names in every tree, those of Linux.
const (
	maxNameBytes = 255
	maxPathBytes = 4095
)

// location is a guest's path, taken apart.
type location struct {
	// parts has no "" and no "."; ".." stays, for it follows what is before it.
	parts []string
	// dir tells that the path says that it leads to a directory: "d/", "d/.".
	dir bool
}

// locate takes a path apart. A path that leads out of the root by its words
// alone is EPERM; links are the tree's business.
func locate(path string) (location, Errno) {
	switch {
	case strings.HasPrefix(path, "/"):
		return location{}, EPERM
	case len(path) > maxPathBytes:
		return location{}, ENAMETOOLONG
	case strings.IndexByte(path, 0) >= 0:
		return location{}, EINVAL
	case !utf8.ValidString(path):
		return location{}, EILSEQ
	}
	var at location
	depth := 0
	for part := range strings.SplitSeq(path, "/") {
		if e := validName(part); e != OK {
			return location{}, e
		}
		at.dir = part == "" || part == "." || part == ".."
		switch part {
		case "", ".":
			continue
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return location{}, EPERM
		}
		at.parts = append(at.parts, part)
	}
	return at, OK
}

// validName refuses what is not one name on this machine. On Windows that is
// also what separates paths there, and drives and streams.
func validName(part string) Errno {
	if len(part) > maxNameBytes {
		return ENAMETOOLONG
	}
	if runtime.GOOS == "windows" && strings.ContainsAny(part, `\:`) {
		return EINVAL
	}
	return OK
}

// String is the path for package os and io/fs: "." is the root.
func (l location) String() string {
	if len(l.parts) == 0 {
		return "."
	}
	return strings.Join(l.parts, "/")
}

// entry parts a path into its directory and the name in it; not ok where the
// path does not end in a name: "", ".", "d/..".
func (l location) entry() (parent location, name string, ok bool) {
	if len(l.parts) == 0 {
		return l, "", false
	}
	last := len(l.parts) - 1
	return location{parts: l.parts[:last], dir: true}, l.parts[last], l.parts[last] != ".."
}
