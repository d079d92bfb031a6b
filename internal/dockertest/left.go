package dockertest

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Left fails the test for each container with all of the labels, and for each file,
// mount and socket below the directory scratch, which itself may be there. At
// least one label is wanted, of the test alone: other tests are at work beside it.
// An empty scratch is none.
func Left(tb testing.TB, scratch string, labels ...string) {
	tb.Helper()
	if len(labels) == 0 {
		tb.Fatal("want a label: without one, containers of others count")
	}
	for _, c := range Containers(tb, labels...) {
		tb.Errorf("a container is left: %s %s of %s, %s, with labels %v", c.ID[:12], c.Names, c.Image, c.State, c.Labels)
	}
	if scratch == "" {
		return
	}
	scratch, err := filepath.Abs(scratch)
	if err != nil {
		tb.Fatal(err)
	}
	below := func(path string) bool { return strings.HasPrefix(path, scratch+"/") }
	err = filepath.WalkDir(scratch, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && path != scratch {
			tb.Errorf("a file is left: %s, %s", path, entry.Type())
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		tb.Errorf("look for what is left: %v", err)
	}
	// The fifth word is where something is mounted.
	for _, words := range table(tb, "/proc/self/mountinfo") {
		if len(words) > 4 && (below(words[4]) || words[4] == scratch) {
			tb.Errorf("a mount is left: %s", words[4])
		}
	}
	for _, words := range table(tb, "/proc/net/unix") {
		if path := words[len(words)-1]; below(path) {
			tb.Errorf("a socket is left: somebody listens, or is connected, at %s", path)
		}
	}
}

// table reads the words of each line of a file of the kernel. Not every system has
// it.
func table(tb testing.TB, name string) (lines [][]string) {
	tb.Helper()
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = file.Close() }() // it was read only
	in := bufio.NewScanner(file)
	for in.Scan() {
		if words := strings.Fields(in.Text()); len(words) > 0 {
			lines = append(lines, words)
		}
	}
	if err := in.Err(); err != nil {
		tb.Fatalf("read %s: %v", name, err)
	}
	return lines
}
