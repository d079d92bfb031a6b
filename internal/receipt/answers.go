package receipt

import (
	"context"
	"errors"

	"github.com/graflow/graflow-wasm/engine"
)

// observe is told what happens in the repetition.
func (o *order) observe(n engine.Notice) {
	if n.Type != engine.NoticeTaskPaused || n.Message == "" {
		return
	}
	o.mu.Lock()
	o.paused = append(o.paused, n)
	o.mu.Unlock()
	select {
	case o.asked <- struct{}{}:
	default:
	}
}

// answer gives the answers that the run had, until it has ended or is paused, and ends
// it where it was ended from outside.
func (o *order) answer(ctx context.Context, running *engine.Running, ended <-chan struct{}) {
	over := o.over
	for {
		select {
		case <-o.asked:
		case <-over:
			over = nil
			_ = running.Cancel("here it was ended") //nolint:contextcheck // what follows belongs to the engine; it may have ended
		case <-ended:
			return
		case <-ctx.Done():
			return
		}
		o.mu.Lock()
		paused := o.paused
		o.paused = nil
		o.mu.Unlock()
		for _, n := range paused {
			o.resume(running, n.Activation, n.Message) //nolint:contextcheck // likewise
		}
	}
}

// answerAll answers what a paused run waits for. It reports whether there was an answer.
func (o *order) answerAll(running *engine.Running, pauses []engine.Waiting) bool {
	found := false
	for _, p := range pauses {
		found = o.resume(running, p.Activation, p.Name) || found
	}
	return found
}

// resume gives a pause its answer, once. It reports whether it had one to give.
func (o *order) resume(running *engine.Running, activation, pause string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := activation + "\x00" + pause
	answer, ok := o.answerOf(activation, pause, o.given[at])
	if !ok {
		return false
	}
	o.mu.Unlock() // the engine tells its notices meanwhile
	err := running.Resume(activation, answer)
	o.mu.Lock()
	switch {
	case err == nil:
		o.given[at]++
		o.moves++
	case errors.Is(err, engine.ErrInvalidAnswer):
		o.missing[activation] = "the answer to " + pause + ": " + err.Error()
	}
	return err == nil
}

// answersGiven counts them.
func (o *order) answersGiven() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := 0
	for _, given := range o.given {
		n += given
	}
	return n
}
