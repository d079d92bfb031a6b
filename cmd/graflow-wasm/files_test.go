package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/graflow/graflow-wasm/engine"
)

// shelf has files by their digests.
type shelf map[string]string

// OpenFile implements fileSource.
func (s shelf) OpenFile(_ context.Context, _, digest string) (io.ReadCloser, error) {
	text, ok := s[digest]
	if !ok {
		return nil, fmt.Errorf("file %s: %w", digest, engine.ErrNotFound)
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (s shelf) file(task, activation, name, text string) engine.TaskFile {
	sum := sha256.Sum256([]byte(text))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	s[digest] = text
	return engine.TaskFile{Task: task, Activation: activation, File: engine.File{Digest: digest, Name: name, Size: int64(len(text))}}
}

// contents is what is below a directory.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text := "(" + e.Type().String() + ")"
		if e.Type().IsRegular() {
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(raw)
		}
		name, err := filepath.Rel(dir, path)
		all = append(all, filepath.ToSlash(name)+"="+text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestSaveFiles(t *testing.T) {
	t.Parallel()
	s, dir := shelf{}, filepath.Join(t.TempDir(), "new", "files")
	all := []engine.TaskFile{
		s.file("a", "a", "x.txt", "one"), s.file("a", "a#2", "y/z.txt", "two"), // no name twice
		s.file("b", "b", "x.txt", "three"), s.file("b", "b#2", "x.txt", "four"), s.file("b", "b#2", "other", "five"),
		s.file("c", "c", "again", "six"), s.file("c", "c", "again", "seven"), // of one activation: the last
		s.file("sub/d", "sub/d", "x", "eight"),
	}
	for range 2 { // what is there is replaced
		files, err := saveFiles(t.Context(), s, "r", dir, all)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := files[1].Saved, filepath.Join(dir, "a", "y", "z.txt"); got != want || len(files) != len(all) {
			t.Errorf("got %s of %d files, want %s", got, len(files), want)
		}
		want := "a/x.txt=one a/y/z.txt=two b#2/other=five b#2/x.txt=four b/x.txt=three c/again=seven sub/d/x=eight"
		if got := contents(t, dir); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}

// TestSaveFilesStaysInside wants no name and no link to lead out of the directory, and
// what is wrong with some files to keep none of the others from it.
func TestSaveFilesStaysInside(t *testing.T) {
	t.Parallel()
	s, parent := shelf{}, t.TempDir()
	dir, outside := filepath.Join(parent, "files"), filepath.Join(parent, "outside")
	for _, d := range []string{outside, dir, filepath.Join(dir, "c", "dir")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"b": outside, "c/link": filepath.Join(outside, "x")} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err) // on Windows it takes a user who may make links
		}
	}
	other := s.file("a", "a", "other", "what it is not")
	s[other.Digest] = "other"
	all := []engine.TaskFile{
		other,
		s.file("a", "a", "../up", "1"), s.file("a", "a", "/root", "2"), s.file("a", "a", "", "3"), s.file("a", "a", "x/../../../y", "4"),
		s.file("a", "a", "esc\x1b[2J", "5"), s.file("..", "..", "up", "6"), s.file("b", "b", "x", "7"), s.file("c", "c", "link", "8"), s.file("c", "c", "dir", "9"),
		{Task: "a", Activation: "a", File: engine.File{Name: "gone", Digest: "sha256:1"}},
		s.file("a", "a", "fine", "fine"),
	}
	files, err := saveFiles(t.Context(), s, "r", dir, all)
	if err == nil {
		t.Fatal("got no error")
	}
	if n := strings.Count(err.Error(), "save "); n != len(all)-1 {
		t.Errorf("got %d errors, want %d: %v", n, len(all)-1, err)
	}
	for i, f := range files {
		if saved := f.Saved != ""; saved != (i == len(files)-1) {
			t.Errorf("%q of %s: saved %t, at %s", f.Name, f.Task, saved, f.Saved)
		}
	}
	if got, want := contents(t, parent), "files/a/fine=fine files/b=(L---------) files/c/link=(L---------)"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestWriteFiles wants names to be harmless on a terminal.
func TestWriteFiles(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	f := shelf{}.file("a", "a", "esc\x1b[2J\nline", "1")
	if err := writeFiles(&out, filesOf([]engine.TaskFile{f}), "text"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `a  esc\x1b[2J line  1 B  `+f.Digest+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
