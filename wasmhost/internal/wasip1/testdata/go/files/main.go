// Files and directories through Go's os package. It panics at what does not
// hold.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func main() {
	files()
	directories()
	refused()
	fmt.Println("ok")
}

func files() {
	must(os.WriteFile("a.txt", []byte("hello"), 0o600))
	f := open("a.txt", os.O_APPEND|os.O_WRONLY)
	_, err := f.WriteString(" world")
	must(err)
	must(f.Close())
	got, err := os.ReadFile("a.txt")
	must(err)
	check(string(got) == "hello world", "content", string(got))

	f = open("big", os.O_CREATE|os.O_RDWR)
	_, err = io.Copy(f, bytes.NewReader(make([]byte, 5<<20)))
	must(err)
	end, err := f.Seek(-3, io.SeekEnd)
	must(err)
	check(end == 5<<20-3, "seek", end)
	_, err = f.WriteAt([]byte("xyz"), 100)
	must(err)
	three := make([]byte, 3)
	_, err = f.ReadAt(three, 100)
	must(err)
	check(string(three) == "xyz", "read at", string(three))
	must(f.Truncate(10))
	must(f.Sync())
	info, err := f.Stat()
	must(err)
	check(info.Size() == 10 && info.Mode().IsRegular(), "stat", info.Size())
	must(f.Close())

	then := time.Unix(1000, 2000)
	must(os.Chtimes("big", then, then))
	info, err = os.Stat("big")
	must(err)
	check(info.ModTime().Equal(then), "time", info.ModTime())
}

func directories() {
	must(os.MkdirAll("d/e/f", 0o700))
	for i := range 300 {
		must(os.WriteFile(fmt.Sprintf("d/e/file-%03d", i), nil, 0o600))
	}
	entries, err := os.ReadDir("d/e")
	must(err)
	check(len(entries) == 301, "entries", len(entries))
	check(entries[0].Name() == "f" && entries[0].IsDir(), "first", entries[0].Name())
	n := 0
	must(filepath.WalkDir(".", func(string, fs.DirEntry, error) error { n++; return nil }))
	check(n == 306, "walked", n)

	must(os.Rename("d/e", "moved"))
	_, err = os.Stat("d/e")
	check(errors.Is(err, fs.ErrNotExist), "stat of what moved", err)
	must(os.Remove("moved/file-000"))
	err = os.Remove("moved")
	check(err != nil, "remove of a full directory", err)
	must(os.RemoveAll("moved"))
	dir, err := os.MkdirTemp(".", "tmp-*")
	must(err)
	must(os.Chdir(dir))
	must(os.WriteFile("inside", []byte("x"), 0o600))
	must(os.Chdir(".."))
	_, err = os.Stat(filepath.Join(dir, "inside"))
	must(err)

	root, err := os.OpenRoot("d")
	must(err)
	must(root.Mkdir("rooted", 0o700))
	f, err := root.Create("rooted/file")
	must(err)
	must(f.Close())
	must(root.Close())
}

func refused() {
	_, err := os.ReadFile("missing")
	check(errors.Is(err, fs.ErrNotExist), "missing", err)
	_, err = os.ReadFile("d")
	check(err != nil, "reading a directory", err)
	_, err = os.OpenFile("a.txt", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	check(errors.Is(err, fs.ErrExist), "exclusive", err)
	check(os.Symlink("/etc/passwd", "link") != nil, "symlink", nil)
	check(os.Link("a.txt", "link") != nil, "link", nil)
	_, err = os.ReadFile("../../../etc/passwd")
	check(err != nil, "escape", err)
}

func open(name string, flags int) *os.File {
	f, err := os.OpenFile(name, flags, 0o600)
	must(err)
	return f
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(ok bool, what string, got any) {
	if !ok {
		panic(fmt.Sprintf("%s: got %v", what, got))
	}
}
