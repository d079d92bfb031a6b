package mcp

import (
	"context"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/script"
)

// cells keep the named sessions of all clients.
type cells struct {
	limits SessionLimits

	mu     sync.Mutex // guards all below, and the cells' fields
	all    map[cellKey]*cell
	total  int64  // bytes of all
	uses   uint64 // counts, and tells which was used last
	closed bool
}

// cellKey is whose session it is. One name has a session for each interpreter.
type cellKey struct {
	client      *client
	name        string
	interpreter string
}

// cell is one session.
type cell struct {
	key     cellKey
	session *script.Session
	turn    chan struct{} // holds one element while a call uses it

	users int // calls that use it or wait for it
	used  uint64
	bytes int64
	timer *time.Timer
	gone  bool
}

func newCells(limits SessionLimits) *cells {
	return &cells{limits: limits, all: map[cellKey]*cell{}}
}

// take waits for a session, made if it is not there. The caller gives it back by
// calling put.
func (c *cells) take(ctx context.Context, key cellKey) (*cell, error) {
	one, err := c.reserve(key)
	if err != nil {
		return nil, err
	}
	select {
	case one.turn <- struct{}{}:
		return one, nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.release(one)
		return nil, context.Cause(ctx)
	}
}

func (c *cells) reserve(key cellKey) (*cell, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClosing
	}
	select {
	case <-key.client.gone: // nobody would drop it
		return nil, errGone
	default:
	}
	one := c.all[key]
	if one == nil {
		one = &cell{key: key, session: script.NewSession(), turn: make(chan struct{}, 1)}
		c.all[key] = one
	}
	c.uses++
	one.used = c.uses
	one.users++
	if one.timer != nil {
		one.timer.Stop()
	}
	return one, nil
}

// put gives a session back, and drops what exceeds the limits. It tells how many bytes
// the session holds, and whether it was not dropped.
func (c *cells) put(one *cell) (bytes int64, kept bool) {
	bytes = one.session.Size()
	c.mu.Lock()
	defer c.mu.Unlock()
	<-one.turn
	if !one.gone {
		c.total += bytes - one.bytes
		one.bytes = bytes
	}
	c.release(one)
	c.evict(one.key.client)
	return bytes, !one.gone
}

// release ends a use. The lock is held.
func (c *cells) release(one *cell) {
	one.users--
	if one.users > 0 || one.gone {
		return
	}
	one.timer = time.AfterFunc(c.limits.Idle, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if one.users == 0 {
			c.remove(one)
		}
	})
}

// evict drops sessions of a client, or of any, until the limits are kept. The lock is
// held.
func (c *cells) evict(of *client) {
	for {
		count, bytes := 0, int64(0)
		for key, one := range c.all {
			if key.client == of {
				count++
				bytes += one.bytes
			}
		}
		var oldest *cell
		switch {
		case count > c.limits.Count, bytes > c.limits.Bytes:
			oldest = c.oldest(of)
		case c.total > c.limits.TotalBytes:
			oldest = c.oldest(nil)
		}
		if oldest == nil {
			return
		}
		c.remove(oldest)
	}
}

// oldest is the session that was not used for longest, of those of a client, or of any
// if of is nil, that no call uses. The lock is held.
func (c *cells) oldest(of *client) *cell {
	var oldest *cell
	for key, one := range c.all {
		if one.users == 0 && (of == nil || key.client == of) && (oldest == nil || one.used < oldest.used) {
			oldest = one
		}
	}
	return oldest
}

// remove drops a session. The lock is held.
func (c *cells) remove(one *cell) {
	if one.gone {
		return
	}
	one.gone = true
	c.total -= one.bytes
	delete(c.all, one.key)
	if one.timer != nil {
		one.timer.Stop()
	}
}

// drop drops all of a client.
func (c *cells) drop(of *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, one := range c.all {
		if key.client == of {
			c.remove(one)
		}
	}
}

// close drops all, for good.
func (c *cells) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, one := range c.all {
		c.remove(one)
	}
}
