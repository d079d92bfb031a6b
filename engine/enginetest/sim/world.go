package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing/synctest"

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
	struck map[Fault]int

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
		w.struck[choice.Fault]++
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
