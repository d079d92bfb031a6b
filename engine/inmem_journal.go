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
	e.Seq = uint64(len(l.events)) + 1
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
	if after >= uint64(len(l.events)) {
		return nil, nil
	}
	n := len(l.events)
	return l.events[after:n:n], nil // entries never change, nor does what is before n
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
