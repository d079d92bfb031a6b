package wasip1

import (
	"context"
	"path"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

const direntBytes = 24

// fdReaddir writes entries from the cookie on: "." and "..", then the names. The
// last may be cut off by the end of the buffer; a buffer that is not full means
// that there are no more. Cookie 0 reads the directory anew, others go on in the
// list that was read then.
func (s *State) fdReaddir(_ context.Context, g guest) guestfs.Errno {
	d, errno := s.descriptor(g.u32(0), rightFdReaddir)
	if errno != guestfs.OK {
		return errno
	}
	if d.kind != directory {
		return guestfs.EBADF // not ENOTDIR: guests are used to what other hosts say
	}
	buffer, errno := g.buffer(1)
	if errno != guestfs.OK {
		return errno
	}
	out, errno := g.record(4, 4)
	if errno != guestfs.OK {
		return errno
	}
	cookie := g.args[3]
	if cookie == 0 || d.entries == nil {
		if d.entries, errno = s.list(d); errno != guestfs.OK {
			return errno
		}
	}
	used := 0
	for i := cookie; i < uint64(len(d.entries)) && used < len(buffer); i++ {
		used += putDirent(buffer[used:], d.entries[i], i+1)
	}
	le.PutUint32(out, uint32(used))
	return guestfs.OK
}

// putDirent writes as much of an entry as there is room for.
func putDirent(to []byte, entry guestfs.DirEntry, next uint64) int {
	var head [direntBytes]byte
	le.PutUint64(head[:], next)
	le.PutUint64(head[8:], entry.Inode)
	le.PutUint32(head[16:], uint32(len(entry.Name)))
	head[20] = byte(entry.Type)
	n := copy(to, head[:])
	return n + copy(to[n:], entry.Name)
}

// list reads a directory, with the two entries that a tree leaves out.
func (s *State) list(d *descriptor) ([]guestfs.DirEntry, guestfs.Errno) {
	names, errno := s.names(d)
	if errno != guestfs.OK {
		return nil, errno
	}
	fs := s.config.Preopens[d.tree].FS
	self, _ := fs.Stat(d.path, true)
	parent, errno := fs.Stat(path.Dir(d.path), true)
	if d.path == "" || errno != guestfs.OK {
		parent = self
	}
	entries := make([]guestfs.DirEntry, 0, len(names)+2)
	entries = append(
		entries,
		guestfs.DirEntry{Name: ".", Type: guestfs.TypeDirectory, Inode: self.Inode},
		guestfs.DirEntry{Name: "..", Type: guestfs.TypeDirectory, Inode: parent.Inode},
	)
	return append(entries, names...), guestfs.OK
}

func (s *State) names(d *descriptor) ([]guestfs.DirEntry, guestfs.Errno) {
	if d.file != nil {
		return d.file.ReadDir()
	}
	root, errno := s.config.Preopens[d.tree].FS.Open("", guestfs.Directory)
	if errno != guestfs.OK {
		return nil, errno
	}
	names, errno := root.ReadDir()
	if closing := root.Close(); errno == guestfs.OK {
		errno = closing
	}
	return names, errno
}
