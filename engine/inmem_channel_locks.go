package engine

import (
	"context"
	"fmt"
	"time"
)

// memLock is a lock that is held.
type memLock struct {
	owner   string
	depth   int
	expires time.Time
	timer   *time.Timer   // frees it then
	freed   chan struct{} // closed when it is free
}

// Lock implements Channel.
func (c *memChannel) Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error {
	if ttl <= 0 {
		return fmt.Errorf("lock %q: it would end after %s; give a time of more than 0", name, ttl)
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		freed := c.tryLock(run, name, owner, ttl)
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-deadline.C:
			return fmt.Errorf("lock %q: %w", name, ErrLocked)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryLock takes the lock and returns nil, or returns what to wait for.
func (c *memChannel) tryLock(run, name, owner string, ttl time.Duration) (freed <-chan struct{}) {
	_ = c.change(run, func(s *memState) error {
		l, now := s.held(name), time.Now()
		switch {
		case l == nil:
			l = &memLock{owner: owner, freed: make(chan struct{})}
			l.timer = time.AfterFunc(ttl, func() { c.expireLock(run, name, l) })
			s.locks[name] = l
		case l.owner != owner:
			freed = l.freed
			return nil
		default:
			l.timer.Reset(ttl)
		}
		l.depth++
		l.expires = now.Add(ttl)
		return nil
	})
	return freed
}

// held returns a lock that somebody holds; nil: it is free.
func (s *memState) held(name string) *memLock {
	l := s.locks[name]
	if l != nil && !time.Now().Before(l.expires) { // the timer is about to fire
		s.free(name)
		return nil
	}
	return l
}

// free ends a lock that is there. Who waits for it tries again.
func (s *memState) free(name string) {
	l := s.locks[name]
	l.timer.Stop()
	delete(s.locks, name)
	close(l.freed)
}

// expireLock frees a lock whose timer has fired, unless it was freed or taken
// again meanwhile.
func (c *memChannel) expireLock(run, name string, l *memLock) {
	_ = c.change(run, func(s *memState) error {
		if s.locks[name] == l {
			s.held(name)
		}
		return nil
	})
}

// Unlock implements Channel.
func (c *memChannel) Unlock(_ context.Context, run, name, owner string) error {
	return c.change(run, func(s *memState) error {
		l := s.held(name)
		if l == nil || l.owner != owner {
			return fmt.Errorf("unlock %q: %w", name, ErrLeaseLost)
		}
		if l.depth--; l.depth == 0 {
			s.free(name)
		}
		return nil
	})
}
