package schedule

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

const (
	// lookEvery is how often all schedules are looked at; changes are told before.
	lookEvery = 10 * time.Second
	// lookAfter is when they are looked at again after a change: it may have been told
	// before it could be seen.
	lookAfter = time.Second
	// lookAtMost is how long after one look the next may be.
	lookAtMost = 100 * time.Millisecond
	// askedJustNow is for how long a time that was told is good: many schedules may be
	// due at once.
	askedJustNow = 100 * time.Millisecond
	// beginAtOnce is how many schedules begin runs at a time.
	beginAtOnce = 8
)

// Keeper begins what is due. There may be any number of them, in as many processes.
type Keeper struct {
	book

	ahead atomic.Int64 // nanoseconds by which the store's time is ahead of this process's
	asked atomic.Int64 // when that was asked, in nanoseconds since began
	began time.Time
	slots chan struct{} // one for each who begins runs

	tenders map[string]*tender
	all     sync.WaitGroup // of their goroutines
}

// NewKeeper needs Store and Runs of a Config.
func NewKeeper(c Config) *Keeper {
	return &Keeper{book: newBook(c), began: time.Now(), slots: make(chan struct{}, beginAtOnce), tenders: map[string]*tender{}}
}

// Run begins what is due until ctx is done, whose error it returns. It is to be called
// once.
func (k *Keeper) Run(ctx context.Context) error {
	changed, stop, err := k.Store.Watch()
	if err != nil {
		return fmt.Errorf("keep schedules: %w", err)
	}
	defer stop()
	defer k.all.Wait()
	timer := time.NewTimer(lookEvery)
	defer timer.Stop()
	next := lookEvery
	for first, lost := true, false; ; {
		begin := time.Now()
		err := k.look(ctx, first)
		if err == nil {
			first = false
		} else if !lost && ctx.Err() == nil {
			k.Logger.Warn("schedules can't be looked at; it is tried again", "err", err)
		}
		if lost = err != nil; lost {
			next = lookAfter
		}
		pause(ctx, max(lookAtMost, 10*time.Since(begin))) // what changes much is not looked at all the time
		timer.Reset(next)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
			next = lookAfter
		case <-timer.C:
			next = lookEvery
		}
	}
}

// look sees that there is a tender for each schedule. What was claimed before this
// process's first look, it takes for given up.
func (k *Keeper) look(ctx context.Context, first bool) error {
	if _, err := k.now(ctx); err != nil {
		return err
	}
	there := map[string]bool{}
	err := k.Store.Each(ctx, func(name string, data []byte, revision uint64) {
		d, err := decode(name, data)
		if err != nil {
			if k.tenders[name] == nil && first {
				k.Logger.Error("a schedule is left out", "err", err)
			}
			return
		}
		there[name] = true
		k.tend(ctx, page{d, revision}, first)
	})
	if err != nil {
		return err
	}
	for name, t := range k.tenders {
		if !there[name] {
			t.stop()
			delete(k.tenders, name)
		}
	}
	return nil
}

// tend has the tender of a schedule know it.
func (k *Keeper) tend(ctx context.Context, p page, first bool) {
	t := k.tenders[p.Schedule.Name]
	if t != nil {
		t.tell(p)
		return
	}
	ctx, stop := context.WithCancel(ctx)
	t = &tender{keeper: k, page: p, stop: stop, told: make(chan page, 1), seen: map[string]time.Time{}}
	if first {
		t.orphans()
	}
	k.tenders[p.Schedule.Name] = t
	k.all.Go(func() { t.run(ctx) })
}

// now asks for the time, unless that was done just now.
func (k *Keeper) now(ctx context.Context) (time.Time, error) {
	sent := time.Now()
	if asked := k.asked.Load(); asked > 0 && sent.Sub(k.began)-time.Duration(asked) < askedJustNow {
		return k.about(), nil
	}
	now, err := k.Store.Now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	here := sent.Add(time.Since(sent) / 2).Round(0) // the clock on the wall
	k.ahead.Store(int64(now.Sub(here)))
	k.asked.Store(int64(time.Since(k.began)))
	return now, nil
}

// about is the time as far as it is known without asking.
func (k *Keeper) about() time.Time {
	return time.Now().Round(0).Add(time.Duration(k.ahead.Load()))
}

// pause waits.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// stillGoing are those of some runs that have not ended.
func (k *Keeper) stillGoing(ctx context.Context, runs []string) ([]string, error) {
	var all []string
	for _, run := range runs {
		story, err := k.Runs.Show(ctx, run)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at run %s: %w", run, err)
		}
		if goesOn(story.Status) {
			all = append(all, run)
		}
	}
	return all, nil
}

// jitter is about d, not the same in all processes.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d) //nolint:gosec // no secret
}
