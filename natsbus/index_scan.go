package natsbus

import (
	"context"
	"slices"
	"strings"
	"time"
)

const (
	// indexBatch is how many sequences of the index are read at once, or a few times as
	// many.
	indexBatch = 256
	// indexWidth is how many blocks are read at once, where many must be.
	indexWidth = 4
	// indexScan is how many entries one page reads, if few runs are as asked for.
	indexScan = 20_000
	// indexReach is how many entries one page passes by, if it need not read them: more
	// of its runs would be in files that the server does not have in memory.
	indexReach = 100_000
	// indexAhead is how many entries a page that passed by indexScan reads, so that it
	// need not the next time.
	indexAhead = 2048
)

// scan reads the index backwards, for one page of runs.
type scan struct {
	bus    *Bus
	filter filter
	since  time.Time
	at     uint64 // the sequence where to go on, backwards; 0 is the end
	width  uint64 // how many blocks to read at once
	near   bool   // there is an entry a little after at
	passed int    // entries passed by, read or known
	read   int    // entries asked for
}

// scanIndex begins a scan where a page is to begin.
func (b *Bus) scanIndex(ctx context.Context, q RunsQuery) (*scan, error) {
	at, err := b.indexEnd(ctx, q.Before)
	s := &scan{bus: b, filter: filterOf(q), since: q.Since, at: at, width: 1}
	if err == nil && !s.filter.all() {
		err = b.checkDigest(ctx)
	}
	return s, err
}

// more tells whether there is more to read, and that it is not enough for one page.
func (s *scan) more() bool {
	return s.at > 0 && (s.passed < indexScan || s.passed < indexReach && s.read < indexAhead)
}

// next reads entries that may be wanted, newest first: at most n where they are known,
// else those of a window.
func (s *scan) next(ctx context.Context, n int) ([]*kept, error) {
	if s.filter.all() {
		return s.window(ctx)
	}
	from := s.at
	wants := s.known(min(n, indexBatch))
	if s.at == from {
		return s.window(ctx)
	}
	s.near = true
	found, err := s.bus.pick(ctx, streamIndex, wants)
	s.read += len(wants)
	all := found[:0]
	for i, e := range found {
		switch {
		case e == nil: // of a replica that is behind
		case e.seq == wants[i].Seq:
			all = append(all, e)
		default: // what comes after it is told, so it was replaced or dropped
			s.bus.digest.clear(wants[i].Seq)
		}
	}
	return all, err
}

// known goes through the blocks of which there is a digest, and returns what to ask for
// to read up to n entries that may be wanted.
func (s *scan) known(n int) (wants []wanted) {
	for s.at > 0 && len(wants) < n && s.passed < indexReach {
		b := s.bus.digest.block(s.at / blockSize)
		if b == nil {
			break
		}
		for low := b.first(); s.at >= low && len(wants) < n; s.at-- {
			t := tag(b.tags[s.at%blockSize].Load())
			if t != 0 {
				s.passed++
			}
			if s.filter.matches(t) {
				wants = append(wants, wanted{Seq: s.at, Next: ">"})
			}
		}
	}
	return wants
}

// window reads the entries of a window, and keeps a digest of them unless all are
// wanted. Single gets, since one for a batch has the server look at every subject of a
// stream with one message each.
func (s *scan) window(ctx context.Context) ([]*kept, error) {
	end, low := s.at, s.low()
	found, after, err := s.bus.readDown(ctx, end, low, s.near)
	if err != nil {
		return nil, err
	}
	s.at = low - 1
	tags, ours, err := s.tags(found)
	if err != nil {
		return nil, err
	}
	s.passed, s.read = s.passed+len(ours), s.read+len(ours)
	s.near = false
	switch {
	case len(ours) > 0:
		if !s.filter.all() {
			s.near = slices.ContainsFunc(found[len(found)-min(len(found), indexBatch):], func(e *kept) bool { return e != nil })
			err = s.learn(ctx, end, after, tags)
		}
		if ours[len(ours)-1].time.Before(s.since) {
			s.at = 0
		}
	case s.at > 0:
		s.at, err = s.bus.indexGap(ctx, s.at)
	}
	if s.filter.all() {
		return ours, err
	}
	return slices.DeleteFunc(ours, func(e *kept) bool { return !s.filter.matches(tags[end-e.seq]) }), err
}

// readDown reads the entries from end down to low, nil for what was not found, and for
// each sequence the first entry from it on, as far as that is told. With next it is told
// by each answer: cheap, where the server need not look for it behind a large gap.
func (b *Bus) readDown(ctx context.Context, end, low uint64, next bool) (found, after []*kept, err error) {
	var wants []wanted
	for seq := end; seq >= low; seq-- {
		w := wanted{Seq: seq}
		if next {
			w.Next = ">"
		}
		wants = append(wants, w)
	}
	after, err = b.pick(ctx, streamIndex, wants)
	found = slices.Clone(after)
	for i, e := range found {
		if e != nil && e.seq != wants[i].Seq {
			found[i] = nil
		}
	}
	return found, after, err
}

// low is where a window that ends at s.at begins: unless all is wanted with a block, and
// none of which there is a digest.
func (s *scan) low() uint64 {
	if s.filter.all() {
		return s.at - min(s.at, indexBatch) + 1
	}
	first := s.at / blockSize
	low := first
	for low > 0 && first-low+1 < s.width && s.bus.digest.block(low-1) == nil {
		low--
	}
	s.width = min(2*s.width, indexWidth)
	return max(1, low*blockSize)
}

// tags digests what was found, and tells which of it is of this namespace. If all is
// wanted it digests nothing.
func (s *scan) tags(found []*kept) (tags []tag, ours []*kept, err error) {
	tags = make([]tag, len(found))
	for i, e := range found {
		if e == nil || !strings.HasPrefix(e.subject, s.bus.indexPrefix()) {
			continue
		}
		ours = append(ours, e)
		if s.filter.all() {
			continue
		}
		if tags[i], err = tagOf(e); err != nil {
			return nil, nil, err
		}
	}
	return tags, ours, nil
}

// learn keeps the digests of the blocks that a window has all of, newest first from end
// on. after has the first entry from each sequence on, as far as it is known.
func (s *scan) learn(ctx context.Context, end uint64, after []*kept, tags []tag) error {
	part := min((end+1)%blockSize, uint64(len(after)))
	end, after, tags = end-part, after[part:], tags[part:]
	err := s.bus.following(ctx, end, after)
	for err == nil && len(after) > 0 {
		n := min(end%blockSize+1, end)
		if last := after[0]; !slices.Contains(after[:n], nil) {
			b := &block{number: end / blockSize, next: last.seq, time: last.time}
			for i, t := range tags[:n] {
				b.tags[(end-uint64(i))%blockSize].Store(uint32(t))
			}
			s.bus.digest.put(b)
		}
		end, tags, after = end-n, tags[n:], after[n:]
	}
	return err
}

// following adds to after, where there is none, the first entry from each sequence on,
// from end backwards. None is left where it is not sure that it is the first: what was
// not found may have not come to the replica that answered. One that tells of a later
// entry has had all before that.
func (b *Bus) following(ctx context.Context, end uint64, after []*kept) error {
	var wants []wanted // one for each gap
	var tops []int     // the indexes of their ends
	for i, e := range after {
		if e != nil {
			continue
		}
		if i == 0 || after[i-1] != nil {
			wants, tops = append(wants, wanted{}), append(tops, i)
		}
		wants[len(wants)-1] = wanted{Seq: end - uint64(i), Next: ">"}
	}
	if len(wants) == 0 {
		return nil
	}
	nexts, err := b.pick(ctx, streamIndex, wants)
	for k, e := range nexts {
		if e == nil || e.seq <= end-uint64(tops[k]) {
			continue
		}
		for i := tops[k]; i < len(after) && after[i] == nil; i++ {
			after[i] = e
		}
	}
	return err
}
