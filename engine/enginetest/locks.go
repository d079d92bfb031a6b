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
	{"re-entry begins the ttl anew", lockReentryTTL},
	{"expiry wakes those who wait", lockExpiryWakes},
	{"forget", lockForget},
}

// hold is a time to live of locks that are not to expire, and to wait for one that
// will be free before: a machine that has much else to do may take leases' time.
func hold(s Suite) time.Duration { return 30 * s.Lease }

func lock(t *testing.T, s Suite, c engine.Channel, name, owner string) {
	t.Helper()
	check(t, c.Lock(s.patient(t), "r", name, owner, hold(s), 0))
}

func locked(t *testing.T, s Suite, c engine.Channel, owner string) {
	t.Helper()
	wantError(t, owner+" locks l", c.Lock(s.patient(t), "r", "l", owner, hold(s), s.Unit), engine.ErrLocked)
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
				if err := b.Channel.Lock(ctx, "r", "l", owner, hold(s), hold(s)); err != nil {
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
	if got := time.Since(begun); got < 2*s.Unit || got > hold(s)/2 {
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
	check(t, b.Channel.Lock(s.patient(t), "other", "l", "b", hold(s), 0))
	do(t, s, b.Channel, op(engine.OpSet, "l", "1"), "1") // a lock's name is no key
	keysAre(t, s, b.Channel, "", "l")
	do(t, s, b.Channel, op(engine.OpDelete, "l", ""), "")
	locked(t, s, b.Channel, "b")
}

func lockTTL(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	ctx := s.patient(t)
	begun := time.Now()
	check(t, b.Channel.Lock(ctx, "r", "l", "a", 3*s.Unit, 0))
	check(t, b.Channel.Lock(ctx, "r", "l", "b", hold(s), hold(s)))
	if got := time.Since(begun); got < 2*s.Unit || got >= hold(s)/2 {
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
	wantError(t, "wait for a lock", b.Channel.Lock(ctx, "r", "l", "b", hold(s), hold(s)), context.DeadlineExceeded)
	canceled, stop := context.WithCancel(t.Context())
	stop()
	wantError(t, "wait for a lock", b.Channel.Lock(canceled, "r", "l", "b", hold(s), hold(s)), context.Canceled)
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

func lockReentryTTL(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	s.Unit = unhurried(s)
	ctx := s.patient(t)
	for _, ttl := range []time.Duration{0, -1} {
		if err := b.Channel.Lock(ctx, "r", "l", "a", ttl, 0); err == nil {
			t.Errorf("took a lock for %s, want an error", ttl)
		}
	}
	check(t, b.Channel.Lock(ctx, "r", "l", "a", 3*s.Unit, 0))
	wait(2 * s.Unit)
	check(t, b.Channel.Lock(ctx, "r", "l", "a", 3*s.Unit, 0))
	wait(2 * s.Unit)
	wantError(t, "lock what another took again", b.Channel.Lock(ctx, "r", "l", "b", hold(s), 0), engine.ErrLocked)
	check(t, b.Channel.Lock(ctx, "r", "l", "b", hold(s), hold(s)))
}

// lockExpiryWakes: of those who wait for a lock whose holder is gone each has it
// once, one after the other.
func lockExpiryWakes(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	check(t, b.Channel.Lock(ctx, "r", "l", "gone", 3*s.Unit, 0))
	var inside, times atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			owner := string(rune('a' + i))
			if err := b.Channel.Lock(ctx, "r", "l", owner, hold(s), hold(s)); err != nil {
				t.Errorf("%s: %v", owner, err)
				return
			}
			if n := inside.Add(1); n != 1 {
				t.Errorf("%d hold the lock", n)
			}
			times.Add(1)
			wait(s.Unit / 20)
			inside.Add(-1)
			if err := b.Channel.Unlock(ctx, "r", "l", owner); err != nil {
				t.Errorf("%s: %v", owner, err)
			}
		})
	}
	all.Wait()
	if times.Load() != 8 {
		t.Errorf("%d had the lock, want 8", times.Load())
	}
}

func lockForget(t *testing.T, s Suite, b *engine.Backend) {
	t.Helper()
	ctx := s.patient(t)
	lock(t, s, b.Channel, "l", "a")
	check(t, b.Channel.Lock(ctx, "other", "l", "a", hold(s), 0))
	begun := time.Now()
	had := make(chan error)
	go func() { had <- b.Channel.Lock(ctx, "r", "l", "b", hold(s), hold(s)) }()
	wait(s.Unit)
	check(t, b.Channel.Forget(ctx, "r"))
	check(t, <-had)
	if got := time.Since(begun); got >= hold(s)/2 {
		t.Errorf("had the lock after %s, want it when it was forgotten", got)
	}
	wantError(t, "unlock what was forgotten", b.Channel.Unlock(ctx, "r", "l", "a"), engine.ErrLeaseLost)
	unlock(t, s, b.Channel, "b")
	wantError(t, "lock another run's", b.Channel.Lock(ctx, "other", "l", "b", hold(s), 0), engine.ErrLocked)
}
