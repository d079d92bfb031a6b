package natsbus

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/graflow/graflow-wasm/engine"
)

// follower has the new events of a partition come in, keeps the ends of its runs'
// logs, and tells the owner. It is safe for concurrent use.
type follower struct {
	prefix string // of subjects, up to the run's token
	owner  engine.Owner
	part   int
	lease  atomic.Pointer[time.Time] // until when the partition is held

	// telling is held while the owner is told something, so that nothing moves
	// after it is gone. It is taken before mu.
	telling sync.Mutex

	mu      sync.Mutex // guards what follows
	begun   bool       // pos is known
	over    bool
	pos     uint64 // what is stored up to here has come in
	tails   tails
	told    map[string]struct{}      // tokens of the runs that the owner has been told of
	own     map[string]uint64        // by token: the last event appended or read here that has not come in
	made    map[uint64]*engine.Event // those events, by sequence
	waiting []arrival
}

// hold says until when the partition is held.
func (f *follower) hold(until time.Time) { f.lease.Store(&until) }

// held tells whether the partition is held still. A process that was suspended can tell
// so before it has learned that another has taken it.
func (f *follower) held() bool {
	until := f.lease.Load()
	return until != nil && time.Now().Before(*until)
}

// arrival is somebody who waits for pos.
type arrival struct {
	seq  uint64
	done chan struct{}
}

func newFollower(b *Bus, part int, owner engine.Owner) *follower {
	return &follower{
		prefix: "gf.run." + strconv.Itoa(part) + "." + token(b.cfg.Namespace) + ".",
		owner:  owner, part: part,
		tails: tails{by: map[string]*tail{}},
		told:  map[string]struct{}{}, own: map[string]uint64{}, made: map[uint64]*engine.Event{},
	}
}

// begin says from where on events come in.
func (f *follower) begin(pos uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begun, f.pos = true, pos
}

// take takes an event in, and tells the owner; it fits feed.handle.
func (f *follower) take(seq uint64, m *nats.Msg) {
	t, leaf, _ := strings.Cut(m.Subject[len(f.prefix):], ".")
	f.telling.Lock()
	defer f.telling.Unlock()
	if f.store(t, "."+leaf == leafStart, &entry{seq: seq, data: m.Data, blob: m.Header.Get(headerBlob)}) {
		f.moved(t)
	}
}

// store keeps an event that came in; false: it is too late for that.
func (f *follower) store(t string, start bool, e *entry) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.over {
		return false
	}
	if ev := f.made[e.seq]; ev != nil {
		e.event.Store(ev)
		delete(f.made, e.seq)
	}
	if f.own[t] <= e.seq {
		delete(f.own, t)
	}
	base := f.pos
	if start { // what was before is of a run that was forgotten
		f.tails.drop(t)
		base = 0
	}
	f.tails.add(f.tails.of(t, base), e)
	f.tails.shrink(tailBytes)
	f.pos = e.seq
	f.told[t] = struct{}{}
	f.wake()
	return true
}

// wake ends the waiting for what has come in. The caller holds mu.
func (f *follower) wake() {
	still := f.waiting[:0]
	for _, w := range f.waiting {
		if w.seq <= f.pos || f.over {
			close(w.done)
		} else {
			still = append(still, w)
		}
	}
	f.waiting = still
}

// tell tells the owner of a run that is there.
func (f *follower) tell(t string) {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.mu.Lock()
	over := f.over
	if !over {
		f.told[t] = struct{}{}
	}
	f.mu.Unlock()
	if !over {
		f.moved(t)
	}
}

// moved tells the owner. The caller holds telling, not mu.
func (f *follower) moved(t string) {
	if run, err := name(t); err == nil { // else nobody of ours made it
		f.owner.Moved(run)
	}
}

// end stops the telling: all runs told of are gone.
func (f *follower) end() {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.mu.Lock()
	f.over = true
	f.wake()
	told := f.told
	f.told, f.tails = nil, tails{}
	f.mu.Unlock()
	for t := range told {
		if run, err := name(t); err == nil {
			f.owner.Gone(run)
		}
	}
}

// appended tells of an event that was appended here: who reads the run waits for it.
func (f *follower) appended(t string, seq uint64, e *engine.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.over:
	case seq > f.pos:
		f.own[t] = max(f.own[t], seq)
		if len(f.made) < madeMost {
			f.made[seq] = e
		}
	default:
		if entry := f.tails.by[t].entry(seq); entry != nil {
			entry.event.CompareAndSwap(nil, e) // need not be decoded
		}
	}
}

// madeMost bounds the events appended here that have not come in: those of runs
// forgotten meanwhile never do.
const madeMost = 1 << 16

// arrivalTime is how long a reader waits for an event to come in before it looks
// into the stream.
const arrivalTime = 5 * time.Second

// await waits until what is stored up to a sequence has come in; false: it has not,
// or is not followed any more.
func (f *follower) await(ctx context.Context, seq uint64) (bool, error) {
	f.mu.Lock()
	if f.over || !f.begun || f.pos >= seq {
		defer f.mu.Unlock()
		return f.begun && !f.over, nil
	}
	w := arrival{seq: seq, done: make(chan struct{})}
	f.waiting = append(f.waiting, w)
	f.mu.Unlock()
	late := time.NewTimer(arrivalTime)
	defer late.Stop()
	select {
	case <-w.done:
	case <-ctx.Done():
		return false, ctx.Err()
	case <-late.C:
		return false, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.over, nil
}

// read returns entries of a run that follow a sequence, those appended here
// included; false: not all of them are here.
func (f *follower) read(ctx context.Context, t string, after uint64) ([]*entry, bool, error) {
	f.mu.Lock()
	own := f.own[t]
	f.mu.Unlock()
	if ok, err := f.await(ctx, own); !ok || err != nil {
		return nil, false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	all, ok := f.tails.by[t].after(after)
	return all, ok, nil
}

// newest is the sequence of the last event of a run that has come in and is kept; 0 is
// none.
func (f *follower) newest(t string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l := f.tails.by[t]; l != nil && len(l.entries) > 0 {
		return l.entries[len(l.entries)-1].seq
	}
	return 0
}

// keep sees to it that all events of a run from now on are kept, and returns up to
// where they may be missing.
func (f *follower) keep(t string) (since uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun || f.over {
		return 0
	}
	f.tails.of(t, f.pos)
	return f.pos
}

// complete tells that the stream was read after a sequence: it had these entries and
// no more. since is what keep returned before.
func (f *follower) complete(t string, since, after uint64, read []*entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(read); n > 0 && !f.over && read[n-1].seq > f.pos {
		f.own[t] = max(f.own[t], read[n-1].seq) // who has read it once reads it again
	}
	l := f.tails.by[t]
	if l == nil || since == 0 || l.base > since {
		return // some that came later are dropped already
	}
	if len(read) == 0 { // what came in of a run that was forgotten since
		l.entries = slices.DeleteFunc(l.entries, func(e *entry) bool { return e.seq > after && e.seq <= since })
	}
	for _, e := range read {
		if e.seq > since {
			break
		}
		after = e.seq
	}
	l.base = min(l.base, after)
}

// drop forgets a run.
func (f *follower) drop(run string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := token(run)
	f.tails.drop(t)
	delete(f.told, t)
	delete(f.own, t)
}
