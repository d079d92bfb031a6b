package sim

import (
	"context"
	"encoding/json"

	"github.com/graflow/graflow-wasm/engine"
)

func (w *world) hold() {
	w.outside(func(r *engine.Running) error { return r.Hold("from outside") })
}

func (w *world) release() {
	w.outside(func(r *engine.Running) error { return r.Release() })
}

// resume answers a pause, or what may be none any more.
func (w *world) resume(name string, answer json.RawMessage) {
	w.outside(func(r *engine.Running) error { return r.Resume(name, answer) },
		engine.ErrNotPaused, engine.ErrNoPause, engine.ErrAnswered, engine.ErrAmbiguous)
}

// look reads the run's history, whoever drives it.
func (w *world) look() {
	p, run := w.cur, w.run
	go func() {
		h, err := p.engine.History(context.Background(), run)
		w.later(func() {
			switch {
			case err == nil:
				w.checkHistory(h)
			case !usualError(err):
				w.breaks("history", "%v", err)
			}
		})
	}()
}
