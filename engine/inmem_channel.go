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

// memState is what a run has; there is none of a run that has nothing.
type memState struct {
	values   map[string]*memValue
	locks    map[string]*memLock
	watchers Watchers
}

type memValue struct {
	value   json.RawMessage
	expires time.Time   // zero: never
	timer   *time.Timer // drops it then; nil: never
}

var _ Channel = (*memChannel)(nil)

func newMemChannel() *memChannel { return &memChannel{runs: map[string]*memState{}} }

// look returns a run's state to read. The caller holds mu.
func (c *memChannel) look(run string) *memState {
	if s := c.runs[run]; s != nil {
		return s
	}
	return &memState{}
}

// change calls f with a run's state to change.
func (c *memChannel) change(run string, f func(*memState) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.runs[run]
	if s == nil {
		s = &memState{values: map[string]*memValue{}, locks: map[string]*memLock{}}
		c.runs[run] = s
	}
	err := f(s)
	if len(s.values)+len(s.locks) == 0 && s.watchers.None() {
		delete(c.runs, run)
	}
	return err
}

// get returns what a key holds; nil: it is not there.
func (s *memState) get(key string) *memValue {
	v := s.values[key]
	if v != nil && v.timer != nil && !time.Now().Before(v.expires) { // the timer is about to fire
		return nil
	}
	return v
}

// put sets what a key holds, and whether and when it expires.
func (c *memChannel) put(run string, s *memState, key string, value json.RawMessage, ttl time.Duration) {
	s.stopTimer(key)
	v := &memValue{value: value}
	s.values[key] = v
	s.watchers.Changed(key)
	c.expireAfter(run, key, v, ttl)
}

// expireAfter drops a value after d; 0 is never.
func (c *memChannel) expireAfter(run, key string, v *memValue, d time.Duration) {
	v.expires, v.timer = time.Time{}, nil
	if d > 0 {
		v.expires = time.Now().Add(d)
		v.timer = time.AfterFunc(d, func() { c.expire(run, key, v) })
	}
}

// expire drops a value whose timer has fired, unless it was replaced or given
// more time meanwhile.
func (c *memChannel) expire(run, key string, v *memValue) {
	_ = c.change(run, func(s *memState) error {
		if s.values[key] == v && v.timer != nil && !time.Now().Before(v.expires) {
			s.drop(key, ChangeExpired)
		}
		return nil
	})
}

// drop removes a key, if it is there.
func (s *memState) drop(key string, why ChangeKind) {
	s.stopTimer(key)
	delete(s.values, key)
	s.watchers.Dropped(key, why)
}

func (s *memState) stopTimer(key string) {
	if v := s.values[key]; v != nil && v.timer != nil {
		v.timer.Stop()
	}
}

// Do implements Channel.
func (c *memChannel) Do(_ context.Context, run string, op ChannelOp) (next json.RawMessage, err error) {
	err = c.change(run, func(s *memState) error {
		old := s.get(op.Key)
		var value json.RawMessage
		if old != nil {
			value = old.value
		}
		if next, err = ApplyOp(value, op); err != nil {
			return err
		}
		switch {
		case next == nil:
			s.drop(op.Key, ChangeDeleted)
		case old == nil || op.Op == OpSet:
			c.put(run, s, op.Key, next, 0)
		default:
			old.value = next
			s.watchers.Changed(op.Key)
		}
		return nil
	})
	return next, err
}

// Set implements Channel.
func (c *memChannel) Set(_ context.Context, run, key string, value json.RawMessage, ttl time.Duration) error {
	if err := CheckTTL(key, ttl); err != nil {
		return err
	}
	return c.change(run, func(s *memState) error {
		next, err := ApplyOp(nil, ChannelOp{Op: OpSet, Key: key, Value: value})
		if err == nil {
			c.put(run, s, key, next, ttl)
		}
		return err
	})
}

// Get implements Channel.
func (c *memChannel) Get(_ context.Context, run, key string) (json.RawMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v := c.look(run).get(key); v != nil {
		return v.value, nil
	}
	return nil, missingKey(key)
}

// Keys implements Channel.
func (c *memChannel) Keys(_ context.Context, run, prefix string) ([]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.look(run).keys(prefix), nil
}

func (s *memState) keys(prefix string) []string {
	keys := []string{}
	for k := range s.values {
		if strings.HasPrefix(k, prefix) && s.get(k) != nil {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// Expire implements Channel.
func (c *memChannel) Expire(_ context.Context, run, key string, d time.Duration) error {
	if err := CheckTTL(key, d); err != nil {
		return err
	}
	return c.change(run, func(s *memState) error {
		v := s.get(key)
		if v == nil {
			return missingKey(key)
		}
		s.stopTimer(key)
		c.expireAfter(run, key, v, d)
		return nil
	})
}

// TTL implements Channel.
func (c *memChannel) TTL(_ context.Context, run, key string) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.look(run).get(key)
	switch {
	case v == nil:
		return 0, missingKey(key)
	case v.timer == nil:
		return 0, nil
	}
	return max(time.Until(v.expires), 1), nil
}

func missingKey(key string) error { return fmt.Errorf("channel key %q: %w", key, ErrNotFound) }

// CheckTTL refuses a time that no key can have left: a part for backends.
func CheckTTL(key string, d time.Duration) error {
	if d < 0 {
		return fmt.Errorf("channel key %q: expires after %s; give a time from now, or 0 for never", key, d)
	}
	return nil
}
