package engine

import (
	"context"
	"sync"
)

// memJournal is a Journal in memory. It is safe for concurrent use.
type memJournal struct {
	mu   sync.RWMutex // guards runs
	runs map[string]*memLog
}

type memLog struct {
	mu     sync.Mutex // guards what follows
	events []*Event
	before uint64            // how many were trimmed: events[0] has the sequence before+1
	last   map[string]uint64 // by chain
}

var _ Journal = (*memJournal)(nil)

func newMemJournal() *memJournal { return &memJournal{runs: map[string]*memLog{}} }

func (j *memJournal) log(run string, create bool) *memLog {
	j.mu.RLock()
	l := j.runs[run]
	j.mu.RUnlock()
	if l != nil || !create {
		return l
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if l = j.runs[run]; l == nil {
		l = &memLog{last: map[string]uint64{}}
		j.runs[run] = l
	}
	return l
}

func (j *memJournal) Append(_ context.Context, run, chain string, expect uint64, e *Event) (uint64, error) {
	l := j.log(run, true)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last[chain] != expect {
		return 0, ErrConflict
	}
	e.Seq = l.before + uint64(len(l.events)) + 1
	l.events = append(l.events, e)
	l.last[chain] = e.Seq
	return e.Seq, nil
}

func (j *memJournal) Read(_ context.Context, run string, after uint64) ([]*Event, error) {
	l := j.log(run, false)
	if l == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.events)
	if after >= l.before+uint64(n) {
		return nil, nil
	}
	from := max(after, l.before) - l.before
	return l.events[from:n:n], nil // entries never change, nor does what is before n
}

// trimBatch is how many events are dropped at a time, so that one costs little.
const trimBatch = 1024

func (j *memJournal) Trim(_ context.Context, run string, through uint64) error {
	l := j.log(run, false)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if through < l.before+trimBatch {
		return nil
	}
	n := min(through-l.before, uint64(len(l.events)))
	for _, e := range l.events[:n] {
		if (e.Type == EventCompleted || e.Type == EventStopped) && l.last[e.Activation] == e.Seq {
			delete(l.last, e.Activation) // nothing follows on it; what comes late the fold discards
		}
	}
	l.events = append([]*Event(nil), l.events[n:]...)
	l.before += n
	return nil
}

func (j *memJournal) Last(_ context.Context, run, chain string) (uint64, error) {
	l := j.log(run, false)
	if l == nil {
		return 0, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last[chain], nil
}

func (j *memJournal) Forget(_ context.Context, run string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.runs, run)
	return nil
}
