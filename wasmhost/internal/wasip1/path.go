package wasip1

import (
	"bytes"
	"strings"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// place is where a guest's path leads.
type place struct {
	from *descriptor // the directory that it is relative to
	fs   guestfs.FS
	path string // clean and relative to the tree's root, which is ""
	// directory says that what is there must be one: the path ended in a slash.
	directory bool
}

// place resolves a path: argument i is a directory's descriptor, p and p+1 name
// the path.
func (s *State) place(g guest, i, p int, need rights) (place, guestfs.Errno) {
	d, errno := s.descriptor(g.u32(i), need)
	if errno != guestfs.OK {
		return place{}, errno
	}
	if d.kind != directory {
		return place{}, guestfs.ENOTDIR
	}
	given, errno := g.path(p)
	if errno != guestfs.OK {
		return place{}, errno
	}
	resolved, errno := resolve(d.path, given)
	if errno != guestfs.OK {
		return place{}, errno
	}
	return place{
		from:      d,
		fs:        s.config.Preopens[d.tree].FS,
		path:      resolved,
		directory: strings.HasSuffix(given, "/") || strings.HasSuffix(given, "/."),
	}, guestfs.OK
}

// resolve joins and cleans by the letters alone, so a name need not exist for
// ".." to take it away. A path that is absolute or leads above the root is
// EPERM, as in wasmtime and in WASI's test suite.
func resolve(directory, given string) (string, guestfs.Errno) {
	switch {
	case given == "":
		return "", guestfs.ENOENT
	case given[0] == '/':
		return "", guestfs.EPERM
	}
	clean := make([]byte, 0, len(directory)+1+len(given))
	clean = append(clean, directory...)
	for name := range strings.SplitSeq(given, "/") {
		switch name {
		case "", ".":
		case "..":
			if len(clean) == 0 {
				return "", guestfs.EPERM
			}
			clean = clean[:max(0, bytes.LastIndexByte(clean, '/'))]
		default:
			if len(clean) > 0 {
				clean = append(clean, '/')
			}
			clean = append(clean, name...)
		}
	}
	if len(clean) > maxPath {
		return "", guestfs.ENAMETOOLONG
	}
	return string(clean), guestfs.OK
}

// isDirectory is ENOTDIR if a directory was asked for and none is there.
func (p place) isDirectory() guestfs.Errno {
	if !p.directory {
		return guestfs.OK
	}
	stat, errno := p.fs.Stat(p.path, true)
	if errno == guestfs.OK && stat.Type != guestfs.TypeDirectory {
		return guestfs.ENOTDIR
	}
	return errno
}
