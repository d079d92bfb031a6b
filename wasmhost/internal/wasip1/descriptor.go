package wasip1

import "github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"

// kind is what a descriptor stands for.
type kind uint8

const (
	free kind = iota // a number that is not in use
	stdin
	stdout
	stderr
	directory
	regular
)

// fdFlags are the flags of a descriptor. Non-blocking is taken and forgotten,
// because nothing blocks; so a guest that sets it changes no descriptor.
type fdFlags uint16

const (
	flagAppend fdFlags = 1 << iota
	flagDsync
	flagNonblock
	flagRsync
	flagSync

	knownFlags = flagAppend | flagDsync | flagNonblock | flagRsync | flagSync
)

// descriptor is an open file, directory or standard stream.
type descriptor struct {
	kind   kind
	opened bool // by the guest: it counts against OpenFiles
	young  bool // opened since Mark
	flags  fdFlags
	// preopen is one more than the index of the preopen that a directory is, 0
	// for any other; tree is the index of the preopen it lies in.
	preopen int
	tree    int
	path    string // of a directory, within its tree
	file    guestfs.File
	offset  int64
	entries []guestfs.DirEntry // of a directory, since cookie 0 was read

	base, inheriting             rights // as reported
	denied, deniedForDescendants rights // as given up
}

func (d *descriptor) seekable() guestfs.Errno {
	switch d.kind {
	case regular:
		return guestfs.OK
	case directory:
		return guestfs.EBADF
	default:
		return guestfs.ESPIPE
	}
}

func (d *descriptor) fileType() guestfs.FileType {
	switch d.kind {
	case stdout, stderr:
		return guestfs.TypeCharacter
	case directory:
		return guestfs.TypeDirectory
	case regular:
		return guestfs.TypeRegular
	default:
		// Stdin is no terminal: programs that find one there ignore their input,
		// or start to converse.
		return guestfs.TypeUnknown
	}
}

// descriptor finds an open descriptor that was not denied what is needed.
func (s *State) descriptor(fd uint32, need rights) (*descriptor, guestfs.Errno) {
	if uint64(fd) >= uint64(len(s.descriptors)) || s.descriptors[fd].kind == free {
		return nil, guestfs.EBADF
	}
	d := &s.descriptors[fd]
	if d.denied&need != 0 {
		return nil, guestfs.ENOTCAPABLE
	}
	return d, guestfs.OK
}

// add gives a descriptor the lowest free number. The caller has checked full.
func (s *State) add(d descriptor) uint32 {
	d.opened, d.young = true, true
	s.opened++
	s.young++
	for ; s.lowest < len(s.descriptors); s.lowest++ {
		if s.descriptors[s.lowest].kind == free {
			s.descriptors[s.lowest] = d
			return uint32(s.lowest)
		}
	}
	s.descriptors = append(s.descriptors, d)
	return uint32(len(s.descriptors) - 1)
}

func (s *State) full() bool { return s.opened >= s.config.OpenFiles }

// remove closes a descriptor and frees its number, whatever closing says.
func (s *State) remove(fd uint32) guestfs.Errno {
	d := &s.descriptors[fd]
	s.touch(d)
	if d.opened {
		s.opened--
	}
	if d.young {
		s.young--
	}
	errno := guestfs.OK
	if d.file != nil {
		errno = d.file.Close()
	}
	*d = descriptor{}
	s.lowest = min(s.lowest, int(fd))
	return errno
}

// touch notes that a descriptor from before Mark is no longer as it was.
func (s *State) touch(d *descriptor) {
	if !d.young {
		s.changed = true
	}
}
