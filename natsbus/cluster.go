package natsbus

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Cluster is what the processes of a cluster say to one another. It is safe for
// concurrent use.
type Cluster struct {
	bus     *Bus
	journal *Journal // which reads the runs of this process's share from memory
	shares  *shares
	teller  *teller
}

var _ engine.Cluster = (*Cluster)(nil)

func newCluster(b *Bus, j *Journal) *Cluster {
	t := &teller{bus: b}
	if j != nil {
		j.teller = t
	}
	return &Cluster{bus: b, journal: j, shares: newShares(), teller: t}
}

// Own implements [engine.Cluster]. It returns nil when ctx is done.
func (c *Cluster) Own(ctx context.Context, o engine.Owner) error {
	ended, follow := make(chan struct{}), sync.WaitGroup{}
	follow.Go(func() { c.followShares(ended) })
	err := c.journal.own(ctx, o, c.bus.over)
	close(ended)
	follow.Wait()
	return err
}

// shareTick is how late the other duties of an owner follow its partitions.
const shareTick = 100 * time.Millisecond

// followShares keeps account of the partitions that are owned, until none is.
func (c *Cluster) followShares(ended <-chan struct{}) {
	tick := time.NewTicker(shareTick)
	defer tick.Stop()
	for {
		for n := range c.journal.parts {
			c.shares.set(n, c.journal.parts[n].Load() != nil)
		}
		select {
		case <-tick.C:
		case <-ended:
			for n := range Partitions {
				c.shares.set(n, false)
			}
			return
		}
	}
}

// holds tells whether this process owns a run's partition, by its clock.
func (c *Cluster) holds(run string) bool {
	f := c.journal.follower(run)
	return f != nil && f.held()
}

// Bury implements [engine.Cluster].
func (c *Cluster) Bury(ctx context.Context, l engine.DeadLetter) error { return c.bus.Bury(ctx, l) }

// Mark implements [engine.Cluster]. It waits until the mark is stored.
func (c *Cluster) Mark(ctx context.Context, m engine.Mark) error {
	if !m.Ended.IsZero() {
		c.journal.Settled(m.Run)
	}
	return c.bus.mark(ctx, m)
}

// Signal implements [engine.Cluster]. It does not wait.
func (c *Cluster) Signal(_ context.Context, s engine.Signal) error { return c.bus.signal(s) }

// Signals implements [engine.Cluster]. f and lost are called one at a time.
func (c *Cluster) Signals(ctx context.Context, f func(engine.Signal), lost func()) error {
	return c.bus.signals(ctx, f, lost)
}

// Watch implements [engine.Cluster]. It calls moved every 2 s, whatever happened.
func (c *Cluster) Watch(ctx context.Context, run string, moved func()) error {
	return c.bus.watch(ctx, run, moved)
}

// Tell implements [engine.Cluster]. Of what can't be sent for long the oldest is
// dropped.
func (c *Cluster) Tell(n engine.Notice) { c.teller.tell(n) }

// shares are the partitions that this process owns. It is safe for concurrent use.
type shares struct {
	mu      sync.Mutex // guards what follows
	mine    map[int]bool
	changed chan struct{} // closed at the next change
}

func newShares() *shares { return &shares{mine: map[int]bool{}, changed: make(chan struct{})} }

// set tells that a partition is this process's, or is not any more.
func (s *shares) set(partition int, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mine[partition] == mine {
		return
	}
	if delete(s.mine, partition); mine {
		s.mine[partition] = true
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// now returns what is owned, and what is closed when that changes.
func (s *shares) now() (map[int]bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.mine), s.changed
}
