package soak

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/graflow/graflow-wasm/engine"
)

// Rules that a soak keeps an eye on.
const (
	ruleLost      = "lost"      // an accepted run ends, and its submitter hears of it
	ruleOutcome   = "outcome"   // as its kind must
	ruleChain     = "chain"     // the events of an activation are those of one life
	ruleTwice     = "twice"     // an attempt ends once
	ruleFold      = "fold"      // the log says what the submitter was told
	ruleAfter     = "after end" // nothing of an activation follows the run's end
	ruleExecution = "execution" // what completed was executed
	ruleIndex     = "index"     // lists tell how the run ended
	ruleQueue     = "queue"     // no ticket is left
	ruleProcess   = "process"   // processes end when they are to, and only then
)

// Finding is a rule that was broken.
type Finding struct {
	Rule string
	Run  string // "": of the cluster
	What string
}

func (f Finding) String() string { return fmt.Sprintf("%-9s %s: %s", f.Rule, f.Run, f.What) }

// evidence is all that is known of a run.
type evidence struct {
	run     *submitted
	history *engine.History // nil: there is none
	mark    engine.Mark
	deeds   *deeds
}

// check tells which rules were broken with a run.
func (v *evidence) check() []Finding {
	var all []Finding
	found := func(rule, format string, args ...any) {
		all = append(all, Finding{rule, v.run.id, fmt.Sprintf(format, args...)})
	}
	if !v.run.accepted {
		return nil
	}
	if v.history == nil {
		found(ruleLost, "it was accepted, and is not there")
		return all
	}
	checkChains(v.history.Events, found)
	if v.run.ended.IsZero() {
		found(ruleLost, "it has not ended: %s; live %+v", told(&v.history.Outcome), v.history.Live)
		return all
	}
	if what := v.run.kind.want(v.run.n, &v.run.told); what != "" {
		found(ruleOutcome, "%s", what)
	}
	v.checkFold(found)
	v.checkExecutions(found)
	if v.mark.Status != v.run.told.Status || v.mark.Ended.IsZero() {
		found(ruleIndex, "listed as %s, ended %v; the run has %s", v.mark.Status, v.mark.Ended, v.run.told.Status)
	}
	return all
}

// checkFold compares what a new fold of the log says with what was told.
func (v *evidence) checkFold(found func(rule, format string, args ...any)) {
	fold, err := json.Marshal(v.history.Outcome)
	told, err2 := json.Marshal(v.run.told)
	if err != nil || err2 != nil || !bytes.Equal(fold, told) {
		found(ruleFold, "the log says %s, told was %s", fold, told)
	}
	ends := uint64(0)
	for _, n := range v.history.Notices {
		if n.Type != engine.NoticeRunFinished {
			continue
		}
		if ends != 0 {
			found(ruleFold, "it ends at event %d and again at %d", ends, n.Seq)
		}
		ends = n.Seq
	}
	if ends == 0 {
		found(ruleFold, "the log has no end")
		return
	}
	for _, e := range v.history.Events {
		if e.Seq > ends && !decides(e) {
			found(ruleAfter, "event %d, %s of %s, follows the end at %d", e.Seq, e.Type, e.Activation, ends)
		}
	}
}

// checkExecutions wants each completed attempt of a function to have been executed.
func (v *evidence) checkExecutions(found func(rule, format string, args ...any)) {
	for _, e := range v.history.Events {
		if e.Type != engine.EventCompleted || e.Started.IsZero() || v.run.kind.builtins[e.Activation] {
			continue
		}
		if len(v.deeds.executed[try{v.run.id, e.Activation, e.Attempt}]) == 0 {
			found(ruleExecution, "attempt %d of %s completed, and nobody executed it", e.Attempt, e.Activation)
		}
	}
}

// decides tells that the event is of no activation's chain.
func decides(e *engine.Event) bool { return e.Activation == "" || e.Type == engine.EventTimer }

// life is how far an activation has come.
type life struct {
	attempt int
	state   engine.EventType // of the last event; "" is ready
}

// checkChains walks the log: events are in order, the run's start is first, and those
// of each activation are such that one attempt follows the other, each ends at most
// once, and nothing follows the last.
func checkChains(events []*engine.Event, found func(rule, format string, args ...any)) {
	lives := map[string]*life{}
	last := uint64(0)
	for i, e := range events {
		if e.Seq <= last {
			found(ruleChain, "event %d comes after event %d", e.Seq, last)
		}
		last = e.Seq
		if (e.Type == engine.EventStarted) != (i == 0) {
			found(ruleChain, "event %d, the %d. of the log, is %s", e.Seq, i+1, e.Type)
		}
		if decides(e) {
			continue
		}
		l := lives[e.Activation]
		if l == nil {
			l = &life{attempt: 1}
			lives[e.Activation] = l
		}
		l.take(e, found)
	}
}

// ends are the events that end an attempt.
var ends = map[engine.EventType]bool{engine.EventCompleted: true, engine.EventFailed: true, engine.EventStopped: true}

func (l *life) take(e *engine.Event, found func(rule, format string, args ...any)) {
	defer func() { l.attempt, l.state = e.Attempt, e.Type }()
	switch {
	case e.Attempt == l.attempt && ends[l.state] && ends[e.Type]:
		if l.state == engine.EventFailed && e.Type == engine.EventFailed && e.Reason == engine.KindDeadline {
			return // while it waited for its next attempt
		}
		found(ruleTwice, "attempt %d of %s has %s, and at event %d %s", e.Attempt, e.Activation, l.state, e.Seq, e.Type)
	case e.Attempt == l.attempt && ends[l.state], e.Attempt == l.attempt+1 && l.state != engine.EventFailed:
		found(ruleChain, "event %d, %s of attempt %d of %s, follows %s", e.Seq, e.Type, e.Attempt, e.Activation, l.state)
	case e.Attempt != l.attempt && e.Attempt != l.attempt+1:
		found(ruleChain, "event %d is of attempt %d of %s, which is at %d", e.Seq, e.Attempt, e.Activation, l.attempt)
	case (e.Type == engine.EventAnswered) != (l.state == engine.EventPaused && e.Attempt == l.attempt && e.Type != engine.EventFailed):
		found(ruleChain, "event %d, %s of %s, follows %s", e.Seq, e.Type, e.Activation, l.state)
	}
}
