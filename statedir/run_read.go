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

// read returns the stored events after a sequence.
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
	from, to := max(after+1, first)-first, max(done+1, first)-first
	newest := l.tail.events[from:to:to]
	l.mu.Unlock()
	if after+1 >= first {
		return newest, false, nil
	}
	events, err = l.readFiles(segments, after, min(done, first-1))
	return append(events, newest...), false, err
}

// readFiles reads the events after a sequence, up to another, from segments that
// hold them. The caller holds reading.
func (l *runLog) readFiles(segments []segment, after, through uint64) ([]*engine.Event, error) {
	events := make([]*engine.Event, 0, through-after)
	for i, s := range segments {
		if s.first > through || i+1 < len(segments) && segments[i+1].first <= after+1 {
			continue
		}
		c, err := readRecords(s.name, kindJournal, l.run, func(r record) error {
			if r.seq <= after || r.seq > through {
				return nil
			}
			e, err := decodeEvent(r.seq, r.payload)
			events = append(events, e)
			return err
		})
		if err == nil && c.next <= through && (i+1 == len(segments) || c.next != segments[i+1].first) {
			err = corrupt(s.name, c.end, "no sound record %d, which was there before", c.next)
		}
		if err != nil {
			return nil, err
		}
	}
	return events, nil
}
