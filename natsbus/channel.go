package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// Channel keeps the live channels of runs in the stream of channels: what a key
// holds is the last message of its subject. Every write is decided by a
// compare-and-set of that message, reads go through the stream's leader; so what
// there is on a run takes effect in the order of the stream.
//
// Keys and locks expire by the clock of the stream's leader, which also says when
// they were stored: those of the processes need not agree. Leaders that follow one
// another are to agree as well as NTP makes them.
//
// A write whose outcome was never known is [ErrUnreachable]. One whose caller left
// may take place.
type Channel struct {
	bus   *Bus
	clock channelClock

	mu     sync.Mutex // guards what follows
	closed bool
	queues map[string][]*channelWrite // by subject: what waits while others are written
	drives sync.WaitGroup
	stream jetstream.Stream // nil: not looked up yet
}

var _ engine.Channel = (*Channel)(nil)

func newChannel(b *Bus) *Channel {
	return &Channel{bus: b, queues: map[string][]*channelWrite{}}
}

// close refuses what is written from now on, and waits until what was begun has been
// decided. With the connection closed that is soon.
func (c *Channel) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.drives.Wait()
}

// handle is the stream's.
func (c *Channel) handle(ctx context.Context) (jetstream.Stream, error) {
	c.mu.Lock()
	known := c.stream
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	found, err := c.bus.openStream(ctx, streamChannel)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stream = found
	return found, nil
}

// Do implements engine.Channel.
func (c *Channel) Do(ctx context.Context, run string, op engine.ChannelOp) (json.RawMessage, error) {
	var holds json.RawMessage
	err := c.change(ctx, run, op.Key, func(d *draft) error {
		next, err := engine.ApplyOp(d.value, op)
		if err == nil {
			err = c.fits(op.Key, next)
		}
		switch {
		case err != nil:
			return err
		case next == nil:
			d.drop()
		default:
			d.put(next)
		}
		if op.Op == engine.OpSet {
			d.expire(0)
		}
		holds = next
		return nil
	})
	if err != nil {
		return nil, err // holds may be written to yet
	}
	return holds, nil
}

// fits refuses what no server takes.
func (c *Channel) fits(key string, value json.RawMessage) error {
	if limit := int(c.bus.nc.MaxPayload()) - overhead; len(value) > limit {
		return fmt.Errorf("channel key %.40q: the value has %d bytes, more than the %d that fit a message; store large values as blobs", key, len(value), limit)
	}
	return nil
}

// Set implements engine.Channel.
func (c *Channel) Set(ctx context.Context, run, key string, value json.RawMessage, ttl time.Duration) error {
	if err := engine.CheckTTL(key, ttl); err != nil {
		return err
	}
	next, err := engine.ApplyOp(nil, engine.ChannelOp{Op: engine.OpSet, Key: key, Value: value})
	if err != nil {
		return err
	}
	if err := c.fits(key, next); err != nil {
		return err
	}
	return c.change(ctx, run, key, func(d *draft) error {
		d.put(next)
		d.expire(ttl)
		return nil
	})
}

// Expire implements engine.Channel.
func (c *Channel) Expire(ctx context.Context, run, key string, ttl time.Duration) error {
	if err := engine.CheckTTL(key, ttl); err != nil {
		return err
	}
	return c.change(ctx, run, key, func(d *draft) error {
		if !d.there {
			return missingKey(key)
		}
		d.expire(ttl)
		return nil
	})
}

func missingKey(key string) error { return fmt.Errorf("channel key %q: %w", key, engine.ErrNotFound) }

// change writes a key.
func (c *Channel) change(ctx context.Context, run, key string, apply func(*draft) error) error {
	subject, err := c.subject(run, leafKey, key)
	if err == nil {
		err = c.write(ctx, &channelWrite{subject: subject, apply: apply})
	}
	if err != nil {
		return fmt.Errorf("channel of run %q: write: %w", run, err)
	}
	return nil
}

// Get implements engine.Channel.
func (c *Channel) Get(ctx context.Context, run, key string) (json.RawMessage, error) {
	held, _, err := c.read(ctx, run, key)
	return held.value, err
}

// TTL implements engine.Channel.
func (c *Channel) TTL(ctx context.Context, run, key string) (time.Duration, error) {
	held, now, err := c.read(ctx, run, key)
	if err != nil || held.until == 0 {
		return 0, err
	}
	return time.Duration(held.until - now), nil
}

// read returns what a key holds now, or engine.ErrNotFound.
func (c *Channel) read(ctx context.Context, run, key string) (held cell, now int64, err error) {
	subject, err := c.subject(run, leafKey, key)
	if err != nil {
		return cell{}, 0, err
	}
	held, now, err = c.last(ctx, subject)
	switch {
	case err != nil:
		return cell{}, 0, fmt.Errorf("channel of run %q: read %q: %w", run, key, err)
	case !held.at(now):
		return cell{}, 0, missingKey(key)
	}
	return held, now, nil
}
