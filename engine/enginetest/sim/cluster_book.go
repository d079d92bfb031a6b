package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// book is a run's log, with those who check it. The cluster's mu guards it, but for
// what says otherwise.
type book struct {
	w     *cluster
	run   string
	flow  *ClusterFlow
	graph *engine.Graph

	events []record
	last   map[string]uint64
	seen   map[engine.EventType]bool
	judge  *world // holds the model and the fold, and no more of a world
	ran    map[string]int
	buried map[string]engine.DeadLetter
	over   map[string]time.Time // activations that have ended, and when
	leases map[string][]taken   // by process and attempt
	wasted int                  // deliveries that let an attempt begin again

	following sync.WaitGroup
	told      []engine.Notice // to who has followed from the beginning
	outcome   *engine.Outcome
}

func newBook(w *cluster, run string, f *ClusterFlow, g *engine.Graph) *book {
	return &book{
		w: w, run: run, flow: f, graph: g, last: map[string]uint64{}, seen: map[engine.EventType]bool{},
		ran: map[string]int{}, buried: map[string]engine.DeadLetter{}, over: map[string]time.Time{}, leases: map[string][]taken{},
		judge: &world{c: &Case{Spec: f.Spec, Input: f.Input}, graph: g, run: run, model: newModel(&f.Spec), fold: newFold(g, run), dropped: map[string]bool{}},
	}
}

// book is that of a run.
func (w *cluster) book(run string) *book {
	for _, b := range w.books {
		if b.run == run {
			return b
		}
	}
	panic("no run " + run)
}

func (b *book) all() []*engine.Event { return decode(b.events) }

func (b *book) breaks(rule, format string, args ...any) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.w.breaks(rule, format, args...)
}

// blame takes what the judge has found. The caller holds mu.
func (b *book) blame() {
	if v := b.judge.broken; v != nil {
		b.w.breaks(v.Rule, "run %s: %s", b.run, v.Detail)
	}
}

// maxEvents bounds what a run appends.
const maxEvents = 1500

// check is called for each event as it is appended. The caller holds mu.
func (b *book) check(chain string, e *engine.Event) {
	if b.seen[e.Type] = true; e.Type == engine.EventRetried {
		clear(b.over)
		if b.outcome != nil { // who has followed it does so again
			b.outcome = nil
			b.following.Go(func() { b.again(b.w.nodes[0]) })
		}
	}
	b.judge.checkEvent(chain, e)
	b.blame()
	if m := b.judge.model; m.lax == nil && e.Activation != "" && m.live[e.Activation] == nil && b.over[e.Activation].IsZero() {
		b.over[e.Activation] = time.Now()
	}
	if len(b.events) == maxEvents {
		b.w.breaks("bounds", "run %s has appended %d events", b.run, maxEvents)
	}
}

// checkEnqueue wants what is enqueued to be ready. The caller holds mu.
func (b *book) checkEnqueue(n *node, d *engine.Delivery) {
	if key := attemptKey(d.Activation, d.Attempt); !b.judge.decided(key) {
		b.w.breaks("enqueue", "%s enqueued %s of run %s, which is not ready", n.name, key, b.run)
	}
}

// runs is called when an attempt begins.
func (w *cluster) runs(n *node, c *engine.Call, s *Script, f facts, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sayf("%s runs %s", n.name, key)
	w.ran++
	b := w.book(c.Run)
	if !b.judge.decided(attemptKey(c.Activation, c.Attempt)) {
		w.breaks("execution", "%s was executed, and was not ready", key)
	}
	b.judge.guarded("execution", func() { b.judge.checkInput(c) })
	b.checkLeases(n, attemptKey(c.Activation, c.Attempt), b.over[c.Activation])
	b.blame()
	b.judge.guarded("calls", func() { s.checkRecord(f, c) })
	count := fmt.Sprintf("%s with %d answers, %d rounds", attemptKey(c.Activation, c.Attempt), len(c.Answers), len(c.Called))
	if b.ran[count]++; b.ran[count] > 1 {
		w.again++
	}
	if b.ran[count] > 1+w.struck+b.wasted {
		w.breaks("executions", "%s began %d times, after %d troubles and %d wasted deliveries", count, b.ran[count], w.struck, b.wasted)
	}
}

// taken is a lease that a process has had of an attempt.
type taken struct {
	at    time.Time
	again bool // the ticket had been delivered before
	begun bool
}

// takes notes a lease. Each of a process that stands still is wasted: it has as many as
// it has slots, one after the other, and begins with all of them when it goes on. And of
// two tickets of one attempt each that comes again takes the attempt from who has it by
// the other, whose lease then runs out: a backend is not to double them. The caller
// holds mu.
func (b *book) takes(n *node, t *ticket) {
	key := n.name + attemptKey(t.delivery.Activation, t.delivery.Attempt)
	b.leases[key] = append(b.leases[key], taken{at: time.Now(), again: t.count > 1})
	if n.thaw != nil || t.rivals && t.count > 1 {
		b.wasted++
	}
}

// checkLeases wants who begins an attempt to have a lease of it with which it has not
// begun yet, and which it did not take again when all knew that the activation had
// ended. The caller holds mu.
func (b *book) checkLeases(n *node, attempt string, over time.Time) {
	had := b.leases[n.name+attempt]
	for i, l := range had {
		if !l.begun && (!l.again || over.IsZero() || !over.Add(maxLag).Before(l.at)) {
			had[i].begun = true
			return
		}
	}
	b.w.breaks("execution", "%s began on %s, whose leases are %+v; it ended at %s", attempt, n.name, had, over)
}

// checkInput wants an attempt of a live activation to have its input.
func (w *world) checkInput(c *engine.Call) {
	a := w.model.live[c.Activation]
	if a == nil || a.attempt != c.Attempt || w.model.lax != nil {
		return // it has ended, and its worker may not know
	}
	if want := a.m.inputOf(a); plain(c.Input) != plain(want) {
		breach("execution", "%s attempt %d was given input %s, want %s", a.id, c.Attempt, c.Input, want)
	}
}

func (b *book) questions() []string {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return b.judge.model.questions()
}

func (b *book) checkHistory(h *engine.History) {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	b.judge.checkHistory(h)
	b.blame()
}

// over tells that the run has ended, for its log.
func (b *book) ended() bool {
	b.w.mu.Lock()
	defer b.w.mu.Unlock()
	return b.judge.model.ended && b.judge.model.begun
}

// observe is told notices.
func (n *node) observe(notice engine.Notice) {
	if n != n.w.nodes[0] { // the one that looks on
		return
	}
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	b := n.w.book(notice.Run)
	b.told = append(b.told, notice)
}

// standing tells how a run stands, for a message. The caller holds mu.
func (b *book) standing() string {
	var waiting []string
	for _, t := range b.w.queue.all {
		if t.delivery.Run == b.run {
			waiting = append(waiting, fmt.Sprintf("%s attempt %d rev %d held %t", t.delivery.Activation, t.delivery.Attempt, t.delivery.Rev, t.held))
		}
	}
	slices.Sort(waiting)
	owner := "nobody"
	if o := b.w.owners[b.run]; o != nil {
		owner = o.name
		if o.engine.Running(b.run) == nil {
			owner += ", which does not drive it"
		}
	}
	return fmt.Sprintf("the model's live activations %s; queued %q; held %t; %d events; its owner is %s", b.judge.model.liveNames(), waiting, b.judge.model.held, len(b.events), owner)
}
