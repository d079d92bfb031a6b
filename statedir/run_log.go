package statedir

import (
	"os"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// runLog is the journal of one run. In memory are the last sequence of each
// chain, where some of the records are, and the newest events.
type runLog struct {
	appender
	dir  *Dir
	run  string
	path string

	reading  sync.RWMutex // held to remove files; taken before mu
	segments []segment    // the last is written to; this and what follows is guarded by mu
	trimmed  uint64       // events up to this are gone
	chains   chains
	marks    marks
	tail     tail
}

func newRunLog(d *Dir, run, path string) *runLog {
	l := &runLog{dir: d, run: run, path: path, chains: newChains()}
	l.init(d.cfg.Sync)
	l.full, l.most = l.rotate, d.cfg.SegmentSize
	l.mark = func(m mark) { l.marks.add(m, m.seq == l.segments[len(l.segments)-1].first) }
	return l
}

// enter makes sure that the log was read. The caller holds mu.
func (l *runLog) enter() error {
	if l.opened {
		return nil
	}
	err := l.load()
	l.opened = err == nil
	return err
}

// load reads the run's files. The caller holds mu.
func (l *runLog) load() error {
	l.chains, l.marks, l.segments = newChains(), nil, nil
	through, err := readBase(l.path, l.run, &l.chains)
	if err != nil {
		return err
	}
	segments, err := listSegments(l.path)
	if err != nil {
		return err
	}
	for len(segments) > 0 && segments[0].first <= through { // a trim was interrupted
		if err := os.Remove(segments[0].name); err != nil {
			return err
		}
		segments = segments[1:]
	}
	next := through + 1
	var data []byte // one room for all: a journal is longer than what is held of it
	for i, s := range segments {
		if s.first != next {
			return corrupt(s.name, 0, "it begins with event %d; those from %d on are missing", s.first, next)
		}
		if data, err = readFile(data, s.name); err != nil {
			return err
		}
		c, err := parseRecords(s.name, data, kindJournal, l.run, l.index)
		if err == nil && c.first != s.first {
			err = corrupt(s.name, 12, "it begins with event %d, its name says %d", c.first, s.first)
		}
		if err == nil && i < len(segments)-1 && c.end < c.size {
			err = corrupt(s.name, c.end, "no sound record %d, although there is a later file", c.next)
		}
		if err != nil {
			return err
		}
		if next = c.next; i == len(segments)-1 {
			if err := l.goOn(s, c); err != nil {
				return err
			}
		}
	}
	if len(segments) == 0 && through > 0 {
		return corrupt(newSegment(l.path, next).name, 0, "it is not there")
	}
	l.segments, l.trimmed = segments, through
	l.next, l.done, l.tail = next, next-1, tail{}
	if l.sync != SyncNever {
		l.synced = l.done
	}
	return nil
}

// goOn opens the last segment for what comes next.
func (l *runLog) goOn(s segment, c content) error {
	if err := l.dir.cut(s.name, l.run, c); err != nil {
		return err
	}
	f, err := l.dir.reopen(s.name)
	if err != nil {
		return err
	}
	l.file, l.name, l.size = f, s.name, int64(c.end)
	return nil
}

// index notes where a record is, and which chain it belongs to.
func (l *runLog) index(r record) error {
	chain, final, _, err := parseEntry(r.payload)
	if err != nil {
		return err
	}
	l.marks.add(mark{r.seq, int64(r.at)}, r.at == headerSize(l.run))
	l.chains.set(string(chain), r.seq, final)
	return nil
}

// append adds an event, encoded as entry, and returns once it is stored.
func (l *runLog) append(chain string, expect uint64, e *engine.Event, entry []byte) (seq uint64, gone bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return 0, true, nil
	}
	if err := l.ready(); err != nil {
		return 0, false, err
	}
	at, err := l.chains.last(chain, l.chainOf)
	if err != nil {
		return 0, false, err
	}
	if at != expect {
		if err := l.wait(at); err != nil { // what it lost against must not get lost in turn
			return 0, false, err
		}
		return 0, false, engine.ErrConflict
	}
	seq = l.push(entry)
	e.Seq = seq
	l.chains.set(chain, seq, isFinal(chain, e))
	l.tail.add(e, len(entry), l.done)
	return seq, false, l.wait(seq)
}

// ready makes sure that there is a file to append to. The caller holds mu.
func (l *runLog) ready() error {
	if err := l.enter(); err != nil || l.err != nil {
		return firstOf(err, l.err)
	}
	if l.file != nil {
		return nil
	}
	return l.begin(l.next)
}

// begin makes a segment the one to write to. The caller holds mu; nobody writes.
func (l *runLog) begin(first uint64) error {
	s := newSegment(l.path, first)
	head := header{kindJournal, first, l.run}.encode()
	f, err := l.dir.create(s.name, head)
	if err != nil {
		return err
	}
	if err := l.switchTo(f, s.name, int64(len(head))); err != nil {
		f.Close()
		return err
	}
	l.segments = append(l.segments[:len(l.segments):len(l.segments)], s)
	return nil
}

// rotate goes on in another segment, whatever the Sync only when this one is
// synced: only the last segment may end torn. The caller holds mu; nobody writes.
func (l *runLog) rotate() error {
	if l.synced < l.done {
		if err := l.file.Sync(); err != nil {
			return err
		}
		l.synced = l.done
	}
	return l.begin(l.done + 1)
}

// lastOf returns the sequence of a chain's last event, once it is stored.
func (l *runLog) lastOf(chain string) (seq uint64, gone bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return 0, true, nil
	}
	if err := l.enter(); err != nil {
		return 0, false, err
	}
	if seq, err = l.chains.last(chain, l.chainOf); err != nil {
		return 0, false, err
	}
	return seq, false, l.wait(seq)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
