package engine

import (
	"container/list"
	"encoding/json"
	"strings"
)

// Change is what a watch of a channel tells.
type Change struct {
	Kind  ChangeKind
	Key   string          // "" of ChangeReady
	Value json.RawMessage // of ChangeSet; it must not be changed
}

// ChangeKind says what a Change is.
type ChangeKind uint8

// Kinds of changes.
const (
	ChangeSet     ChangeKind = iota + 1 // the key holds Value, whichever write made it
	ChangeDeleted                       // the key was deleted
	ChangeExpired                       // the key's time was over
	ChangeReady                         // what was there when the watch began has been told
)

// Watchers are the watches of a channel that has its values in memory: a part
// for backends. They keep which keys a reader is still to be told of, never a
// value. The lock that guards the values guards them too. The zero value is
// ready to use.
type Watchers struct{ all map[*Watcher]struct{} }

// Watcher is one watch.
type Watcher struct {
	prefix string
	items  map[string]*watched
	order  list.List // of *watched: what to tell, the latest change last
	wake   chan struct{}
	err    error
}

// watched is a key that the reader knows of, or is to be told of.
type watched struct {
	key     string
	kind    ChangeKind
	told    bool          // the reader knows it as set
	element *list.Element // in order; nil: there is nothing to tell
}

// Begin adds a watch of the keys with a prefix. Present are those of them that
// there are, in the order in which they are told.
func (ws *Watchers) Begin(prefix string, present []string) *Watcher {
	w := &Watcher{prefix: prefix, items: map[string]*watched{}, wake: make(chan struct{}, 1)}
	for _, key := range present {
		w.changed(key)
	}
	w.tell(&watched{kind: ChangeReady})
	if ws.all == nil {
		ws.all = map[*Watcher]struct{}{}
	}
	ws.all[w] = struct{}{}
	return w
}

// Leave takes a watch out.
func (ws *Watchers) Leave(w *Watcher) { delete(ws.all, w) }

// None tells that nobody watches.
func (ws *Watchers) None() bool { return len(ws.all) == 0 }

// Changed tells that a key holds another value.
func (ws *Watchers) Changed(key string) {
	for w := range ws.all {
		if strings.HasPrefix(key, w.prefix) {
			w.changed(key)
		}
	}
}

// Dropped tells that a key is gone, and why: ChangeDeleted or ChangeExpired.
func (ws *Watchers) Dropped(key string, why ChangeKind) {
	for w := range ws.all {
		w.dropped(key, why)
	}
}

// End ends all watches: what they have not told yet they will not tell.
func (ws *Watchers) End(err error) {
	for w := range ws.all {
		w.err = err
		w.signal()
	}
	ws.all = nil
}

func (w *Watcher) changed(key string) {
	it := w.items[key]
	if it == nil {
		it = &watched{key: key}
		w.items[key] = it
	}
	it.kind = ChangeSet
	w.tell(it)
}

// dropped also bounds the memory: of a key that came and went unread nothing is
// left.
func (w *Watcher) dropped(key string, why ChangeKind) {
	it := w.items[key]
	switch {
	case it == nil:
	case it.told:
		it.kind = why
		w.tell(it)
	default:
		w.order.Remove(it.element)
		delete(w.items, key)
	}
}

// tell puts an item behind all others, whose latest changes were before its.
func (w *Watcher) tell(it *watched) {
	if it.element != nil {
		w.order.MoveToBack(it.element)
		return
	}
	it.element = w.order.PushBack(it)
	w.signal()
}

func (w *Watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Next returns the next change, to which the value of a ChangeSet is to be added.
// There is none while ok is false: Wake says when to ask again. After End there
// is its error.
func (w *Watcher) Next() (c Change, ok bool, err error) {
	front := w.order.Front()
	if w.err != nil || front == nil {
		return Change{}, false, w.err
	}
	it := w.order.Remove(front).(*watched)
	it.element = nil
	if it.told = it.kind == ChangeSet; !it.told {
		delete(w.items, it.key) // of ChangeReady: see Begin
	}
	return Change{Kind: it.kind, Key: it.key}, true, nil
}

// Wake receives when there may be more, also without the lock.
func (w *Watcher) Wake() <-chan struct{} { return w.wake }
