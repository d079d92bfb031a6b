package statedir

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// eachFrom calls each with the records of a run's segments from a mark on, up to
// a sequence, or until it wants no more. All of them were there before: one that
// is not is damage. The caller holds what keeps segments from being removed.
func eachFrom(run string, segments []segment, from mark, through uint64, each func(record) (more bool, err error)) error {
	i, found := slices.BinarySearchFunc(segments, from.seq, func(s segment, seq uint64) int { return cmp.Compare(s.first, seq) })
	if !found {
		i--
	}
	for next := from.seq; next <= through; i++ {
		last := through
		if i+1 < len(segments) {
			last = min(through, segments[i+1].first-1)
		}
		more, err := segments[i].each(from.offset, next, last, each)
		if err != nil || !more {
			return err
		}
		next, from.offset = last+1, int64(headerSize(run))
	}
	return nil
}

// each calls f with the records of a segment from one sequence to another, the
// first of which is at an offset.
func (s segment) each(offset int64, next, last uint64, f func(record) (more bool, err error)) (more bool, err error) {
	file, err := os.Open(s.name)
	if err != nil {
		return false, err
	}
	defer func() { _ = file.Close() }() // it was only read
	in, err := newRecordReader(file, offset)
	if err != nil {
		return false, err
	}
	for ; next <= last; next++ {
		at := in.at
		r, err := in.next()
		switch {
		case err != nil:
			return false, fmt.Errorf("read %s: %w", s.name, err)
		case r.seq != next:
			return false, corrupt(s.name, int(at), "no sound record %d, which was there before", next)
		}
		if more, err = f(r); err != nil {
			return false, unsound(s.name, int(at), next, err)
		}
		if !more {
			return false, nil
		}
	}
	return true, nil
}

// recordReader reads one record after the other, without holding more than one.
type recordReader struct {
	in       *bufio.Reader
	at, size int64
	buf      []byte
}

func newRecordReader(f *os.File, offset int64) (*recordReader, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	_, err = f.Seek(offset, io.SeekStart)
	return &recordReader{in: bufio.NewReaderSize(f, 64<<10), at: offset, size: info.Size()}, err
}

// next reads a record, whose payload is good until the next one is read. One that
// is not sound has the sequence 0.
func (r *recordReader) next() (record, error) {
	head, err := r.in.Peek(recordHeader)
	if errors.Is(err, io.EOF) {
		return record{}, nil
	}
	if err != nil {
		return record{}, err
	}
	n := recordHeader + int64(binary.LittleEndian.Uint32(head[4:]))
	if n > r.size-r.at {
		return record{}, nil
	}
	r.buf = slices.Grow(r.buf[:0], int(n))[:n]
	if _, err := io.ReadFull(r.in, r.buf); err != nil {
		return record{}, err
	}
	r.at += n
	got, _ := parseRecord(r.buf)
	return got, nil
}
