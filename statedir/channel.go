package statedir

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// channel is the engine's view of the runs' live channels. Locks are held by
// parts of this process and end with it: they are in memory. Expiry goes by the
// system's clock, so that it means the same in the next process.
type channel struct {
	dir   *Dir
	locks engine.Channel
}

var _ engine.Channel = (*channel)(nil)

// Do implements engine.Channel. It returns once the write is stored.
func (c *channel) Do(ctx context.Context, run string, op engine.ChannelOp) (json.RawMessage, error) {
	if err := checkSize(op.Key, op.Value); err != nil {
		return nil, err
	}
	if op.Op == opExpire {
		return nil, fmt.Errorf("channel key %q: unknown operation %q", op.Key, op.Op)
	}
	return c.change(ctx, run, change{op: op}, 0)
}

// Set implements engine.Channel. It returns once the write is stored.
func (c *channel) Set(ctx context.Context, run, key string, v json.RawMessage, ttl time.Duration) error {
	if err := checkSize(key, v); err != nil {
		return err
	}
	_, err := c.change(ctx, run, change{op: engine.ChannelOp{Op: engine.OpSet, Key: key, Value: v}}, ttl)
	return err
}

func checkSize(key string, v json.RawMessage) error {
	if len(key)+len(v) > maxPayload/2 {
		return fmt.Errorf("channel key %.40q: the value has %d bytes, more than %d; store large values as blobs", key, len(v), maxPayload/2)
	}
	return nil
}

// change makes a change, after which its key has the time ttl left, if it is one
// that says so.
func (c *channel) change(ctx context.Context, run string, ch change, ttl time.Duration) (v json.RawMessage, err error) {
	if err := engine.CheckTTL(ch.op.Key, ttl); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = c.dir.runs.use(run, func(r *openRun) (gone bool, err error) {
		v, gone, err = r.channel.change(ch, ttl)
		return gone, err
	})
	if err != nil {
		return nil, fmt.Errorf("channel of run %q: %s %q: %w", run, ch.op.Op, ch.op.Key, err)
	}
	return v, nil
}

// Get implements engine.Channel. What it returns is stored.
func (c *channel) Get(_ context.Context, run, key string) (v json.RawMessage, err error) {
	found := false
	err = c.view(run, func(s values, now int64) { v, found = s.get(key, now) })
	if err == nil && !found {
		err = missingKey(key)
	}
	return v, err
}

func missingKey(key string) error { return fmt.Errorf("channel key %q: %w", key, engine.ErrNotFound) }

// Keys implements engine.Channel.
func (c *channel) Keys(_ context.Context, run, prefix string) (keys []string, err error) {
	err = c.view(run, func(s values, now int64) { keys = s.keys(prefix, now) })
	return keys, err
}

func (c *channel) view(run string, f func(s values, now int64)) error {
	err := c.dir.runs.use(run, func(r *openRun) (bool, error) { return r.channel.view(f) })
	if err != nil {
		return fmt.Errorf("channel of run %q: %w", run, err)
	}
	return nil
}

// Expire implements engine.Channel. It returns once the time is stored.
func (c *channel) Expire(ctx context.Context, run, key string, d time.Duration) error {
	_, err := c.change(ctx, run, change{op: engine.ChannelOp{Op: opExpire, Key: key}}, d)
	return err
}

// TTL implements engine.Channel.
func (c *channel) TTL(_ context.Context, run, key string) (left time.Duration, err error) {
	found := false
	err = c.view(run, func(s values, now int64) {
		if _, found = s.get(key, now); found && s[key].expires != 0 {
			left = time.Duration(s[key].expires - now)
		}
	})
	if err == nil && !found {
		err = missingKey(key)
	}
	return left, err
}

// Watch implements engine.Channel. What it tells is stored. It also ends, with
// engine.ErrClosed, when the Dir is closed, which waits for the loop.
func (c *channel) Watch(ctx context.Context, run, prefix string) iter.Seq2[engine.Change, error] {
	return func(yield func(engine.Change, error) bool) {
		err := c.dir.runs.use(run, func(r *openRun) (bool, error) {
			return r.channel.watch(ctx, prefix, func(ch engine.Change) bool { return yield(ch, nil) })
		})
		if err != nil {
			yield(engine.Change{}, fmt.Errorf("watch the channel of run %q: %w", run, err))
		}
	}
}

// Lock implements engine.Channel. A lock ends with this process.
func (c *channel) Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error {
	return c.locks.Lock(ctx, run, name, owner, ttl, wait)
}

// Unlock implements engine.Channel.
func (c *channel) Unlock(ctx context.Context, run, name, owner string) error {
	return c.locks.Unlock(ctx, run, name, owner)
}

// Forget implements engine.Channel.
func (c *channel) Forget(ctx context.Context, run string) error {
	err := c.dir.runs.use(run, c.forget)
	if err == nil {
		err = c.locks.Forget(ctx, run)
	}
	if err != nil {
		return fmt.Errorf("forget the channel of run %q: %w", run, err)
	}
	return nil
}

func (c *channel) forget(r *openRun) (gone bool, err error) {
	r.channel.mu.Lock()
	defer r.channel.mu.Unlock()
	if r.channel.gone {
		return true, nil
	}
	r.channel.settle()
	_ = r.channel.closeFile() // see journal.forget
	if err := c.dir.discard(r.channel.path); err != nil {
		return false, err // what is left is read anew
	}
	r.channel.clear()
	r.channel.opened = true // its sequences go on: some may wait for one
	return false, nil
}
