package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// clusterFacade is the backend as one process has it. What it stores is the
// cluster's.
type clusterFacade struct{ *node }

var (
	_ engine.Journal = clusterFacade{}
	_ engine.Queue   = clusterFacade{}
	_ engine.Timers  = clusterFacade{}
	_ engine.Cluster = clusterFacade{}
	_ engine.Blobs   = clusterBlobs{}
)

// record is an event in a run's log, as it was stored.
type record struct {
	raw []byte
	seq uint64
	at  time.Time
	by  *node
}

// Append implements engine.Journal.
func (f clusterFacade) Append(_ context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return 0, err
	}
	w := f.w
	key := fmt.Sprintf("append %s %s %q attempt %d after %d", run, e.Type, e.Activation, e.Attempt, expect)
	if err := f.call(key); err != nil {
		return 0, err
	}
	switch {
	case f.strikes(troubleAppendFails, key):
		return 0, f.back(key, errStorage)
	case f.strikes(troubleAppendLate, key):
		late := func() { _, _ = w.append(f.node, run, chain, expect, raw) } //nolint:contextcheck // nobody hears of it
		w.after(w.dice.span(3*time.Second, "late "+key), late)
		time.Sleep(w.dice.span(time.Second, "patience "+key))
		return 0, f.back(key, errStorage)
	}
	seq, err := w.append(f.node, run, chain, expect, raw) //nolint:contextcheck // the world has none
	if err == nil && f.strikes(troubleAppendLies, key) {
		time.Sleep(w.dice.span(3*time.Second, "lie "+key))
		err = errStorage
	}
	if err = f.back(key, err); err != nil {
		return 0, err
	}
	e.Seq = seq
	return seq, nil
}

// append adds an event to a run's log, and tells of it.
func (w *cluster) append(by *node, run, chain string, expect uint64, raw []byte) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.book(run)
	if b.last[chain] != expect {
		return 0, engine.ErrConflict
	}
	w.seq += uint64(1 + w.dice.roll(3, "gap")) // others' are between
	stored := &engine.Event{}
	if err := json.Unmarshal(raw, stored); err != nil {
		return 0, err
	}
	stored.Seq = w.seq
	b.events = append(b.events, record{raw, w.seq, time.Now(), by})
	b.last[chain] = w.seq
	if w.trace != nil {
		w.sayf("%s %s: %d %s %q attempt %d after %d %s", by.name, run, w.seq, stored.Type, stored.Activation, stored.Attempt, expect, stored.Reason)
	}
	b.check(chain, stored)
	w.hint(run, w.seq)
	return w.seq, nil
}

// maxLag is the time after which all processes see an event.
const maxLag = 3 * time.Second

// lag is the time after which a process sees an event.
func (w *cluster) lag(n *node, seq uint64) time.Duration {
	if !w.c.has(troubleReadLags) {
		return 0
	}
	d := newDice(w.c.Seed) // the same whenever it is asked
	key := fmt.Sprintf("lag %s %d", n.name, seq)
	if !d.chance(w.c.Rate, key) {
		return 0
	}
	return d.span(maxLag, "span "+key)
}

// visible are the events after a sequence that a process sees: of a run that it
// drives some come late, but none before its own. The caller holds mu.
func (w *cluster) visible(n *node, run string, after uint64) []record {
	all := w.book(run).events
	from, to, blind := len(all), len(all), false
	for i, r := range all {
		if r.seq > after && from == len(all) {
			from = i
		}
		late := n.shares[run] && r.at.After(n.since) && r.at.Add(w.lag(n, r.seq)).After(time.Now())
		switch {
		case r.by == n:
			to, blind = len(all), false
		case late && !blind:
			to, blind = i, true
		}
	}
	return all[min(from, to):to]
}

// ReadThrough returns the events after a sequence, at least through another: it waits
// until they are there to be seen.
func (f clusterFacade) ReadThrough(ctx context.Context, run string, after, through uint64) ([]*engine.Event, error) {
	for {
		all, err := f.Read(ctx, run, after)
		switch {
		case err != nil:
			return nil, err
		case len(all) > 0 && all[len(all)-1].Seq >= through:
			return all, nil
		}
		f.w.mu.Lock()
		log := f.w.book(run).events
		there := len(log) > 0 && log[len(log)-1].seq >= through
		f.w.mu.Unlock()
		if !there {
			return nil, engine.ErrNotFound
		}
		time.Sleep(50 * time.Millisecond)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// Read implements engine.Journal.
func (f clusterFacade) Read(_ context.Context, run string, after uint64) ([]*engine.Event, error) {
	key := fmt.Sprintf("read %s after %d", run, after)
	if err := f.call(key); err != nil {
		return nil, err
	}
	if f.strikes(troubleReadFails, key) {
		return nil, f.back(key, errStorage)
	}
	f.w.mu.Lock()
	records := f.w.visible(f.node, run, after)
	f.w.mu.Unlock()
	if len(records) > 1 && f.strikes(troubleReadShort, key) {
		records = records[:1]
	}
	return decode(records), f.back(key, nil)
}

// decode makes events of a process's own.
func decode(records []record) []*engine.Event {
	var all []*engine.Event
	for _, r := range records {
		e := &engine.Event{}
		if err := json.Unmarshal(r.raw, e); err != nil {
			panic(err)
		}
		e.Seq = r.seq
		all = append(all, e)
	}
	return all
}

// Last implements engine.Journal.
func (f clusterFacade) Last(_ context.Context, run, chain string) (uint64, error) {
	if err := f.call("last " + run + chain); err != nil {
		return 0, err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	return f.w.book(run).last[chain], nil
}

// Trim implements engine.Journal: others read the log too.
func (f clusterFacade) Trim(context.Context, string, uint64) error { return nil }

// Forget implements engine.Journal.
func (f clusterFacade) Forget(_ context.Context, run string) error {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.breaks("forget", "%s forgets run %s, which others read", f.name, run)
	return nil
}

// After implements engine.Timers.
func (f clusterFacade) After(d time.Duration, fire func()) (stop func()) {
	t := time.AfterFunc(d, func() {
		if f.awake(fmt.Sprint("timer ", d)) == nil {
			fire()
		}
	})
	return func() { t.Stop() }
}

// clusterBlobs are the in-memory ones, as one process has them.
type clusterBlobs struct {
	*node
	kept engine.Blobs
}

// Put implements engine.Blobs.
func (b clusterBlobs) Put(ctx context.Context, run string, r io.Reader) (string, int64, error) {
	if err := b.call("put " + run); err != nil {
		return "", 0, err
	}
	return b.kept.Put(ctx, run, r)
}

// Open implements engine.Blobs.
func (b clusterBlobs) Open(ctx context.Context, run, digest string) (io.ReadCloser, error) {
	if err := b.call("open " + run); err != nil {
		return nil, err
	}
	return b.kept.Open(ctx, run, digest)
}

// Forget implements engine.Blobs.
func (b clusterBlobs) Forget(context.Context, string) error { return b.awake("forget blobs") }
