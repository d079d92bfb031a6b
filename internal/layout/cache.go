package layout

import (
	"container/list"
	"context"
	"errors"
	"sync"
)

// cache keeps the drawings used last. A graph that several want at once is drawn once.
type cache struct {
	most int

	mu     sync.Mutex
	at     map[string]*list.Element // by digest; guarded by mu, as is the next
	recent list.List                // of *entry, the last used in front
}

// entry is a drawing, or one that is being made.
type entry struct {
	digest string
	done   chan struct{} // closed once drawing or err is set
	made   *Drawing
	err    error
}

func newCache(most int) *cache { return &cache{most: most, at: map[string]*list.Element{}} }

// get answers what is kept, or draws. A failure is told to those who waited, of which
// each whose context goes on draws by itself, and is not kept.
func (c *cache) get(ctx context.Context, digest string, draw func() (*Drawing, error)) (*Drawing, error) {
	for {
		e, mine := c.entry(digest)
		if mine {
			return c.fill(e, draw)
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		if e.err == nil {
			return e.made, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

// fill draws for those who wait too, even if that panics.
func (c *cache) fill(e *entry, draw func() (*Drawing, error)) (*Drawing, error) {
	e.err = errors.New("it was not drawn to the end")
	defer func() {
		if e.err != nil {
			c.forget(e)
		}
		close(e.done)
	}()
	e.made, e.err = draw()
	return e.made, e.err
}

// entry is that of a digest, and whether it was made for the caller to fill.
func (c *cache) entry(digest string) (e *entry, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.at[digest]; at != nil {
		c.recent.MoveToFront(at)
		return at.Value.(*entry), false
	}
	e = &entry{digest: digest, done: make(chan struct{})}
	c.at[digest] = c.recent.PushFront(e)
	for c.recent.Len() > c.most {
		old := c.recent.Remove(c.recent.Back()).(*entry)
		delete(c.at, old.digest)
	}
	return e, true
}

func (c *cache) forget(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.at[e.digest]; at != nil && at.Value.(*entry) == e {
		c.recent.Remove(at)
		delete(c.at, e.digest)
	}
}
