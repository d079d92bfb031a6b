package api

import (
	"context"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// waiting is how many notices wait for a client to read on.
const waiting = 256

// placed is a notice with the place after it.
type placed struct {
	at     string
	notice engine.Notice
}

// feed is what a stream is to tell of a run. One goroutine follows the run, another
// takes the notices.
type feed struct {
	place    string // is told before them; "" is not
	notices  chan placed
	first    []placed // that were taken from notices already
	patience time.Duration
	cancel   context.CancelFunc // of follow's context

	done chan struct{} // closed when what follows is set
	// lagged: nobody took notices for as long as patience lasts.
	lagged  bool
	outcome engine.Outcome
	err     error
}

func newFeed(place string, patience time.Duration, cancel context.CancelFunc) *feed {
	return &feed{place: place, notices: make(chan placed, waiting), patience: patience, cancel: cancel, done: make(chan struct{})}
}

// follow follows the run until it has ended or is paused, or ctx is done.
func (f *feed) follow(ctx context.Context, runs ops.Runs, run, after string) {
	defer close(f.done)
	f.outcome, f.err = runs.Follow(ctx, run, after, func(n engine.Notice, at string) { f.put(ctx, placed{at, n}) })
}

// beginsWithin is how long the beginning of a stream is waited for.
const beginsWithin = time.Second

// begins waits a moment for what is told first, and returns why there will be nothing.
func (f *feed) begins() error {
	if f.place != "" {
		return nil
	}
	timer := time.NewTimer(beginsWithin)
	defer timer.Stop()
	select {
	case n := <-f.notices:
		f.first = append(f.first, n)
	case <-f.done:
		return f.err
	case <-timer.C:
	}
	return nil
}

// put gives a notice to who takes them, and waits for it no longer than patience
// lasts: then the client is given up, and it is told nothing more.
func (f *feed) put(ctx context.Context, n placed) {
	if f.lagged || ctx.Err() != nil {
		return // what came after a gap would have it forgotten
	}
	select {
	case f.notices <- n:
		return
	default:
	}
	timer := time.NewTimer(f.patience)
	defer timer.Stop()
	select {
	case f.notices <- n:
	case <-ctx.Done():
	case <-timer.C:
		f.lagged = true
		f.cancel()
	}
}
