package natsbus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// The lease of a partition. Clocks are never compared: who holds it counts from when
// it sent the renewal that was confirmed, who wants it from when it saw the record
// unchanged for the first time, which is later. So of two, the old one has stopped
// when the new one begins, as long as their clocks run about equally fast and none
// is suspended; of one that is late all the same, the journal refuses what it
// decides.
const (
	leaseTime  = 5 * time.Second         // unchanged for that long: it is free
	leaseHeld  = 3500 * time.Millisecond // unconfirmed for that long: it is lost
	leaseRenew = 1500 * time.Millisecond
	leaseTick  = 500 * time.Millisecond // how often is looked
	leaseTry   = 700 * time.Millisecond // for one round of renewals
	// presenceTTL drops the record of a process that was killed, some day.
	presenceTTL = time.Hour
)

// claim is the record of a partition's lease, or of a process that is there.
type claim struct {
	Owner string `json:"owner"`          // the process
	Free  bool   `json:"free,omitempty"` // it was given back; the process has left
}

// owning takes a share of the partitions for a process, and gives it up.
type owning struct {
	journal *Journal
	bus     *Bus
	owner   engine.Owner
	// over tells which of some runs have ended, as far as is known; nil: none are.
	over func(ctx context.Context, runs []string) (map[string]bool, error)

	me      string // unique among processes
	prefix  string // of subjects: gf.node.<ns>.
	seen    map[string]sighting
	held    map[int]*share
	renewed time.Time
}

// sighting is a record as it was last seen.
type sighting struct {
	claim claim
	seq   uint64
	since time.Time // it has not changed since, by this process's clock
}

func (s sighting) live(now time.Time) bool { return !s.claim.Free && now.Sub(s.since) < leaseTime }

// share is a partition that is held.
type share struct {
	seq      uint64 // of its record
	follower *follower
	cancel   context.CancelFunc
	done     chan struct{} // the follower's goroutine has ended
}

func newOwning(j *Journal, o engine.Owner) *owning {
	b := j.bus
	return &owning{
		journal: j, bus: b, owner: o,
		me:     b.cfg.Node + "-" + rand.Text()[:12],
		prefix: "gf.node." + token(b.cfg.Namespace) + ".",
		seen:   map[string]sighting{}, held: map[int]*share{},
	}
}

// run takes part until ctx is done, and then gives all back.
func (o *owning) run(ctx context.Context) {
	tick := time.NewTicker(leaseTick)
	defer tick.Stop()
	for {
		o.turn(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			o.leave(context.WithoutCancel(ctx))
			return
		}
	}
}

// turn does what is due.
func (o *owning) turn(ctx context.Context) {
	if time.Since(o.renewed) >= leaseRenew {
		o.renew(ctx)
	}
	o.dropLate()
	if err := o.observe(ctx); err != nil {
		return // what is not known is not taken; the leases tell when it goes on for too long
	}
	o.balance(ctx)
}

// dropLate drops what was not confirmed in time.
func (o *owning) dropLate() {
	late := 0
	for n, s := range o.held {
		if !s.follower.held() {
			o.drop(n)
			late++
		}
	}
	if late > 0 {
		o.bus.log.Warn("leases were lost: the cluster did not confirm them in time", "partitions", late)
	}
}

// observe looks at all records.
func (o *owning) observe(ctx context.Context) error {
	try, cancel := context.WithTimeout(ctx, leaseTry)
	defer cancel()
	q := pageQuery{Multi: []string{o.prefix + "o.*", o.prefix + "p.*"}, Batch: 4096}
	page, _, err := o.bus.page(try, o.journal.inbox, streamNodes, q)
	if err != nil {
		return err
	}
	now, seen := time.Now(), make(map[string]sighting, len(page))
	for _, m := range page {
		subject := m.Header.Get(jetstream.SubjectHeader)
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return fmt.Errorf("read %s: %w", subject, err)
		}
		s := o.seen[subject]
		if seq != s.seq {
			s = sighting{seq: seq, since: now}
			_ = json.Unmarshal(m.Data, &s.claim) // what can't be read is nobody's, and becomes free
		}
		seen[subject] = s
	}
	o.seen = seen
	return nil
}

// balance gives up what is more than this process's part, and takes what is free
// up to that.
func (o *owning) balance(ctx context.Context) {
	most := o.most()
	for n := range o.held {
		if len(o.held) <= most {
			break
		}
		o.giveBack(ctx, n)
	}
	now := time.Now()
	for i := range Partitions {
		n := (i + int(o.me[len(o.me)-1])) % Partitions // not all begin with the same
		if len(o.held) >= most || ctx.Err() != nil {
			return
		}
		if s := o.seen[o.partition(n)]; o.held[n] == nil && (!s.live(now) || s.claim.Owner == o.me) {
			o.take(ctx, n, s.seq)
		}
	}
}

// most is how many partitions a process holds at most: an equal part, rounded up.
func (o *owning) most() int {
	now, others := time.Now(), 0
	mine := o.presence()
	for subject, s := range o.seen {
		if subject != mine && len(subject) > len(o.prefix) && subject[len(o.prefix)] == 'o' && s.live(now) {
			others++
		}
	}
	return (Partitions + others) / (others + 1)
}

func (o *owning) presence() string       { return o.prefix + "o." + token(o.me) }
func (o *owning) partition(n int) string { return o.prefix + "p." + strconv.Itoa(n) }

// take takes a partition whose record has a sequence; 0 is none.
func (o *owning) take(ctx context.Context, n int, expect uint64) {
	try, cancel := context.WithTimeout(ctx, leaseTry)
	defer cancel()
	sent := time.Now()
	seq, err := o.claim(try, n, expect, claim{Owner: o.me})
	if err != nil {
		return // another was first, or it is not known: then nobody has it, for a lease's time
	}
	o.held[n] = o.begin(ctx, n, seq, sent)
}

// claim writes the record of a partition if it has the sequence expect.
func (o *owning) claim(ctx context.Context, n int, expect uint64, c claim) (uint64, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return 0, err
	}
	subject := o.partition(n)
	return o.bus.publishAt(ctx, streamNodes, subject, expect, &nats.Msg{Subject: subject, Data: data})
}

// renew says that this process is there, and renews its leases.
func (o *owning) renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseTry)
	defer cancel()
	o.renewed = time.Now()
	var all sync.WaitGroup
	all.Go(func() { o.announce(ctx, claim{Owner: o.me}) })
	var mu sync.Mutex
	var lost []int
	for n, s := range o.held {
		all.Go(func() {
			seq, err := o.claim(ctx, n, s.seq, claim{Owner: o.me})
			switch {
			case err == nil:
				s.seq = seq
				s.follower.hold(o.renewed.Add(leaseHeld))
			case errors.Is(err, engine.ErrConflict):
				if s.seq = o.found(ctx, n, s.seq); s.seq == 0 {
					mu.Lock()
					defer mu.Unlock()
					lost = append(lost, n)
				}
			}
		})
	}
	all.Wait()
	for _, n := range lost {
		o.bus.log.Warn("the lease of a partition was taken", "partition", n)
		o.drop(n)
	}
}

// found returns the sequence of a partition's record if it is this process's: of a
// renewal that was not heard of. 0: it is another's. What can't be told is left as it
// is, until the lease runs out.
func (o *owning) found(ctx context.Context, n int, was uint64) uint64 {
	r, err := o.bus.look(ctx, streamNodes, lookup{Last: o.partition(n)})
	if errors.Is(err, engine.ErrNotFound) {
		return 0
	}
	if err != nil {
		return was
	}
	var c claim
	if err := json.Unmarshal(r.Data, &c); err != nil || c.Owner != o.me || c.Free {
		return 0
	}
	return r.Seq
}

// announce says that this process is there, or that it leaves.
func (o *owning) announce(ctx context.Context, c claim) {
	data, err := json.Marshal(c)
	if err != nil {
		return // it can't be
	}
	header := nats.Header{jetstream.MsgTTLHeader: []string{presenceTTL.String()}}
	_, err = o.bus.publishOnce(ctx, &nats.Msg{Subject: o.presence(), Data: data, Header: header})
	if err != nil {
		o.bus.log.Debug("announce a process", "err", err) // it is repeated soon
	}
}

// leave gives all back.
func (o *owning) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseTime)
	defer cancel()
	var all sync.WaitGroup
	for n := range o.held {
		s := o.held[n]
		o.drop(n)
		all.Go(func() { _, _ = o.claim(ctx, n, s.seq, claim{Owner: o.me, Free: true}) }) // else it runs out
	}
	all.Go(func() { o.announce(ctx, claim{Owner: o.me, Free: true}) })
	all.Wait()
}

// giveBack lets another have a partition.
func (o *owning) giveBack(ctx context.Context, n int) {
	s := o.held[n]
	o.drop(n)
	try, cancel := context.WithTimeout(ctx, leaseTry)
	defer cancel()
	if _, err := o.claim(try, n, s.seq, claim{Owner: o.me, Free: true}); err != nil {
		o.bus.log.Debug("give back a partition", "partition", n, "err", err) // it runs out
	}
}
