package control

import (
	"context"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Follow calls f with what has happened in a run, and with what happens, until it
// has ended or is paused, and returns the outcome. Of a run that nobody drives it
// returns how it stands.
func (d *Desk) Follow(ctx context.Context, run string, f func(engine.Notice)) (engine.Outcome, error) {
	b := newBacklog()
	underway, stop := d.Hub.subscribe(run, b.put)
	defer stop()
	o := d.Running(run)
	h, err := d.History(ctx, run)
	if err != nil {
		return engine.Outcome{}, err
	}
	for _, n := range WithStarts(h) {
		f(n)
	}
	if o == nil {
		return h.Outcome, nil
	}
	b.first(underway)
	return d.followOn(ctx, o, h, b, f)
}

// attemptsEnded are when the last attempts of a run's activations ended.
func attemptsEnded(h *engine.History) map[string]time.Time {
	ended := map[string]time.Time{}
	for _, e := range h.Events {
		if !e.Started.IsZero() {
			ended[e.Activation] = e.Time
		}
	}
	return ended
}

// followOn is Follow from what a history tells on.
func (d *Desk) followOn(ctx context.Context, o *engine.Running, h *engine.History, b *backlog, f func(engine.Notice)) (engine.Outcome, error) {
	after, ended := h.Events[len(h.Events)-1].Seq, attemptsEnded(h)
	var outcome engine.Outcome
	var err error
	var wait sync.WaitGroup
	wait.Go(func() {
		outcome, err = o.Wait(ctx)
		b.close()
	})
	defer wait.Wait()
	for open := true; open; {
		<-b.ready
		var notices []engine.Notice
		notices, open = b.take()
		for _, n := range notices {
			told := n.Type == engine.NoticeTaskStarted && !n.Time.After(ended[n.Activation])
			if n.Seq == 0 && !told || n.Seq > after {
				f(n)
			}
		}
	}
	wait.Wait()
	return outcome, err
}
