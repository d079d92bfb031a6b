package statedir

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
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
	if len(op.Key)+len(op.Value) > maxPayload/2 {
		return nil, fmt.Errorf("channel key %.40q: the value has %d bytes, more than %d; store large values as blobs", op.Key, len(op.Value), maxPayload/2)
	}
	if op.Op == opExpire {
		return nil, fmt.Errorf("channel key %q: unknown operation %q", op.Key, op.Op)
	}
	return c.change(ctx, run, change{at: time.Now().UnixNano(), op: op})
}

func (c *channel) change(ctx context.Context, run string, ch change) (v json.RawMessage, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err = c.dir.runs.use(run, func(r *openRun) (gone bool, err error) {
		v, gone, err = r.channel.change(ch)
		return gone, err
	})
	if err != nil {
		return nil, fmt.Errorf("channel of run %q: %s %q: %w", run, ch.op.Op, ch.op.Key, err)
	}
	return v, nil
}

// Get implements engine.Channel. What it returns is stored.
func (c *channel) Get(_ context.Context, run, key string) (v json.RawMessage, err error) {
	found, now := false, time.Now().UnixNano()
	err = c.view(run, func(s values) { v, found = s.get(key, now) })
	if err == nil && !found {
		err = fmt.Errorf("channel key %q: %w", key, engine.ErrNotFound)
	}
	return v, err
}

// Keys implements engine.Channel.
func (c *channel) Keys(_ context.Context, run, prefix string) ([]string, error) {
	keys, now := []string{}, time.Now().UnixNano()
	err := c.view(run, func(s values) {
		keys = keys[:0]
		for k, v := range s {
			if strings.HasPrefix(k, prefix) && !v.expired(now) {
				keys = append(keys, k)
			}
		}
	})
	slices.Sort(keys)
	return keys, err
}

func (c *channel) view(run string, f func(values)) error {
	err := c.dir.runs.use(run, func(r *openRun) (bool, error) { return r.channel.view(f) })
	if err != nil {
		return fmt.Errorf("channel of run %q: %w", run, err)
	}
	return nil
}

// Expire implements engine.Channel.
func (c *channel) Expire(ctx context.Context, run, key string, d time.Duration) error {
	now := time.Now()
	ch := change{at: now.UnixNano(), op: engine.ChannelOp{Op: opExpire, Key: key}}
	if d > 0 {
		ch.expires = now.Add(d).UnixNano()
	}
	_, err := c.change(ctx, run, ch)
	return err
}

// Lock implements engine.Channel. A lock ends with this process.
func (c *channel) Lock(ctx context.Context, run, name, owner string, ttl, wait time.Duration) error {
	return c.locks.Lock(ctx, run, name, owner, ttl, wait)
}

// Unlock implements engine.Channel.
func (c *channel) Unlock(ctx context.Context, run, name, owner string) error {
	return c.locks.Unlock(ctx, run, name, owner)
}
