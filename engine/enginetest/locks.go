package enginetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

var lockCases = []testCase{
	{"excludes", lockExcludes},
	{"timeout", lockTimeout},
	{"re-entry", lockReentry},
	{"independent keys and runs", lockIndependent},
	{"ttl", lockTTL},
	{"context", lockContext},
	{"unlock by another", lockForeign},
}

func lock(t *testing.T, s Suite, c engine.Channel, name, owner string) {
	t.Helper()
	check(t, c.Lock(s.patient(t), "r", name, owner, s.Lease, 0))
}

func locked(t *testing.T, s Suite, c engine.Channel, owner string) {
	t.Helper()
	wantError(t, owner+" locks l", c.Lock(s.patient(t), "r", "l", owner, s.Lease, s.Unit), engine.ErrLocked)
}

func unlock(t *testing.T, s Suite, c engine.Channel, owner string) {
	t.Helper()
	check(t, c.Unlock(s.patient(t), "r", "l", owner))
}

func lockExcludes(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	var inside, most, times atomic.Int32
	var all sync.WaitGroup
	for _, owner := range []string{"a", "b", "c", "d", "e", "f"} {
		all.Go(func() {
			for range 5 {
				if err := b.Channel.Lock(ctx, "r", "l", owner, 30*s.Lease, 30*s.Lease); err != nil {
					t.Errorf("%s: %v", owner, err)
					return
				}
				most.Store(max(most.Load(), inside.Add(1)))
				wait(s.Unit / 20)
				times.Add(1)
				inside.Add(-1)
				if err := b.Channel.Unlock(ctx, "r", "l", owner); err != nil {
					t.Errorf("%s: %v", owner, err)
				}
			}
		})
	}
	all.Wait()
	if most.Load() != 1 || times.Load() != 30 {
		t.Errorf("%d held the lock at once, %d times; want 1, 30 times", most.Load(), times.Load())
	}
}

func lockTimeout(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	lock(t, s, b.Channel, "l", "a")
	begun := time.Now()
	err := b.Channel.Lock(s.patient(t), "r", "l", "b", s.Lease, 2*s.Unit)
	wantError(t, "lock what another holds", err, engine.ErrLocked)
	if got := time.Since(begun); got < 2*s.Unit || got > s.Lease {
		t.Errorf("gave up after %s, want %s", got, 2*s.Unit)
	}
	wantError(t, "lock without waiting", b.Channel.Lock(s.patient(t), "r", "l", "b", s.Lease, 0), engine.ErrLocked)
	unlock(t, s, b.Channel, "a")
	lock(t, s, b.Channel, "l", "b")
}

func lockReentry(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	lock(t, s, b.Channel, "l", "a")
	lock(t, s, b.Channel, "l", "a")
	unlock(t, s, b.Channel, "a")
	locked(t, s, b.Channel, "b") // held until it has been given back as often
	unlock(t, s, b.Channel, "a")
	lock(t, s, b.Channel, "l", "b")
}

func lockIndependent(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	lock(t, s, b.Channel, "l", "a")
	lock(t, s, b.Channel, "m", "b")
	check(t, b.Channel.Lock(s.patient(t), "other", "l", "b", s.Lease, 0))
	do(t, s, b.Channel, op(engine.OpSet, "l", "1"), "1") // a lock's name is no key
	keysAre(t, s, b.Channel, "", "l")
	do(t, s, b.Channel, op(engine.OpDelete, "l", ""), "")
	locked(t, s, b.Channel, "b")
}

func lockTTL(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	begun := time.Now()
	check(t, b.Channel.Lock(ctx, "r", "l", "a", 3*s.Unit, 0))
	check(t, b.Channel.Lock(ctx, "r", "l", "b", s.Lease, s.Lease))
	if got := time.Since(begun); got < 2*s.Unit || got >= s.Lease {
		t.Errorf("had the lock after %s, want it when its ttl of %s was over", got, 3*s.Unit)
	}
	wantError(t, "unlock what has expired", b.Channel.Unlock(ctx, "r", "l", "a"), engine.ErrLeaseLost)
	locked(t, s, b.Channel, "a")
	unlock(t, s, b.Channel, "b")
	check(t, b.Channel.Lock(ctx, "r", "l", "a", 2*s.Unit, 0))
	wait(3 * s.Unit)
	wantError(t, "unlock what has expired", b.Channel.Unlock(ctx, "r", "l", "a"), engine.ErrLeaseLost)
	lock(t, s, b.Channel, "l", "a") // not a re-entry
	unlock(t, s, b.Channel, "a")
	lock(t, s, b.Channel, "l", "b")
}

func lockContext(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	lock(t, s, b.Channel, "l", "a")
	ctx, cancel := context.WithTimeout(t.Context(), s.Unit)
	defer cancel()
	wantError(t, "wait for a lock", b.Channel.Lock(ctx, "r", "l", "b", s.Lease, s.Lease/2), context.DeadlineExceeded)
	unlock(t, s, b.Channel, "a")
	lock(t, s, b.Channel, "l", "c")
}

func lockForeign(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	wantError(t, "unlock what nobody holds", b.Channel.Unlock(s.patient(t), "r", "l", "a"), engine.ErrLeaseLost)
	lock(t, s, b.Channel, "l", "a")
	wantError(t, "unlock another's", b.Channel.Unlock(s.patient(t), "r", "l", "b"), engine.ErrLeaseLost)
	locked(t, s, b.Channel, "b")
	unlock(t, s, b.Channel, "a")
}
