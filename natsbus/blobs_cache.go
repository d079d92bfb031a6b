package natsbus

import (
	"container/list"
	"sync"
)

// blobCache keeps the blobs that were used last, up to a number of bytes. It is safe
// for concurrent use.
type blobCache struct {
	limit int

	mu    sync.Mutex // guards what follows
	bytes int
	order *list.List // of *cachedBlob, the one used last in front
	runs  map[string]map[string]*list.Element
}

type cachedBlob struct {
	run, name string
	data      []byte // never changed
}

func newBlobCache(limit int) *blobCache {
	return &blobCache{limit: limit, order: list.New(), runs: map[string]map[string]*list.Element{}}
}

func (c *blobCache) find(run, name string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.runs[run][name]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedBlob).data, true
}

func (c *blobCache) add(run, name string, data []byte) {
	if len(data) > c.limit {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.runs[run][name]; there {
		return
	}
	if c.runs[run] == nil {
		c.runs[run] = map[string]*list.Element{}
	}
	c.runs[run][name] = c.order.PushFront(&cachedBlob{run, name, data})
	c.bytes += cost(data)
	for c.bytes > c.limit {
		c.drop(c.order.Back())
	}
}

func (c *blobCache) forget(run string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.runs[run] {
		c.drop(e)
	}
}

func (c *blobCache) drop(e *list.Element) {
	blob := c.order.Remove(e).(*cachedBlob)
	c.bytes -= cost(blob.data)
	delete(c.runs[blob.run], blob.name)
	if len(c.runs[blob.run]) == 0 {
		delete(c.runs, blob.run)
	}
}

// cost is what a blob takes, with what is kept about it.
func cost(data []byte) int { return cap(data) + 256 }
