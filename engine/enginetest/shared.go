package enginetest

import (
	"context"
	"hash/fnv"
	"maps"
	"slices"
	"sync"

	"github.com/graflow/graflow-wasm/engine"
)

// Shared is a backend in memory that several engines share, as the processes of a
// cluster do, without a network: what they tell one another arrives at once and in
// order. It is safe for concurrent use.
type Shared struct {
	backend *engine.Backend

	mu       sync.Mutex // guards what follows
	runs     map[string]bool
	owners   []*sharing
	listen   map[int]func(engine.Signal)
	watchers map[int]runWatcher
	next     int
	marks    map[string]engine.Mark
	letters  []engine.DeadLetter
	notices  []engine.Notice
}

// sharing is one owner.
type sharing struct{ engine.Owner }

type runWatcher struct {
	run   string
	moved func()
}

// NewShared makes an empty one.
func NewShared() *Shared {
	return &Shared{
		backend: engine.InMemory(), runs: map[string]bool{}, listen: map[int]func(engine.Signal){},
		watchers: map[int]runWatcher{}, marks: map[string]engine.Mark{},
	}
}

// Backend returns what one process has of it.
func (s *Shared) Backend() *engine.Backend {
	b := *s.backend
	b.Journal = sharedJournal{b.Journal, s}
	b.Queue = ticketQueue{b.Queue}
	b.Cluster = s
	return &b
}

var _ engine.Cluster = (*Shared)(nil)

// sharedJournal tells the owners of runs what was appended to them.
type sharedJournal struct {
	engine.Journal
	shared *Shared
}

func (j sharedJournal) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	c := *e // each process has what it reads for its own
	seq, err := j.Journal.Append(ctx, run, chain, expect, &c)
	if err == nil {
		e.Seq = seq
		j.shared.moved(run)
	}
	return seq, err
}

// Trim implements engine.Journal: others read the log too.
func (sharedJournal) Trim(context.Context, string, uint64) error { return nil }

func (s *Shared) moved(run string) {
	s.mu.Lock()
	s.runs[run] = true
	owner := s.ownerOf(run)
	var all []func()
	for _, w := range s.watchers {
		if w.run == run {
			all = append(all, w.moved)
		}
	}
	s.mu.Unlock()
	if owner != nil {
		owner.Moved(run)
	}
	for _, f := range all {
		f()
	}
}

// ownerOf is whose share a run is of. The caller holds mu.
func (s *Shared) ownerOf(run string) *sharing {
	if len(s.owners) == 0 {
		return nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(run)) // never fails
	return s.owners[int(h.Sum32())%len(s.owners)]
}

// Own implements engine.Cluster.
func (s *Shared) Own(ctx context.Context, o engine.Owner) error {
	me := &sharing{o}
	s.divide(func() { s.owners = append(s.owners, me) })
	<-ctx.Done()
	s.divide(func() { s.owners = slices.DeleteFunc(s.owners, func(x *sharing) bool { return x == me }) })
	return nil
}

// divide divides the runs anew.
func (s *Shared) divide(change func()) {
	s.mu.Lock()
	was := map[string]*sharing{}
	for run := range s.runs {
		was[run] = s.ownerOf(run)
	}
	change()
	now := map[string]*sharing{}
	for run := range s.runs {
		now[run] = s.ownerOf(run)
	}
	s.mu.Unlock()
	for _, run := range slices.Sorted(maps.Keys(now)) {
		if was[run] == now[run] {
			continue
		}
		if was[run] != nil {
			was[run].Gone(run)
		}
		if now[run] != nil {
			now[run].Moved(run)
		}
	}
}

// Mark implements engine.Cluster.
func (s *Shared) Mark(_ context.Context, m engine.Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[m.Run] = m
	return nil
}

// Marked is how a run stands by its last mark.
func (s *Shared) Marked(run string) engine.Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.marks[run]
}

// Signal implements engine.Cluster.
func (s *Shared) Signal(_ context.Context, sig engine.Signal) error {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.listen))
	s.mu.Unlock()
	for _, f := range all {
		f(sig)
	}
	return nil
}

// Signals implements engine.Cluster.
func (s *Shared) Signals(ctx context.Context, f func(engine.Signal), _ func()) error {
	s.mu.Lock()
	s.next++
	id := s.next
	s.listen[id] = f
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listen, id)
	return nil
}

// Watch implements engine.Cluster.
func (s *Shared) Watch(ctx context.Context, run string, moved func()) error {
	s.mu.Lock()
	s.next++
	id := s.next
	s.watchers[id] = runWatcher{run, moved}
	s.mu.Unlock()
	moved()
	<-ctx.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watchers, id)
	return nil
}

// Bury implements engine.Cluster.
func (s *Shared) Bury(_ context.Context, l engine.DeadLetter) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letters = append(s.letters, l)
	return nil
}

// Buried are the dead letters.
func (s *Shared) Buried() []engine.DeadLetter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.letters)
}

// Tell implements engine.Cluster.
func (s *Shared) Tell(n engine.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, n)
}

// Told are the notices of attempts.
func (s *Shared) Told() []engine.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notices)
}

// ticketQueue carries nothing but tickets.
type ticketQueue struct{ engine.Queue }

func (q ticketQueue) Enqueue(ctx context.Context, _ bool, ds ...*engine.Delivery) error {
	tickets := make([]*engine.Delivery, len(ds))
	for i, d := range ds {
		tickets[i] = &engine.Delivery{Run: d.Run, Activation: d.Activation, Attempt: d.Attempt, Rev: d.Rev, Seq: d.Seq}
	}
	return q.Queue.Enqueue(ctx, false, tickets...)
}
