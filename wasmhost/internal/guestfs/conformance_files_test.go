package guestfs

import (
	"bytes"
	"math"
	"strings"
	"time"
)

func testContent(fs tree) {
	f := fs.open("f", Write|Create)
	n, e := f.WriteAt([]byte("hello world"), 0)
	if n != 11 || e != OK {
		fs.Fatalf("write: %d, %v", n, e)
	}
	if n, e = f.WriteAt([]byte("W"), 6); n != 1 || e != OK {
		fs.Fatalf("overwrite: %d, %v", n, e)
	}
	if n, e = f.Append([]byte("!")); n != 1 || e != OK {
		fs.Fatalf("append: %d, %v", n, e)
	}
	if n, e = f.WriteAt([]byte("J"), 0); n != 1 || e != OK { // after an append
		fs.Fatalf("overwrite: %d, %v", n, e)
	}
	other := fs.open("f", Write)
	add(fs, other, "?")
	add(fs, f, ".")
	fs.holds("f", "Jello World!?.")
	if got := read(fs, f, 6, 5); got != "World" {
		fs.Errorf("got %q", got)
	}
	if got := read(fs, f, 13, 5); got != "." {
		fs.Errorf("got %q", got)
	}
	if got := read(fs, f, 14, 5) + read(fs, f, 1<<40, 5); got != "" {
		fs.Errorf("got %q beyond the end", got)
	}
	fs.used(EntryBytes + 14)
	st, e := f.Stat()
	if e != OK || st.Size != 14 || st.Type != TypeRegular || st.Links != 1 || st.Inode == 0 {
		fs.Errorf("stat: %+v, %v", st, e)
	}
	fs.want(f.Sync(), OK, "sync")

	reader := fs.open("f", 0)
	_, e = reader.WriteAt([]byte("x"), 0)
	fs.want(e, EBADF, "write to what is read only")
	_, e = reader.Append([]byte("x"))
	fs.want(e, EBADF, "append to what is read only")
	fs.want(reader.Truncate(0), EBADF, "truncate what is read only")
	_, e = reader.ReadDir()
	fs.want(e, ENOTDIR, "list a file")

	big := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	if n, e = f.WriteAt(big, 3); n != len(big) || e != OK {
		fs.Fatalf("write much: %d, %v", n, e)
	}
	if got := read(fs, f, 0, len(big)+10); got != "Jel"+string(big) {
		fs.Error("what was written in many chunks reads otherwise")
	}
}

func testGaps(fs tree) {
	f := fs.open("f", Write|Create)
	write(fs, f, "end", 200_000)
	if got := read(fs, f, 199_998, 10); got != "\x00\x00end" {
		fs.Errorf("got %q", got)
	}
	if got := read(fs, f, 0, 200_000); got != strings.Repeat("\x00", 200_000) {
		fs.Error("a gap is not zeros")
	}
	write(fs, f, strings.Repeat("x", 300_000), 0)
	fs.want(f.Truncate(70_001), OK, "truncate")
	fs.want(f.Truncate(150_000), OK, "extend")
	if got := read(fs, f, 70_000, 5); got != "x\x00\x00\x00\x00" {
		fs.Errorf("got %q after truncating and extending", got)
	}
	write(fs, f, "y", 70_003)
	if got := read(fs, f, 70_000, 5); got != "x\x00\x00y\x00" {
		fs.Errorf("got %q after writing into the gap", got)
	}
	if got := read(fs, f, 149_999, 5); got != "\x00" {
		fs.Errorf("got %q at the end", got)
	}
	fs.want(f.Truncate(0), OK, "empty")
	write(fs, f, "", 99)
	if st, _ := f.Stat(); st.Size != 0 {
		fs.Errorf("writing nothing made %d bytes", st.Size)
	}
}

func testBounds(fs tree) {
	f := fs.open("f", Write|Create)
	for _, offset := range []int64{-1, math.MinInt64} {
		_, e := f.WriteAt([]byte("x"), offset)
		fs.want(e, EINVAL, "write at %d", offset)
		_, e = f.ReadAt(make([]byte, 1), offset)
		fs.want(e, EINVAL, "read at %d", offset)
		fs.want(f.Truncate(offset), EINVAL, "truncate to %d", offset)
	}
	_, e := f.WriteAt([]byte("xy"), math.MaxInt64-1)
	fs.want(e, EFBIG, "write past the last offset")
	_, e = f.WriteAt([]byte("x"), math.MaxInt64-1)
	fs.want(e, ENOSPC, "write at the last offset")
	fs.want(f.Truncate(math.MaxInt64), ENOSPC, "truncate to the most")
	fs.used(EntryBytes)

	endless := tree{fs.T, fs.again(fs.T, NewQuota(math.MaxInt64)), nil, nil}
	f = endless.open("f", Write|Create)
	_, e = f.WriteAt([]byte("x"), 1<<62)
	endless.want(e, EFBIG, "write at 1<<62 with an endless quota")
	endless.want(f.Truncate(1<<62), EFBIG, "truncate to 1<<62 with an endless quota")
}

func testUnlinked(fs tree) {
	fs.put("f", "old")
	f := fs.open("f", Write)
	fs.want(fs.Unlink("f"), OK, "unlink an open file")
	fs.put("f", "new")
	add(fs, f, "er")
	if got := read(fs, f, 0, 10); got != "older" {
		fs.Errorf("the unlinked file holds %q", got)
	}
	if st, e := f.Stat(); e != OK || st.Links != 0 || st.Size != 5 {
		fs.Errorf("stat of an unlinked file: %+v, %v", st, e)
	}
	fs.holds("f", "new")

	fs.put("g", "other")
	g := fs.open("g", 0)
	fs.want(fs.Rename("f", "g"), OK, "rename over an open file")
	if got := read(fs, g, 0, 10); got != "other" {
		fs.Errorf("the replaced file holds %q", got)
	}
	fs.holds("g", "new")

	fs.mkdir("d")
	d := fs.open("d", Directory)
	fs.want(fs.Rmdir("d"), OK, "remove an open directory")
	if all, e := d.ReadDir(); len(all) != 0 || e != OK {
		fs.Errorf("a removed directory lists %v, %v", all, e)
	}
}

func testTimes(fs tree) {
	fs.put("f", "x")
	fs.mkdir("d")
	access, modify := time.Unix(1_000_000_000, 123_456_000), time.Unix(2_000_000_000, 654_321_000)
	check := func(what, path string, access, modify time.Time) {
		fs.Helper()
		st, e := fs.Stat(path, true)
		if e != OK || !st.Access.Equal(access) || !st.Modify.Equal(modify) {
			fs.Errorf("%s of %q: %v %v (%v), want %v %v", what, path, st.Access, st.Modify, e, access, modify)
		}
	}
	for _, path := range []string{"f", "d"} {
		later := access.Add(time.Hour)
		fs.want(fs.SetTimes(path, true, &access, &modify), OK, "set times")
		check("both times", path, access, modify)
		fs.want(fs.SetTimes(path, false, &later, nil), OK, "set access")
		check("access", path, later, modify)
		fs.want(fs.SetTimes(path, true, nil, &later), OK, "set modify")
		check("modify", path, later, later)

		f := fs.open(path, 0)
		fs.want(f.SetTimes(&access, &modify), OK, "set times of an open file")
		check("open file: both times", path, access, modify)
		fs.want(f.SetTimes(nil, &later), OK, "set modify of an open file")
		check("open file: modify", path, access, later)
		fs.want(f.SetTimes(&later, nil), OK, "set access of an open file")
		check("open file: access", path, later, later)
	}
	f := fs.open("f", Write)
	write(fs, f, "y", 0)
	if st, _ := f.Stat(); !st.Modify.After(time.Unix(1_500_000_000, 0)) || st.Change.IsZero() {
		fs.Errorf("a write left the times at %+v", st)
	}
}
