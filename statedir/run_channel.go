package statedir

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// minSnapshot is the size of a channel's file below which it is not rewritten.
const minSnapshot = 256 << 10

// runChannel is the live channel of one run: its values in memory, and a file of
// the changes that made them. When the file is twice as large as after its last
// snapshot, it is replaced by another snapshot.
type runChannel struct {
	appender
	dir  *Dir
	run  string
	path string

	values   values // this and what follows is guarded by mu
	clock    int64  // of the latest change: time never goes back, whatever the system's clock does
	timers   map[string]*time.Timer
	watchers engine.Watchers
	ended    error // nobody may watch any more
}

func newRunChannel(d *Dir, run, dir string) *runChannel {
	c := &runChannel{dir: d, run: run, path: filepath.Join(dir, "channel")}
	c.init(d.cfg.Sync)
	c.full, c.most = c.snapshot, minSnapshot
	return c
}

// enter makes sure that the channel was read. The caller holds mu.
func (c *runChannel) enter() error {
	if c.opened {
		return nil
	}
	err := c.load()
	c.opened = err == nil
	return err
}

func (c *runChannel) load() error {
	c.values, c.timers = values{}, map[string]*time.Timer{}
	read, err := readRecords(c.path, kindChannel, c.run, c.replay)
	if errors.Is(err, os.ErrNotExist) {
		c.next, c.done = 1, 0
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.dir.cut(c.path, c.run, read); err != nil {
		return err
	}
	f, err := c.dir.reopen(c.path)
	if err != nil {
		return err
	}
	c.file, c.name, c.size = f, c.path, int64(read.end)
	c.most = max(minSnapshot, 2*c.size)
	c.next, c.done = read.next, read.next-1
	if c.sync != SyncNever {
		c.synced = c.done
	}
	for key := range c.values {
		c.arm(key)
	}
	return nil
}

func (c *runChannel) replay(r record) error {
	ch, err := parseChange(r.payload)
	if err != nil {
		return err
	}
	next, err := c.values.check(ch)
	if err != nil {
		return err
	}
	c.values.apply(ch, next)
	c.clock = max(c.clock, ch.at)
	return nil
}

// now is the time by which is decided what has expired.
func (c *runChannel) now() int64 {
	c.clock = max(c.clock, time.Now().UnixNano())
	return c.clock
}

// change makes one change, after which its key has the time ttl left if it is
// one that says so, and returns what the key then holds, once it is stored.
func (c *runChannel) change(ch change, ttl time.Duration) (next json.RawMessage, gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil, true, nil
	}
	if err := firstOf(c.enter(), c.err); err != nil {
		return nil, false, err
	}
	if ch.at = c.now(); ttl > 0 {
		ch.expires = ch.at + int64(ttl)
	}
	if next, err = c.values.check(ch); err != nil {
		return nil, false, err
	}
	if c.file == nil {
		if err := c.snapshot(); err != nil {
			return nil, false, err
		}
	}
	seq := c.push(ch.encode())
	c.values.apply(ch, next)
	c.applied(ch.op, next)
	if err := c.wait(seq); err != nil {
		c.watchers.End(err)
		return nil, false, err
	}
	return next, false, nil
}

// applied does what follows a change.
func (c *runChannel) applied(op engine.ChannelOp, next json.RawMessage) {
	c.arm(op.Key)
	switch {
	case next == nil:
		c.watchers.Dropped(op.Key, engine.ChangeDeleted)
	case op.Op != opExpire:
		c.watchers.Changed(op.Key)
	}
}

// view calls f with the values, and returns when what it saw is stored.
func (c *runChannel) view(f func(s values, now int64)) (gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return true, nil
	}
	if err := c.enter(); err != nil {
		return false, err
	}
	f(c.values, c.now())
	return false, c.wait(c.next - 1)
}

// snapshot replaces the file by one with the values as they are: what waits to
// be written is among them. The caller holds mu; nobody writes.
func (c *runChannel) snapshot() error {
	c.dropExpired()
	first := c.next
	data := header{kindChannel, first, c.run}.encode()
	next := first
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		v := c.values[key]
		ch := change{op: engine.ChannelOp{Op: engine.OpSet, Key: key, Value: v.json}, expires: v.expires}
		data = appendRecord(data, record{seq: next, synced: first - 1, payload: ch.encode()})
		next++
	}
	if c.file != nil { // some systems rename over no open file
		if err := c.file.Close(); err != nil {
			return err
		}
		c.file = nil
	}
	f, err := c.dir.create(c.path, data)
	if err != nil {
		return err
	}
	c.file, c.name, c.size = f, c.path, int64(len(data))
	c.most = max(minSnapshot, 2*c.size)
	c.buf, c.next, c.done = c.buf[:0], next, next-1
	if c.sync != SyncNever {
		c.synced = c.done
	}
	c.moved.Broadcast()
	return nil
}
