package statedir

import (
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// arm starts the timer that drops a key when it expires, or stops it. That a key
// has expired is not stored: the time at which it does is. The caller holds mu.
func (c *runChannel) arm(key string) {
	v, t := c.values[key], c.timers[key]
	switch {
	case v.expires == 0 && t != nil:
		t.Stop()
		delete(c.timers, key)
	case v.expires == 0:
	case t != nil:
		t.Reset(c.left(v))
	default:
		c.timers[key] = time.AfterFunc(c.left(v), func() { c.expire(key) })
	}
}

// left is the time that a value with an expiry has.
func (c *runChannel) left(v value) time.Duration { return time.Duration(v.expires - c.now()) }

// expire drops a key whose timer has fired, unless it has more time: by another
// change, or by the system's clock, which may have been set.
func (c *runChannel) expire(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.values[key]
	switch {
	case c.gone || !c.opened || v.expires == 0:
	case v.expired(c.now()):
		c.drop(key)
	default:
		c.arm(key)
	}
}

// drop removes a key that has expired.
func (c *runChannel) drop(key string) {
	delete(c.values, key)
	c.arm(key)
	c.watchers.Dropped(key, engine.ChangeExpired)
}

// dropExpired removes the keys whose timers are about to fire.
func (c *runChannel) dropExpired() {
	now := c.now()
	for key, v := range c.values {
		if v.expired(now) {
			c.drop(key)
		}
	}
}

// stopTimers keeps what is in memory no longer than the files are open.
func (c *runChannel) stopTimers() {
	for _, t := range c.timers {
		t.Stop()
	}
	clear(c.timers)
}

// close ends the use of the channel, which nobody else has any more.
func (c *runChannel) close() error {
	c.mu.Lock()
	c.stopTimers()
	c.mu.Unlock()
	return c.appender.close()
}
