package natsbus

import (
	"cmp"
	"container/heap"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// channelWatch is one watch: one goroutine reads the stream into it, another tells
// the reader.
type channelWatch struct {
	channel   *Channel
	subjects  string // what those of the run begin with
	prefix    string
	forgotten uint64        // up to here, what was forgotten was so before the watch
	begun     chan struct{} // closed when to is set
	sooner    chan struct{} // of 1: when something expires has changed

	mu   sync.Mutex // guards what follows
	all  engine.Watchers
	to   *engine.Watcher
	held map[string]*watchedCell
	due  watchedCells // those that expire
}

// watchedCell is a key that there is.
type watchedCell struct {
	cell
	key   string
	index int // in due; -1: it does not expire
}

// begin takes what there is at a time: as the beginning, or after the stream was
// not followed for a while.
func (w *channelWatch) begin(now int64, there map[string]cell) {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(there, func(_ string, c cell) bool { return !c.at(now) })
	keys := slices.SortedFunc(maps.Keys(there), func(a, b string) int { return cmp.Compare(there[a].seq, there[b].seq) })
	if w.to == nil {
		for _, key := range keys {
			w.hold(key, there[key])
		}
		w.to = w.all.Begin(w.prefix, keys)
		close(w.begun)
		return
	}
	w.expireBy(now)
	for key := range w.held {
		if _, ok := there[key]; !ok {
			w.drop(key, engine.ChangeDeleted)
		}
	}
	for _, key := range keys {
		w.set(key, there[key])
	}
}

// change takes a message that was stored.
func (w *channelWatch) change(key string, c cell) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expireBy(c.stored) // before it, in the order of the stream
	if !c.there {
		w.drop(key, engine.ChangeDeleted)
		return
	}
	w.set(key, c)
}

// end ends the watch.
func (w *channelWatch) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.to == nil
	if first {
		w.to = w.all.Begin(w.prefix, nil)
	}
	w.all.End(err)
	if first {
		close(w.begun)
	}
}

// set takes what a key holds, and tells if that is another value than before. The
// caller holds mu, as of what follows but expire and next.
func (w *channelWatch) set(key string, c cell) {
	old := w.held[key]
	same := old != nil && old.since == c.since
	w.hold(key, c)
	if !same {
		w.all.Changed(key)
	}
}

func (w *channelWatch) hold(key string, c cell) {
	it := w.held[key]
	if it == nil {
		it = &watchedCell{key: key, index: -1}
		w.held[key] = it
	}
	it.cell = c
	switch {
	case it.index < 0 && c.until == 0:
		return
	case it.index >= 0 && c.until == 0:
		heap.Remove(&w.due, it.index)
	case it.index >= 0:
		heap.Fix(&w.due, it.index)
	default:
		heap.Push(&w.due, it)
	}
	select {
	case w.sooner <- struct{}{}: // the value may be told already
	default:
	}
}

func (w *channelWatch) drop(key string, why engine.ChangeKind) {
	if it := w.held[key]; it != nil && it.index >= 0 {
		heap.Remove(&w.due, it.index)
	}
	delete(w.held, key)
	w.all.Dropped(key, why)
}

// expireBy drops what has expired at a time.
func (w *channelWatch) expireBy(now int64) {
	for len(w.due) > 0 && !w.due[0].at(now) {
		w.drop(w.due[0].key, engine.ChangeExpired)
	}
}

// watchIdle is how long a watch sleeps when nothing is to expire, and at most.
const watchIdle = time.Hour

// expire drops what has expired, and returns the time until more does.
func (w *channelWatch) expire(ctx context.Context) time.Duration {
	w.mu.Lock()
	due := len(w.due) > 0
	w.mu.Unlock()
	if !due {
		return watchIdle
	}
	asked, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	now, err := w.channel.now(asked)
	if err != nil {
		return tryTime // the clock has not been told for minutes
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expireBy(now)
	if len(w.due) == 0 {
		return watchIdle
	}
	return min(time.Duration(w.due[0].until-now), watchIdle)
}

// next returns the next change to tell.
func (w *channelWatch) next() (engine.Change, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change, ok, err := w.to.Next()
	if change.Kind == engine.ChangeSet {
		change.Value = w.held[change.Key].value
	}
	return change, ok, err
}

// watchedCells is a heap: what expires first is in front.
type watchedCells []*watchedCell

func (h watchedCells) Len() int           { return len(h) }
func (h watchedCells) Less(i, j int) bool { return h[i].until < h[j].until }

func (h watchedCells) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *watchedCells) Push(x any) {
	it := x.(*watchedCell)
	it.index = len(*h)
	*h = append(*h, it)
}

// Pop implements heap.Interface.
func (h *watchedCells) Pop() any {
	it := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	it.index = -1
	return it
}
