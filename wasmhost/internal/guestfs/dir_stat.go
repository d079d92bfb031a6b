package guestfs

import "io/fs"

// portableStat is what package os tells of a file on every system.
func portableStat(info fs.FileInfo) Stat {
	at := info.ModTime()
	st := Stat{Type: typeOf(info.Mode()), Links: 1, Access: at, Modify: at, Change: at}
	if st.Type == TypeRegular || st.Type == TypeLink {
		st.Size = info.Size()
	}
	return st
}

func typeOf(mode fs.FileMode) FileType {
	switch {
	case mode.IsRegular():
		return TypeRegular
	case mode.IsDir():
		return TypeDirectory
	case mode&fs.ModeSymlink != 0:
		return TypeLink
	case mode&fs.ModeCharDevice != 0:
		return TypeCharacter
	}
	return TypeUnknown
}
