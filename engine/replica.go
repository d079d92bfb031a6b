package engine

import (
	"container/list"
	"context"
	"sync"
)

// maxReplicas is how many runs' states a worker keeps.
const maxReplicas = 256

// replica is the state of a run that this process executes tasks of, folded from
// its log as far as those need.
type replica struct {
	mu    *lock // guards what follows
	run   *Run
	first []*Event // read already, and not folded yet
	id    string
}

// replicas are the last ones used. It is safe for concurrent use.
type replicas struct {
	mu   sync.Mutex // guards what follows
	byID map[string]*list.Element
	used list.List // of *replica, the last used first
}

// replica finds the one of a run, which has an event of the given sequence.
func (e *Engine) replica(ctx context.Context, run string, through uint64) (*replica, error) {
	if r := e.replicas.find(run); r != nil {
		return r, nil
	}
	g, first, err := e.opening(ctx, run, through)
	if err != nil {
		return nil, err
	}
	return e.replicas.add(&replica{id: run, mu: newLock(), run: NewRun(run, g, e.cfg.Policies), first: first}), nil
}

func (rs *replicas) find(run string) *replica {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	at := rs.byID[run]
	if at == nil {
		return nil
	}
	rs.used.MoveToFront(at)
	return at.Value.(*replica)
}

// add keeps a replica, or returns the one that was added meanwhile.
func (rs *replicas) add(r *replica) *replica {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if at := rs.byID[r.id]; at != nil {
		return at.Value.(*replica)
	}
	if rs.byID == nil {
		rs.byID = map[string]*list.Element{}
	}
	rs.byID[r.id] = rs.used.PushFront(r)
	if rs.used.Len() > maxReplicas {
		oldest := rs.used.Back()
		rs.used.Remove(oldest)
		delete(rs.byID, oldest.Value.(*replica).id)
	}
	return r
}

func (rs *replicas) drop(run string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if at := rs.byID[run]; at != nil {
		rs.used.Remove(at)
		delete(rs.byID, run)
	}
}

// clear drops all of them.
func (rs *replicas) clear() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.used.Init()
	clear(rs.byID)
}

// advance folds the run's log at least up to a sequence; to its end if all. The
// caller holds mu.
func (r *replica) advance(ctx context.Context, e *Engine, seq uint64, all bool) error {
	for r.first != nil || all || r.run.seq < seq {
		events, err := r.next(ctx, e, seq)
		switch {
		case err != nil:
			return err
		case len(events) == 0 && r.run.seq >= seq:
			return nil
		case len(events) == 0:
			return errBehind
		}
		for _, ev := range events {
			if err := r.apply(ctx, e, ev); err != nil {
				return err
			}
		}
		r.first = nil
	}
	return nil
}

// next returns events that are to be folded.
func (r *replica) next(ctx context.Context, e *Engine, seq uint64) ([]*Event, error) {
	if r.run.seq == 0 && r.first != nil {
		return r.first, nil
	}
	return e.readThrough(ctx, r.id, r.run.seq, seq)
}

// throughReader is a Journal that can wait until it shows what others have appended.
type throughReader interface {
	// ReadThrough returns the events after a sequence, at least through another, that
	// of an event of the run.
	ReadThrough(ctx context.Context, run string, after, through uint64) ([]*Event, error)
}

func (e *Engine) readThrough(ctx context.Context, run string, after, through uint64) ([]*Event, error) {
	if j, ok := e.backend.Journal.(throughReader); ok && after < through {
		return j.ReadThrough(ctx, run, after, through)
	}
	return e.backend.Journal.Read(ctx, run, after)
}

func (r *replica) apply(ctx context.Context, e *Engine, ev *Event) error {
	known := r.run.seq
	fold := func(ev *Event) error {
		if ev.Seq > known { // of a log that was brought back, which goes on where it was
			r.run.Apply(ev)
			r.run.commands = r.run.commands[:0]
		}
		return nil
	}
	if before := ev.events(); before != "" {
		if err := e.eachBefore(ctx, r.id, before, fold); err != nil {
			return err
		}
	}
	return fold(ev)
}

// heldRuns are the runs that were held a moment ago, and the sequences of the events
// that said so.
type heldRuns struct {
	mu sync.Mutex // guards runs
	at map[string]uint64
}

func (h *heldRuns) set(run string, seq uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case seq == 0:
		delete(h.at, run)
	case h.at == nil:
		h.at = map[string]uint64{run: seq}
	default:
		h.at[run] = seq
	}
}

// since is the sequence of the event by which a run is held; 0: it is not.
func (h *heldRuns) since(run string) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at[run]
}

func (h *heldRuns) clear() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.at)
}
