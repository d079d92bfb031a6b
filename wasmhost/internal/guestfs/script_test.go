package guestfs

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// script does random things to a tree. What it does depends on nothing but
// the numbers that pick draws, and what the tree answered.
type script struct {
	pick  func(n int) int // from 0 to below n
	fs    FS
	files []File
}

// step does one thing, and tells what came of it.
func (s *script) step() string {
	switch s.pick(12) {
	case 0, 1, 2:
		return s.open()
	case 3:
		path := s.path()
		return fmt.Sprintf("mkdir %q: %v", path, s.fs.Mkdir(path))
	case 4:
		path := s.path()
		return fmt.Sprintf("rmdir %q: %v", path, s.fs.Rmdir(path))
	case 5:
		path := s.path()
		return fmt.Sprintf("unlink %q: %v", path, s.fs.Unlink(path))
	case 6, 7:
		from, to := s.path(), s.path()
		return fmt.Sprintf("rename %q %q: %v", from, to, s.fs.Rename(from, to))
	case 8:
		path := s.path()
		st, e := s.fs.Stat(path, s.pick(2) == 0)
		return fmt.Sprintf("stat %q: %s %v", path, describe(st), e)
	default:
		return s.use()
	}
}

func (s *script) path() string {
	names := []string{"a", "b", "c", "a", "b", "c", "..", ".", ""}
	var parts []string
	for range 1 + s.pick(4) {
		parts = append(parts, names[s.pick(len(names))])
	}
	return strings.Join(parts, "/")
}

func (s *script) open() string {
	path, flags := s.path(), OpenFlags(s.pick(64))
	if s.pick(2) == 0 {
		flags |= Create | Write
		flags &^= Directory | Exclusive
	}
	f, e := s.fs.Open(path, flags)
	if e == OK {
		s.files = append(s.files, f)
	}
	return fmt.Sprintf("open %q %06b: %v", path, flags, e)
}

// use does something to an open file.
func (s *script) use() string {
	if len(s.files) == 0 {
		return "nothing open"
	}
	i := s.pick(len(s.files))
	f := s.files[i]
	switch s.pick(8) {
	case 0, 1:
		at, p := s.offset(), s.bytes()
		n, e := f.WriteAt(p, at)
		return fmt.Sprintf("file %d: write %d at %d: %d %v", i, len(p), at, n, e)
	case 2:
		p := s.bytes()
		n, e := f.Append(p)
		return fmt.Sprintf("file %d: append %d: %d %v", i, len(p), n, e)
	case 3:
		size := s.offset()
		return fmt.Sprintf("file %d: truncate to %d: %v", i, size, f.Truncate(size))
	case 4:
		p, at := make([]byte, s.pick(100_000)), s.offset()
		n, e := f.ReadAt(p, at)
		return fmt.Sprintf("file %d: read %d at %d: %d %v, sum %08x", i, len(p), at, n, e, crc32.ChecksumIEEE(p[:n]))
	case 5:
		all, e := f.ReadDir()
		return fmt.Sprintf("file %d: list: %s %v", i, list(all), e)
	case 6:
		st, e := f.Stat()
		return fmt.Sprintf("file %d: stat: %s %v", i, describe(st), e)
	default:
		s.files = append(s.files[:i], s.files[i+1:]...)
		return fmt.Sprintf("file %d: close: %v", i, f.Close())
	}
}

func (s *script) offset() int64 { return int64(s.pick(1 << (s.pick(19) + 1))) }

func (s *script) bytes() []byte {
	return bytes.Repeat([]byte{byte('a' + s.pick(26))}, s.pick(1<<(s.pick(17)+1)))
}

// describe leaves out what differs by nature: numbers and times.
func describe(st Stat) string {
	if st.Type == TypeDirectory {
		return "directory"
	}
	return fmt.Sprintf("type %d, %d bytes, %d links", st.Type, st.Size, st.Links)
}

func list(all []DirEntry) string {
	var b strings.Builder
	for _, entry := range all {
		fmt.Fprintf(&b, "%s(%d) ", entry.Name, entry.Type)
	}
	return b.String()
}

func (s *script) close() {
	for _, f := range s.files {
		f.Close()
	}
	s.files = nil
}

// walk calls visit with every path below one, and what is there.
func walk(tb testing.TB, fs FS, path string, visit func(path string, st Stat)) {
	tb.Helper()
	dir, e := fs.Open(path, Directory)
	if e != OK {
		tb.Fatalf("open %q: %v", path, e)
	}
	defer dir.Close()
	all, e := dir.ReadDir()
	if e != OK {
		tb.Fatalf("list %q: %v", path, e)
	}
	for _, entry := range all {
		below := strings.TrimPrefix(path+"/"+entry.Name, "/")
		st, e := fs.Stat(below, false)
		if e != OK || st.Inode != entry.Inode {
			tb.Fatalf("stat %q: %+v, %v", below, st, e)
		}
		visit(below, st)
		if st.Type == TypeDirectory {
			walk(tb, fs, below, visit)
		}
	}
}

// The kernel is the model: a tree in memory answers as its directories do.
func TestMemoryIsLikeDir(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("which of several errors holds is the choice of Linux")
	}
	above := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(above, "tree")
		if err != nil {
			rt.Fatal(err)
		}
		var drawn []int
		draw := func(n int) int {
			v := rapid.IntRange(0, n-1).Draw(rt, "pick")
			drawn = append(drawn, v)
			return v
		}
		replay := func(int) int {
			v := drawn[0]
			drawn = drawn[1:]
			return v
		}
		memory := &script{pick: draw, fs: NewMemory(NewQuota(enough))}
		host := &script{pick: replay, fs: openDir(t, dir, true, NewQuota(enough))}
		defer host.fs.Close()
		defer host.close()
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			got := memory.step()
			want := host.step()
			if got != want {
				rt.Fatalf("in memory: %s\non disk:   %s", got, want)
			}
		}
		if got, want := dump(t, memory.fs), dump(t, host.fs); got != want {
			rt.Fatalf("in memory:\n%s\non disk:\n%s", got, want)
		}
	})
}

func dump(tb testing.TB, fs FS) string {
	tb.Helper()
	var b strings.Builder
	walk(tb, fs, "", func(path string, st Stat) {
		fmt.Fprintf(&b, "%s: %s", path, describe(st))
		if st.Type == TypeRegular {
			f, e := fs.Open(path, 0)
			if e != OK {
				tb.Fatalf("open %q: %v", path, e)
			}
			defer f.Close()
			fmt.Fprintf(&b, ", sum %08x", crc32.ChecksumIEEE([]byte(read(tb, f, 0, int(st.Size)))))
		}
		b.WriteString("\n")
	})
	return b.String()
}

// Whatever a guest does, nothing panics, and what is charged is what is there.
func FuzzMemory(f *testing.F) {
	f.Add(int64(100_000), []byte("\x00\x00\x00\x01\x00\x09\x00\x00\x10\x20"))
	f.Add(int64(5000), []byte(strings.Repeat("\x00\x03\x01\x0b\x02\x01\x07\xff", 40)))
	f.Fuzz(func(t *testing.T, most int64, choices []byte) {
		if most < 0 || most > 1<<24 || len(choices) > 4096 {
			t.Skip()
		}
		quota := NewQuota(most)
		memory := NewMemory(quota)
		memory.Now = func() time.Time { return time.Unix(1, 0) }
		s := &script{fs: memory, pick: func(n int) int { return choose(&choices, n) }}
		for len(choices) > 0 {
			done := s.step()
			if got, want := quota.Used(), recount(t, memory, s.files); got != want || got < 0 || got > most {
				t.Fatalf("%s: charged %d of %d, want %d", done, got, most, want)
			}
			if held := memory.root.held(); held > 2*quota.Used() {
				t.Fatalf("%s: charged %d, but held %d", done, quota.Used(), held)
			}
		}
		s.close()
		if got, want := quota.Used(), recount(t, memory, nil); got != want {
			t.Fatalf("all closed: charged %d, want %d", got, want)
		}
	})
}

// choose takes as many bytes as a number below n needs.
func choose(choices *[]byte, n int) int {
	v := 0
	for most := n - 1; most > 0 && len(*choices) > 0; most >>= 8 {
		v = v<<8 | int((*choices)[0])
		*choices = (*choices)[1:]
	}
	return v % n
}

// recount adds up what a tree holds, and what was removed but is still open.
func recount(tb testing.TB, memory *Memory, open []File) int64 {
	tb.Helper()
	total := int64(0)
	walk(tb, memory, "", func(_ string, st Stat) { total += EntryBytes + st.Size })
	counted := map[uint64]bool{}
	for _, f := range open {
		st, e := f.Stat()
		if e != OK {
			tb.Fatal(e)
		}
		if st.Links == 0 && !counted[st.Inode] {
			counted[st.Inode] = true
			total += EntryBytes + st.Size
		}
	}
	return total
}
