package guestfs

// admit decides whether a path may be opened with these flags: the one rule of
// all trees. found is what is there, or nil; dir tells that the path says that
// it leads to a directory. OK with nothing found means to create a file.
func (f OpenFlags) admit(found *Stat, dir, writable bool) Errno {
	dir = dir || f&Directory != 0
	switch {
	case f&Create != 0 && f&Directory != 0:
		return EINVAL // Linux: a directory is made by Mkdir alone
	case found != nil && f&(Create|Exclusive) == Create|Exclusive:
		return EEXIST
	case found != nil:
		return f.admitFound(found.Type, dir, writable)
	case f&Create == 0:
		return ENOENT
	case dir:
		return EISDIR
	case !writable:
		return EROFS
	}
	return OK
}

func (f OpenFlags) admitFound(is FileType, dir, writable bool) Errno {
	switch {
	case is == TypeDirectory && f&(Write|Create|Truncate) != 0:
		return EISDIR
	case is == TypeDirectory:
		return OK
	case is == TypeLink && f&Directory == 0:
		return ELOOP
	case dir:
		return ENOTDIR
	case is != TypeRegular:
		return EPERM // opening a pipe or a device may block, or worse
	case f&(Write|Truncate) != 0 && !writable:
		return EROFS
	}
	return OK
}

// follow tells whether a link at the end of the path is followed.
func (f OpenFlags) follow() bool {
	return f&NoFollow == 0 && f&(Create|Exclusive) != Create|Exclusive
}

// span checks that size bytes at offset are a place in a file, and returns
// where they end.
func span(offset int64, size int) (end int64, e Errno) {
	if offset < 0 {
		return 0, EINVAL
	}
	end = offset + int64(size)
	if end < offset {
		return 0, EFBIG
	}
	return end, OK
}
