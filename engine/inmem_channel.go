package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// memChannel is a live Channel in memory. It is safe for concurrent use.
type memChannel struct {
	mu   sync.Mutex // guards runs and all in them
	runs map[string]*memState
}

type memState struct {
	values map[string]memValue
	locks  map[string]*memLock
}

type memValue struct {
	value   json.RawMessage
	expires time.Time // zero: never
}

type memLock struct {
	owner   string
	depth   int
	expires time.Time
	freed   chan struct{} // closed when it is given back
}

var _ Channel = (*memChannel)(nil)

func newMemChannel() *memChannel { return &memChannel{runs: map[string]*memState{}} }

// state returns a run's, without what has expired. The caller holds mu.
func (c *memChannel) state(run string) *memState {
	s := c.runs[run]
	if s == nil {
		s = &memState{values: map[string]memValue{}, locks: map[string]*memLock{}}
		c.runs[run] = s
	}
	return s
}

func (s *memState) get(key string) (json.RawMessage, bool) {
	v, ok := s.values[key]
	if ok && !v.expires.IsZero() && !time.Now().Before(v.expires) {
		delete(s.values, key)
		return nil, false
	}
	return v.value, ok
}

func (c *memChannel) Do(_ context.Context, run string, op ChannelOp) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state(run)
	old, _ := s.get(op.Key)
	v, err := ApplyOp(old, op)
	if err != nil {
		return nil, err
	}
	if v == nil {
		delete(s.values, op.Key)
		return nil, nil
	}
	expires := s.values[op.Key].expires
	if op.Op == OpSet {
		expires = time.Time{}
	}
	s.values[op.Key] = memValue{v, expires}
	return v, nil
}

func (c *memChannel) Get(_ context.Context, run, key string) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.state(run).get(key)
	if !ok {
		return nil, fmt.Errorf("channel key %q: %w", key, ErrNotFound)
	}
	return v, nil
}

func (c *memChannel) Keys(_ context.Context, run, prefix string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state(run)
	keys := []string{}
	for k := range s.values {
		if _, ok := s.get(k); ok && strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

func (c *memChannel) Expire(_ context.Context, run, key string, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state(run)
	v, ok := s.get(key)
	if !ok {
		return fmt.Errorf("channel key %q: %w", key, ErrNotFound)
	}
	expires := time.Time{}
	if d > 0 {
		expires = time.Now().Add(d)
	}
	s.values[key] = memValue{v, expires}
	return nil
}

func (c *memChannel) Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		freed, left := c.tryLock(run, name, owner, ttl)
		if freed == nil {
			return nil
		}
		expiry := time.NewTimer(left)
		select {
		case <-freed:
		case <-expiry.C:
		case <-deadline.C:
			expiry.Stop()
			return fmt.Errorf("lock %q: %w", name, ErrLocked)
		case <-ctx.Done():
			expiry.Stop()
			return ctx.Err()
		}
		expiry.Stop()
	}
}

// tryLock takes the lock and returns nil, or returns what to wait for.
func (c *memChannel) tryLock(run, name, owner string, ttl time.Duration) (<-chan struct{}, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.state(run), time.Now()
	l := s.locks[name]
	if l != nil && now.Before(l.expires) && l.owner != owner {
		return l.freed, l.expires.Sub(now)
	}
	if l == nil || l.owner != owner || !now.Before(l.expires) {
		l = &memLock{owner: owner, freed: make(chan struct{})}
		s.locks[name] = l
	}
	l.depth++
	l.expires = now.Add(ttl)
	return nil, 0
}

func (c *memChannel) Unlock(_ context.Context, run, name, owner string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state(run)
	l := s.locks[name]
	if l == nil || l.owner != owner || !time.Now().Before(l.expires) {
		return fmt.Errorf("unlock %q: %w", name, ErrLeaseLost)
	}
	if l.depth--; l.depth == 0 {
		delete(s.locks, name)
		close(l.freed)
	}
	return nil
}
