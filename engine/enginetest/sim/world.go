package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// world is what one run sees: storage, time, processes, and who checks them.
// Its scheduler is the only goroutine that changes what is not guarded by mu.
type world struct {
	c      *Case
	graph  *engine.Graph
	choose chooser
	step   int
	trace  func(string) // of each step; nil is none
	broken *Violation

	run       string              // the run's id
	next      string              // the one that it is to have from now on; "" is none
	journals  map[string]*journal // by id
	shared    *queue              // nil: each process has its own
	kept      *engine.Backend
	dropped   map[string]bool // chains that were trimmed
	forgotten string          // the run, once its journal was dropped
	short     bool            // the next read returns one event
	takes     taking
	procs     []*process
	cur       *process
	flying    []*call // appends of processes that have died, on their way
	model     *model
	fold      *fold
	stood     []standing // after each event
	retries   int
	starts    []start // where it got other ids

	parks    bool // it was held, or may have been: a process may enqueue twice
	canceled bool

	mu      sync.Mutex // guards what follows, and what processes say it does
	arrived []*call
	parked  []*call
	timers  []*timer
	said    []func() // for the scheduler to look at
}

// later lets the scheduler do something before its next step.
func (w *world) later(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, f)
}

// taking says which delivery the next receiver gets.
type taking int

func (t *taking) index(n int) int {
	i := int(*t) % n
	*t = 0
	return i
}

// Violation is a rule that a simulation broke.
type Violation struct {
	Rule   string // short, the same for each way to break it
	Detail string
	Step   int
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %s (step %d)", v.Rule, v.Detail, v.Step)
}

// breaks notes the first rule broken.
func (w *world) breaks(rule, format string, args ...any) {
	if w.broken == nil {
		w.broken = &Violation{Rule: rule, Detail: fmt.Sprintf(format, args...), Step: w.step}
	}
}

// patience is how many steps without faults a run may take to its end.
const patience = 6_000

// play runs the case to its end and returns the rule that was broken, if any.
// It is called in a bubble.
func (w *world) play() *Violation {
	w.boot().submit()
	last := w.c.Weather.Chaos + patience
	for w.step = 0; w.broken == nil; w.step++ {
		synctest.Wait()
		w.takeIn()
		w.checkStep()
		if w.finished() && w.retry() {
			continue
		}
		if w.broken != nil || w.finished() {
			break
		}
		if w.step > last {
			w.breaks("progress", "no end after %d steps without faults; %s", patience, w.standing())
			break
		}
		w.advance()
	}
	if w.broken == nil {
		w.settle()
	}
	w.end()
	return w.broken
}

// events is how many the run's journal has.
func (w *world) events() int { return len(w.journal(w.run).events) }

// finished tells whether the run has ended, for the journal and for who waits.
func (w *world) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.model.ended && w.cur.outcome != nil
}

// maxRetries is how often a run is tried to be retried.
const maxRetries = 3

// retry lets a run that has failed go on; false if it is not to.
func (w *world) retry() bool {
	p := w.cur
	if w.c.Retry == "" || w.c.Forgetful || w.retries == maxRetries || p.dead || p.outcome.Status == engine.StatusSucceeded {
		return false
	}
	w.retries++
	from := engine.RetryFrom{Task: w.c.Retry}
	if from.Task == "-" {
		from.Task = ""
	}
	w.say(fmt.Sprintf("retry from %q", from.Task))
	p.retry(from)
	return true
}

// advance does one step.
func (w *world) advance() {
	choice := w.choose.next()
	if choice.Fault != None && w.strike(choice.Fault, choice.Pick) {
		return
	}
	do := w.ordinary()
	if len(do) == 0 {
		do = w.idle()
	}
	if len(do) == 0 {
		w.breaks("progress", "nothing is left to do, and the run has not ended: %s", w.standing())
		return
	}
	pick := 0
	if choice.Fault == None {
		pick = choice.Pick % len(do)
	}
	w.say(do[pick].what)
	do[pick].do()
}

func (w *world) say(what string) {
	if w.trace != nil {
		w.trace(fmt.Sprintf("%4d %s", w.step, what))
	}
}

// deed is what a step may do.
type deed struct {
	what string
	do   func()
}

// ordinary are the calls that can go on, oldest first, and what is due.
func (w *world) ordinary() []deed {
	var all []deed
	for _, c := range w.calls(nil) {
		all = append(all, deed{c.name(), func() { w.let(c) }})
	}
	for _, t := range w.pending() {
		if !t.due.After(time.Now()) {
			all = append(all, w.fire(t))
		}
	}
	if d, ok := w.keepUp(); ok {
		all = append(all, d)
	}
	if w.heldHere() && len(all) == 0 && w.step >= w.c.Weather.Chaos && w.running() != nil {
		all = append(all, deed{"release", w.release})
	}
	return all
}

// keepUp keeps the present process at the run.
func (w *world) keepUp() (deed, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.cur
	switch {
	case p.dead:
		return deed{"boot", func() { w.boot().open() }}, true
	case p.ready && p.err != nil:
		return deed{fmt.Sprintf("%s gave up (%v): open again", p.name, p.err), p.open}, true
	case p.ready && !p.waiting && p.outcome == nil && w.worthWaiting():
		return deed{p.name + " wait", p.wait}, true
	}
	return deed{}, false
}

// open goes on with the run, or submits it if it was not yet.
func (p *process) open() {
	switch w := p.world; {
	case w.events() == 0:
		p.submit()
	case w.next != "":
		p.restore()
	default:
		p.recover()
	}
}

// worthWaiting keeps a paused run from being waited for in a loop. The caller
// holds mu.
func (w *world) worthWaiting() bool {
	select {
	case <-w.cur.running.Done():
		return true
	default:
		return w.cur.idle != w.events()
	}
}

// pending are the timers that may fire, the next first.
func (w *world) pending() []*timer {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timers = slices.DeleteFunc(w.timers, func(t *timer) bool { return t.stopped || t.proc.dead })
	all := slices.DeleteFunc(slices.Clone(w.timers), func(t *timer) bool { return t.proc.frozen })
	slices.SortStableFunc(all, func(a, b *timer) int { return a.due.Compare(b.due) })
	return all
}

// fire lets the clock reach a timer and starts what it is for.
func (w *world) fire(t *timer) deed {
	return deed{fmt.Sprintf("%s timer %d", t.proc.name, t.number), func() {
		time.Sleep(time.Until(t.due))
		w.mu.Lock()
		t.stopped = true
		w.mu.Unlock()
		go t.f()
	}}
}

// idle are the things that happen when all calls wait for something else.
func (w *world) idle() []deed {
	var all []deed
	add := func(d deed) { all = append(all, d) }
	if n := len(w.flying); n > 0 {
		add(deed{"append arrives late", w.land})
	}
	w.mu.Lock()
	hanging := slices.ContainsFunc(w.parked, func(c *call) bool { return c.op == opHandle && !c.proc.frozen })
	w.mu.Unlock()
	if hanging {
		add(deed{"5s pass", func() { time.Sleep(5 * time.Second) }})
	}
	for _, t := range w.pending() {
		add(w.fire(t))
	}
	for _, h := range w.heldItems() {
		add(deed{"lease of " + h.it.delivery.Activation + " ends", func() { h.q.expire(h.it) }})
	}
	if len(all) > 0 {
		return all
	}
	for _, p := range w.procs {
		if p.frozen {
			add(deed{p.name + " goes on", func() { p.frozen = false }})
		}
	}
	if w.heldHere() && w.running() != nil {
		add(deed{"release", w.release})
	}
	for _, name := range w.model.questions() {
		add(deed{"answer " + name, func() { w.resume(name, answerTo(name)) }})
	}
	return all
}

// heldHere tells that the run is held, or that the process thinks so.
func (w *world) heldHere() bool { return w.model.held || w.cur.idle == w.events() && !w.model.paused() }

// heldItem is a delivery whose lease may end.
type heldItem struct {
	q  *queue
	it *item
}

func (w *world) heldItems() []heldItem {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []heldItem
	seen := map[*queue]bool{}
	for _, p := range w.procs {
		if seen[p.queue] || p.dead && p.queue != w.shared {
			continue
		}
		seen[p.queue] = true
		for _, it := range p.queue.held {
			all = append(all, heldItem{p.queue, it})
		}
	}
	return all
}

// settle lets what is still on its way come, after the run's end.
func (w *world) settle() {
	for range 60 {
		w.step++
		synctest.Wait()
		w.takeIn()
		do := w.ordinary()
		if len(w.flying) > 0 {
			do = append(do, deed{"append arrives late", w.land})
		}
		if len(do) == 0 || w.broken != nil {
			break
		}
		w.say(do[0].what)
		do[0].do()
	}
	synctest.Wait()
	w.checkEnd()
}

// end ends all processes.
func (w *world) end() {
	for _, p := range w.procs {
		if !p.dead {
			w.crash(p)
		}
	}
	synctest.Wait()
}

// standing tells how the run stands, for a message.
func (w *world) standing() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var waiting []string
	for _, c := range w.parked {
		if c.op != opReceive {
			waiting = append(waiting, c.name())
		}
	}
	return fmt.Sprintf("the model's live activations %s; parked calls %q; %d events; process ready %t, error %v, waiting %t, outcome %v",
		w.model.liveNames(), waiting, w.events(), w.cur.ready, w.cur.err, w.cur.waiting, w.cur.outcome)
}

// running is the run in the present process, if it has been opened.
func (w *world) running() *engine.Running {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.cur; !p.dead && p.ready && p.err == nil && p.outcome == nil {
		return p.running
	}
	return nil
}

// usual are errors of calls from outside: the run has ended, or somebody else,
// the process or its storage was in the way.
var usual = []error{engine.ErrFinished, engine.ErrConflict, engine.ErrClosed, errStorage, errCrashed, context.Canceled}

func usualError(err error, more ...error) bool {
	return slices.ContainsFunc(append(more, usual...), func(u error) bool { return errors.Is(err, u) })
}

// outside does something to the run from outside, in a goroutine of its own: it
// waits for storage as all others do.
func (w *world) outside(do func(r *engine.Running) error, allowed ...error) {
	r := w.running()
	if r == nil {
		return
	}
	go func() {
		err := do(r)
		if err == nil || usualError(err, allowed...) {
			return
		}
		w.later(func() { w.breaks("calls from outside", "%v", err) })
	}()
}

// answerTo is what somebody answers to a pause.
func answerTo(name string) json.RawMessage { return fmt.Appendf(nil, "%d", len(name)) }
