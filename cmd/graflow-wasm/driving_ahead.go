package main

import (
	"errors"
	"maps"
	"slices"

	"github.com/graflow/graflow-wasm/engine"
)

// answerAll gives the answers in advance to the pauses of a paused run. It
// reports whether there were any.
func (d *driving) answerAll(pauses []engine.Waiting) bool {
	found := false
	for _, w := range pauses {
		found = d.resume(w.Name, w.Activation) || found
	}
	return found
}

// answerAhead gives the answers in advance to pauses of a run that is not paused,
// since something else in it moves.
func (d *driving) answerAhead(ended <-chan struct{}) {
	for {
		d.mu.Lock()
		paused := d.paused
		d.paused = nil
		d.mu.Unlock()
		for _, n := range paused {
			d.resume(n.Message, n.Activation)
		}
		select {
		case <-ended:
			return
		case <-d.asked:
		}
	}
}

// resume answers a pause in advance. It reports whether there was an answer.
func (d *driving) resume(name, activation string) bool {
	d.answering.Lock()
	defer d.answering.Unlock()
	answer, ok := d.job.flags.ahead[name]
	if !ok {
		return false
	}
	pause := activation + "\x00" + name
	if d.given[pause] {
		return true // it is on its way
	}
	d.used[name], d.given[pause] = true, true
	err := d.running.Resume(activation, answer)
	if errors.Is(err, engine.ErrInvalidAnswer) {
		d.say("--answer %s=%s: %v", name, answer, err)
		delete(d.job.flags.ahead, name)
		d.refused = true
	}
	return true // else somebody was first
}

// wasRefused tells whether an answer in advance did not fit.
func (d *driving) wasRefused() bool {
	d.answering.Lock()
	defer d.answering.Unlock()
	return d.refused
}

// tellUnused names the answers in advance that no pause of a run has asked for.
func (d *driving) tellUnused() {
	d.answering.Lock()
	defer d.answering.Unlock()
	for _, name := range slices.Sorted(maps.Keys(d.job.flags.ahead)) {
		if !d.used[name] {
			d.say("--answer %s: no pause of that name has asked for it", name)
		}
	}
}
