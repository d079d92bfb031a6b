package engine

import (
	"context"
	"fmt"
	"iter"
)

// Watch implements Channel.
func (c *memChannel) Watch(ctx context.Context, run, prefix string) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		s, w := c.beginWatch(run, prefix)
		defer c.endWatch(run, w)
		for {
			change, ok, err := c.next(s, w)
			if err == nil {
				err = ctx.Err()
			}
			switch {
			case err != nil:
				yield(Change{}, fmt.Errorf("watch the channel of run %q: %w", run, err))
				return
			case ok && !yield(change, nil):
				return
			case ok:
				continue
			}
			select {
			case <-w.Wake():
			case <-ctx.Done():
			}
		}
	}
}

func (c *memChannel) beginWatch(run, prefix string) (s *memState, w *Watcher) {
	_ = c.change(run, func(of *memState) error {
		s, w = of, of.watchers.Begin(prefix, of.keys(prefix))
		return nil
	})
	return s, w
}

func (c *memChannel) endWatch(run string, w *Watcher) {
	_ = c.change(run, func(s *memState) error { // another's when the run was forgotten: harmless
		s.watchers.Leave(w)
		return nil
	})
}

func (c *memChannel) next(s *memState, w *Watcher) (Change, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change, ok, err := w.Next()
	if change.Kind == ChangeSet {
		change.Value = s.values[change.Key].value // its expiry, if due, comes next
	}
	return change, ok, err
}

// Forget implements Channel.
func (c *memChannel) Forget(_ context.Context, run string) error {
	return c.change(run, func(s *memState) error {
		for key := range s.values {
			s.stopTimer(key)
		}
		clear(s.values)
		for name := range s.locks {
			s.free(name)
		}
		s.watchers.End(fmt.Errorf("it was forgotten: %w", ErrNotFound))
		return nil
	})
}
