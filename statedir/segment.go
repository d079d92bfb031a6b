package statedir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segment is one file of a journal: the events from first on, until the next
// segment's.
type segment struct {
	first uint64
	name  string
}

const journalSuffix = ".journal"

func newSegment(dir string, first uint64) segment {
	return segment{first, filepath.Join(dir, fmt.Sprintf("%020d%s", first, journalSuffix))}
}

// listSegments finds a journal's files, in order; none is no error.
func listSegments(dir string) ([]segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var all []segment
	for _, e := range entries {
		digits, ok := strings.CutSuffix(e.Name(), journalSuffix)
		if !ok {
			continue
		}
		var s segment
		if _, err := fmt.Sscanf(digits, "%020d", &s.first); err != nil || newSegment(dir, s.first).name != filepath.Join(dir, e.Name()) {
			return nil, corrupt(filepath.Join(dir, e.Name()), 0, "its name is none of a journal's file")
		}
		s.name = filepath.Join(dir, e.Name())
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	return all, nil
}

// content is a file of records that was read.
type content struct {
	first uint64
	next  uint64 // sequence after its last record
	end   int    // of its last record
	size  int
}

// readRecords reads a file of records from its header to its last sound record.
func readRecords(name string, k kind, run string, each func(record) error) (content, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return content{}, err
	}
	return parseRecords(name, data, k, run, each)
}

// readFile is os.ReadFile into a buffer that is used again if it is large enough.
func readFile(buf []byte, name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if int64(cap(buf)) < info.Size() {
		buf = make([]byte, info.Size())
	}
	buf = buf[:info.Size()]
	if _, err := io.ReadFull(f, buf); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return buf, nil
}

func parseRecords(name string, data []byte, k kind, run string, each func(record) error) (content, error) {
	h, at, err := parseHeader(name, data, k, run)
	if err != nil {
		return content{}, err
	}
	c := content{first: h.first, next: h.first, size: len(data)}
	c.end, err = scan(name, data, at, h.first, func(r record) error {
		c.next = r.seq + 1
		return each(r)
	})
	return c, err
}

// cut removes what a crash has left of a write at the end of a file.
func (d *Dir) cut(name, run string, c content) error {
	if c.end == c.size {
		return nil
	}
	d.cfg.Logger.Warn("cut a torn write off the end of a file; nothing in it had been reported as stored",
		"run", run, "file", name, "offset", c.end, "bytes", c.size-c.end)
	return truncate(name, int64(c.end))
}

// reopen opens a file that was read, to go on at its end. What is in it was not
// necessarily synced by whoever wrote it: now it is.
func (d *Dir) reopen(name string) (file, error) {
	f, err := d.files.openAppend(name)
	if err != nil || d.cfg.Sync == SyncNever {
		return f, err
	}
	err = f.Sync()
	for dir := filepath.Dir(name); err == nil && len(dir) >= len(d.path); dir = filepath.Dir(dir) {
		err = d.files.syncDir(dir)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// create makes a file of records with what it begins with, and opens it.
func (d *Dir) create(name string, data []byte) (file, error) {
	if err := d.makeDir(filepath.Dir(name)); err != nil {
		return nil, err
	}
	if err := d.writeFile(name, data, d.cfg.Sync); err != nil {
		return nil, err
	}
	return d.files.openAppend(name)
}
