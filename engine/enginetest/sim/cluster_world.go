package sim

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// ClusterPlay is what came of a cluster's case.
type ClusterPlay struct {
	Broken *Violation      // nil: all rules held
	Struck int             // troubles that there were
	Kinds  map[Trouble]int // of them
	Events int
	Ran    int               // executions
	Again  int               // of these, of what had begun before
	Logs   [][]*engine.Event // of each run
}

// cluster is the world of several processes.
type cluster struct {
	c     *ClusterCase
	dice  *dice
	trace func(string)
	began time.Time
	kept  *engine.Backend
	wg    sync.WaitGroup

	mu      sync.Mutex // guards what follows; never held while time passes
	nodes   []*node
	books   []*book
	seq     uint64
	queue   tickets
	owners  map[string]*node // by run: who is to drive it
	marks   map[string]engine.Mark
	calm    bool
	struck  int
	hitting map[Trouble]int
	broken  *Violation
	ran     int
	again   int
}

// SimulateCluster plays a case in a bubble of its own. trace, if not nil, is told
// what happens.
func SimulateCluster(t *testing.T, c ClusterCase, trace func(string)) ClusterPlay {
	t.Helper()
	var play ClusterPlay
	synctest.Test(t, func(*testing.T) { play = simulateCluster(&c, trace) })
	return play
}

func simulateCluster(c *ClusterCase, trace func(string)) ClusterPlay {
	w := &cluster{
		c: c, dice: newDice(c.Seed), trace: trace, began: time.Now(), kept: engine.InMemory(), owners: map[string]*node{},
		marks: map[string]engine.Mark{}, hitting: map[Trouble]int{}, queue: tickets{wake: make(chan struct{})},
	}
	for i, f := range c.Flows {
		g, err := f.Spec.Build()
		if err != nil {
			return ClusterPlay{Broken: &Violation{Rule: "build", Detail: err.Error()}}
		}
		w.books = append(w.books, newBook(w, fmt.Sprintf("r%d", i), &c.Flows[i], g))
	}
	w.play()
	play := ClusterPlay{Broken: w.broken, Struck: w.struck, Kinds: w.hitting, Ran: w.ran, Again: w.again}
	for _, b := range w.books {
		play.Events += len(b.events)
		play.Logs = append(play.Logs, b.all())
	}
	return play
}

// play begins the runs, troubles them for a while, and sees them end.
func (w *cluster) play() {
	client := w.boot(ClusterNode{engine.PartNone, 1})
	for _, n := range w.c.Nodes {
		w.boot(n)
	}
	var visitors sync.WaitGroup
	for _, b := range w.books {
		visitors.Go(func() { b.submit(client) })
	}
	w.chaos()
	w.quiet()
	visitors.Wait()
	w.sayf("calm, after %d troubles", w.struck)
	w.finish(client)
	w.mu.Lock()
	nodes := slices.Clone(w.nodes)
	w.mu.Unlock()
	for _, n := range nodes {
		n.end()
	}
	w.wg.Wait()
	for _, b := range w.books {
		b.following.Wait()
	}
}

func (w *cluster) sayf(format string, args ...any) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%9.3f %s", time.Since(w.began).Seconds(), fmt.Sprintf(format, args...)))
	}
}

// breaks notes the first rule broken. The caller holds mu.
func (w *cluster) breaks(rule, format string, args ...any) {
	if w.broken == nil {
		w.broken = &Violation{Rule: rule, Detail: fmt.Sprintf(format, args...), Step: int(time.Since(w.began).Milliseconds())}
	}
}

func (w *cluster) isBroken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken != nil
}

// strikes tells whether a trouble happens to a call.
func (w *cluster) strikes(t Trouble, key string) bool {
	if !w.c.has(t) || !w.dice.chance(w.c.Rate, string(t)+" "+key) {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calm {
		return false
	}
	w.strike(t, key)
	return true
}

// strike counts a trouble. The caller holds mu.
func (w *cluster) strike(t Trouble, key string) {
	w.struck++
	w.hitting[t]++
	if w.trace != nil {
		w.sayf("! %s %s", t, key)
	}
}

// after does something later.
func (w *cluster) after(d time.Duration, f func()) {
	w.wg.Go(func() {
		time.Sleep(d)
		f()
	})
}

// hop is the time that a message takes.
func (w *cluster) hop(key string) time.Duration {
	const usual = 2 * time.Millisecond
	return w.dice.span(usual, "hop "+key)
}
