package natsbus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// driver is an owner that reads the runs it is told of to their ends, again and
// again.
type driver struct {
	journal *Journal
	seen    func(run string, e *engine.Event)

	mu    sync.Mutex // guards what follows
	moved map[string]bool
	runs  map[string]uint64 // up to where each was read
	gone  int
	wake  chan struct{}
}

// startOwner makes a journal's process an owner, until the test ends or stop is
// called.
func startOwner(tb testing.TB, j *Journal) (d *driver, stop func()) {
	tb.Helper()
	return startDriver(tb, j, nil)
}

func startDriver(tb testing.TB, j *Journal, seen func(string, *engine.Event)) (d *driver, stop func()) {
	tb.Helper()
	d = &driver{journal: j, seen: seen, moved: map[string]bool{}, runs: map[string]uint64{}, wake: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(tb.Context())
	var all sync.WaitGroup
	all.Go(func() {
		if err := j.own(ctx, d, nil); err != nil {
			tb.Error(err)
		}
	})
	if seen != nil {
		all.Go(func() { d.drive(ctx, tb) })
	}
	stop = func() { cancel(); all.Wait() }
	tb.Cleanup(stop)
	return d, stop
}

func (d *driver) Moved(run string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.moved[run] = true
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *driver) Gone(run string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone++
	delete(d.moved, run)
	delete(d.runs, run)
}

func (d *driver) drive(ctx context.Context, tb testing.TB) {
	tb.Helper()
	for {
		select {
		case <-d.wake:
		case <-ctx.Done():
			return
		}
		d.mu.Lock()
		moved := d.moved
		d.moved = map[string]bool{}
		d.mu.Unlock()
		for run := range moved {
			if err := d.readOn(ctx, run); err != nil && ctx.Err() == nil {
				tb.Errorf("read run %s: %v", run, err)
			}
		}
	}
}

func (d *driver) readOn(ctx context.Context, run string) error {
	d.mu.Lock()
	after := d.runs[run]
	d.mu.Unlock()
	for {
		events, err := d.journal.Read(ctx, run, after)
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			after = e.Seq
			d.seen(run, e)
		}
		d.mu.Lock()
		d.runs[run] = after
		d.mu.Unlock()
	}
}

func (d *driver) told() (gone int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gone
}

// following is how many partitions a journal serves from memory.
func following(j *Journal) (n int) {
	for i := range j.parts {
		if f := j.parts[i].Load(); f != nil {
			f.mu.Lock()
			if f.begun {
				n++
			}
			f.mu.Unlock()
		}
	}
	return n
}

// Each process has an equal part, soon after one has come or gone.
func TestOwnersShare(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	a, b, c := newJournal(sharedBus(t, ns), nil), newJournal(sharedBus(t, ns), nil), newJournal(sharedBus(t, ns), nil)
	_, stopA := startOwner(t, a)
	eventually(t, "one has all", func() bool { return following(a) == 16 })
	_, stopB := startOwner(t, b)
	eventually(t, "two have a half each", func() bool { return following(a) == 8 && following(b) == 8 })
	startOwner(t, c)
	eventually(t, "three have a third each", func() bool {
		return following(a) <= 6 && following(b) <= 6 && following(c) <= 6 && following(a)+following(b)+following(c) == 16
	})
	begin := time.Now()
	stopA()
	if following(a) != 0 {
		t.Errorf("who has left follows %d", following(a))
	}
	eventually(t, "two have a half each again", func() bool { return following(b) == 8 && following(c) == 8 })
	if d := time.Since(begin); d > leaseTime/2 {
		t.Errorf("what was given back was taken after %s", d)
	}
	stopB()
	eventually(t, "one has all again", func() bool { return following(c) == 16 })
}

// The partitions of a process that died go to another, and what it decides late is
// refused.
func TestOwnerDies(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	l, bus := lineTo(t, ns)
	a, b := newJournal(bus, nil), newJournal(sharedBus(t, ns), nil)
	old, _ := startOwner(t, a)
	eventually(t, "one has all", func() bool { return following(a) == 16 })
	start := mustAppend(t, b, "r", "", 0, &engine.Event{Type: engine.EventStarted})
	eventually(t, "it is told of the run", func() bool { old.mu.Lock(); defer old.mu.Unlock(); return old.moved["r"] })

	l.lose(true, true)
	begin := time.Now()
	heir, _ := startOwner(t, b)
	eventually(t, "the other has all", func() bool { return following(b) == 16 })
	took := time.Since(begin)
	if took > 8*time.Second {
		t.Errorf("the partitions moved after %s", took)
	}
	t.Logf("the partitions moved after %s", took)
	if following(a) != 0 || old.told() != 1 {
		t.Errorf("the old owner follows %d partitions, and was told that %d runs are gone, want 0 and 1", following(a), old.told())
	}
	eventually(t, "the heir is told of the run", func() bool { heir.mu.Lock(); defer heir.mu.Unlock(); return heir.moved["r"] })
	mustAppend(t, b, "r", "", start, &engine.Event{Type: engine.EventHeld})
	l.cut()
	if _, err := a.Append(t.Context(), "r", "", start, &engine.Event{Type: engine.EventReleased}); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("a late decision: %v, want ErrConflict", err)
	}
}

// While partitions move, no event is missed.
func TestOwnersMissNothing(t *testing.T) {
	t.Parallel()
	const writers, runs, each = 4, 30, 20
	ns := newNamespace()
	type place struct {
		run string
		seq uint64
	}
	var mu sync.Mutex
	seen := map[place]bool{}
	see := func(run string, e *engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		seen[place{run, e.Seq}] = true
	}
	own := func() (stop func()) {
		_, stop = startDriver(t, newJournal(sharedBus(t, ns), nil), see)
		return stop
	}
	own()
	out := newJournal(sharedBus(t, ns), nil)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var turning, writing sync.WaitGroup
	turning.Go(func() { // owners come and go
		for ctx.Err() == nil {
			stop := own()
			select {
			case <-time.After(2 * leaseTick): // what moves is the time of leases
			case <-ctx.Done():
			}
			stop()
		}
	})
	var appended sync.Map
	for w := range writers {
		writing.Go(func() {
			for i := range runs {
				run := fmt.Sprintf("run-%d-%d", w, i)
				last, err := out.Append(ctx, run, "", 0, &engine.Event{Type: engine.EventStarted})
				for range each {
					if err != nil {
						t.Error(err)
						return
					}
					appended.Store(place{run, last}, true)
					last, err = out.Append(ctx, run, "", last, &engine.Event{Type: engine.EventTimer})
					<-time.After(8 * time.Millisecond) // so that it lasts as long as some moves take
				}
				appended.Store(place{run, last}, true)
			}
		})
	}
	writing.Wait()
	end()
	turning.Wait()
	appended.Range(func(key, _ any) bool {
		p := key.(place)
		eventually(t, fmt.Sprintf("event %d of %s is seen", p.seq, p.run), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return seen[p]
		})
		return !t.Failed()
	})
}

// A journal has one owner.
func TestOwnTwice(t *testing.T) {
	t.Parallel()
	j := testJournal(t)
	startOwner(t, j)
	eventually(t, "one has all", func() bool { return following(j) == 16 })
	if err := j.own(t.Context(), &driver{}, nil); !errors.Is(err, errOwning) {
		t.Errorf("a second owner: %v", err)
	}
}

// TestOwnerListsAll: what lists the runs of a partition is as new as the point from which
// on events come in. A server that was suspended as the leader says for a moment what it
// knew then: runs that began since would be nobody's.
func TestOwnerListsAll(t *testing.T) {
	t.Parallel()
	bus := sharedBus(t, newNamespace())
	j, d := newJournal(bus, nil), &driver{moved: map[string]bool{}, wake: make(chan struct{}, 1)}
	seq := mustAppend(t, j, "r", "", 0, &engine.Event{Type: engine.EventStarted})
	o := newOwning(j, d)
	f := newFollower(bus, partition(bus.cfg.Namespace, "r"), d)
	if err := o.tellAll(t.Context(), f, math.MaxInt64); !errors.Is(err, errBehind) {
		t.Errorf("a list that is older than it must be: %v, want errBehind", err)
	}
	if len(d.moved) > 0 {
		t.Errorf("the owner was told of %v by such a list", d.moved)
	}
	if err := o.tellAll(t.Context(), f, seq); err != nil || !d.moved["r"] {
		t.Errorf("the owner was told of %v, error %v, want of run r", d.moved, err)
	}
}

// TestReadOfLaggingLeader: an event that has come in from one server is waited for where
// another does not have it yet. Who was told of it would not be told again.
func TestReadOfLaggingLeader(t *testing.T) {
	t.Parallel()
	ns := newNamespace()
	bus, out := sharedBus(t, ns), newJournal(sharedBus(t, ns), nil)
	bus.cfg.Replicas = 3 // so no server's word is taken for all
	j := newJournal(bus, nil)
	start := mustAppend(t, out, "r", "", 0, &engine.Event{Type: engine.EventStarted})
	n := partition(bus.cfg.Namespace, "r")
	f := newFollower(bus, n, nobody{})
	f.begin(start + 5) // what came before was not kept
	j.parts[n].Store(f)
	f.take(start+6, &nats.Msg{Subject: f.prefix + token("r") + ".d.ev"})
	stored := make(chan uint64, 1)
	time.AfterFunc(20*behindPause, func() {
		seq, err := out.Append(t.Context(), "r", "", start, &engine.Event{Type: engine.EventHeld})
		if err != nil {
			t.Error(err)
		}
		stored <- seq
	})
	events, err := j.Read(t.Context(), "r", start)
	if want := receive(t, "the event is stored", stored); err != nil || len(events) != 1 || events[0].Seq != want {
		t.Errorf("read %+v, error %v, want event %d", events, err, want)
	}
}
