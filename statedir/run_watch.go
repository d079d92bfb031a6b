package statedir

import (
	"context"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// watch calls yield with what there is and with each change, once it is stored,
// until it returns false.
func (c *runChannel) watch(ctx context.Context, prefix string, yield func(engine.Change) bool) (gone bool, err error) {
	w, gone, err := c.beginWatch(prefix)
	if gone || err != nil {
		return gone, err
	}
	defer c.leave(w)
	for {
		change, ok, err := c.nextOf(w)
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return false, err
		case ok && !yield(change):
			return false, nil
		case ok:
			continue
		}
		select {
		case <-w.Wake():
		case <-ctx.Done():
		}
	}
}

func (c *runChannel) beginWatch(prefix string) (w *engine.Watcher, gone bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return nil, true, nil
	}
	if err := firstOf(c.ended, c.enter()); err != nil {
		return nil, false, err
	}
	return c.watchers.Begin(prefix, c.values.keys(prefix, c.now())), false, nil
}

func (c *runChannel) leave(w *engine.Watcher) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers.Leave(w)
}

// nextOf returns a watch's next change, once it is stored.
func (c *runChannel) nextOf(w *engine.Watcher) (change engine.Change, ok bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if change, ok, err = w.Next(); !ok || err != nil {
		return change, ok, err
	}
	if change.Kind == engine.ChangeSet {
		change.Value = c.values[change.Key].json // its expiry, if due, comes next
	}
	return change, ok, c.wait(c.next - 1)
}

// clear drops all that is in memory of a channel that was forgotten. The caller
// holds mu.
func (c *runChannel) clear() {
	c.stopTimers()
	c.values, c.timers = values{}, map[string]*time.Timer{}
	c.watchers.End(fmt.Errorf("it was forgotten: %w", engine.ErrNotFound))
}

// end ends the watches, and keeps others from beginning.
func (c *runChannel) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = err
	c.watchers.End(err)
}
