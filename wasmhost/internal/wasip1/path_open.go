package wasip1

import (
	"context"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// Flags of path_open.
const (
	openCreate uint32 = 1 << iota
	openDirectory
	openExclusive
	openTruncate

	knownOpenFlags = openCreate | openDirectory | openExclusive | openTruncate
	lookupFollow   = 1
)

func (s *State) pathOpen(_ context.Context, g guest) guestfs.Errno {
	oflags, flags := g.u32(4), g.u32(7)
	out, errno := g.record(8, 4)
	if errno != guestfs.OK {
		return errno
	}
	if !validOpen(g.u32(1), oflags, flags) {
		return guestfs.EINVAL
	}
	p, errno := s.place(g, 0, 2, needToOpen(oflags))
	if errno != guestfs.OK {
		return errno
	}
	if s.full() {
		return guestfs.EMFILE // before a file is made
	}
	d := descriptor{
		tree:                 p.from.tree,
		flags:                fdFlags(flags) &^ flagNonblock,
		base:                 openMode(rights(g.args[5])) & p.from.inheriting,
		inheriting:           rights(g.args[6]) & p.from.inheriting,
		denied:               p.from.deniedForDescendants,
		deniedForDescendants: p.from.deniedForDescendants,
	}
	if errno := d.open(p, g.u32(1), oflags); errno != guestfs.OK {
		return errno
	}
	le.PutUint32(out, s.add(d))
	return guestfs.OK
}

func validOpen(lookup, oflags, flags uint32) bool {
	return lookup <= lookupFollow && oflags&^knownOpenFlags == 0 &&
		flags&^uint32(knownFlags) == 0 &&
		oflags&(openCreate|openDirectory) != openCreate|openDirectory
}

// needToOpen is what the directory must allow.
func needToOpen(oflags uint32) rights {
	need := rightPathOpen
	if oflags&openCreate != 0 {
		need |= rightPathCreateFile
	}
	if oflags&openTruncate != 0 {
		need |= rightPathFilestatSetSize
	}
	return need
}

// openMode lets those read who ask for neither reading nor writing, as other
// hosts do.
func openMode(asked rights) rights {
	if asked&(rightFdRead|rightFdWrite) == 0 {
		asked |= rightFdRead
	}
	return asked
}

// open opens what is at p and completes the descriptor with it.
func (d *descriptor) open(p place, lookup, oflags uint32) guestfs.Errno {
	if p.directory && oflags&openCreate != 0 {
		return guestfs.EISDIR
	}
	file, errno := p.fs.Open(p.path, treeFlags(p, d.base, lookup, oflags))
	if errno != guestfs.OK {
		return errno
	}
	stat, errno := file.Stat()
	if errno != guestfs.OK {
		_ = file.Close()
		return errno
	}
	d.file = file
	if stat.Type == guestfs.TypeDirectory {
		d.kind, d.path, d.flags = directory, p.path, 0
		d.base &= directoryRights
		return guestfs.OK
	}
	d.kind = regular
	d.base &= fileRights
	d.inheriting = 0
	return guestfs.OK
}

func treeFlags(p place, base rights, lookup, oflags uint32) guestfs.OpenFlags {
	var flags guestfs.OpenFlags
	for _, f := range [...]struct {
		set  bool
		flag guestfs.OpenFlags
	}{
		{base&rightFdWrite != 0, guestfs.Write},
		{oflags&openCreate != 0, guestfs.Create},
		{oflags&openExclusive != 0, guestfs.Exclusive},
		{oflags&openTruncate != 0, guestfs.Truncate},
		{oflags&openDirectory != 0 || p.directory, guestfs.Directory},
		{lookup&lookupFollow == 0 && !p.directory, guestfs.NoFollow},
	} {
		if f.set {
			flags |= f.flag
		}
	}
	return flags
}
