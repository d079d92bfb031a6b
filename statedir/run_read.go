package statedir

import (
	"github.com/graflow/graflow-wasm/engine"
)

// Bounds of what a run's newest events hold in memory: what an owner that keeps
// up reads again and again.
const (
	tailEvents = 1024
	tailBytes  = 4 << 20
)

// tail is the newest events of a log. Their slice is never written to again
// where it was read from.
type tail struct {
	events []*engine.Event
	sizes  []int
	bytes  int
}

// add appends an event. Of those that are stored already, up to done, old ones
// make room.
func (t *tail) add(e *engine.Event, size int, done uint64) {
	t.events, t.sizes = append(t.events, e), append(t.sizes, size)
	if t.bytes += size; len(t.events) <= 2*tailEvents && t.bytes <= 2*tailBytes {
		return
	}
	n := 0
	for n < len(t.events)-1 && t.events[n].Seq <= done && (len(t.events)-n > tailEvents || t.bytes > tailBytes) {
		t.bytes -= t.sizes[n]
		n++
	}
	t.events = append([]*engine.Event(nil), t.events[n:]...)
	t.sizes = append([]int(nil), t.sizes[n:]...)
}

// Bounds of what is read from files at a time; one event may be larger.
const (
	pageEvents = 4096
	pageBytes  = 4 << 20
)

// read returns the first of the stored events after a sequence.
func (l *runLog) read(after uint64) (events []*engine.Event, gone bool, err error) {
	l.reading.RLock()
	defer l.reading.RUnlock()
	l.mu.Lock()
	if gone = l.gone; !gone {
		err = l.enter()
	}
	if gone || err != nil {
		l.mu.Unlock()
		return nil, gone, err
	}
	done, segments := l.done, l.segments
	first := l.next - uint64(len(l.tail.events)) // of the tail
	after = max(after, l.trimmed)
	if after >= done {
		l.mu.Unlock()
		return nil, false, nil
	}
	if after+1 >= first {
		from, to := after+1-first, done+1-first
		events = l.tail.events[from:to:to]
		l.mu.Unlock()
		return events, false, nil
	}
	from := l.marks.before(after + 1)
	l.mu.Unlock()
	events, err = l.readPage(segments, from, after, min(done, first-1))
	return events, false, err
}

// readPage reads events after a sequence, up to another. The caller holds
// reading.
func (l *runLog) readPage(segments []segment, from mark, after, through uint64) (events []*engine.Event, err error) {
	size := 0
	err = eachFrom(l.run, segments, from, through, func(r record) (more bool, err error) {
		if r.seq <= after {
			return true, nil
		}
		e, err := decodeEvent(r.seq, r.payload)
		events = append(events, e)
		size += len(r.payload)
		return len(events) < pageEvents && size < pageBytes, err
	})
	if err != nil {
		return nil, err
	}
	return events, nil
}

// chainOf reads which chain the last event of an ended one belongs to. The caller
// holds mu.
func (l *runLog) chainOf(seq uint64) (chain string, err error) {
	if first := l.next - uint64(len(l.tail.events)); seq >= first {
		return l.tail.events[seq-first].Activation, nil // see isFinal
	}
	err = eachFrom(l.run, l.segments, l.marks.before(seq), seq, func(r record) (bool, error) {
		if r.seq < seq {
			return true, nil
		}
		name, _, _, err := parseEntry(r.payload)
		chain = string(name)
		return false, err
	})
	return chain, err
}
