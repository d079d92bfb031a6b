package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// remoteRun is a run that is followed through a server's API, and steered there.
type remoteRun struct {
	runs ops.Runs
	id   string
	past *pastRun // is not told again; nil: all is told
	tell func(engine.Notice)

	end  context.CancelFunc
	done chan struct{} // closed when nothing follows any more
	poke chan struct{} // has one when something was done to it

	mu      sync.Mutex // guards what follows
	outcome engine.Outcome
	err     error
	turned  chan struct{} // closed when outcome or err changes
}

var _ drivenRun = (*remoteRun)(nil)

// How often a paused run is looked at: the server tells of nothing that waits. Once
// something was done to it, it moves soon.
const (
	pausedLook = 500 * time.Millisecond
	pokedLook  = 20 * time.Millisecond
)

// followRemote follows a run to which something was just done, until it has ended, or
// Close. A replica that is behind may show it as it was before, for up to movedWithin.
func followRemote(ctx context.Context, runs ops.Runs, id string, there *pastRun, tell func(engine.Notice)) *remoteRun {
	r := &remoteRun{
		runs: runs, id: id, past: there, tell: tell, done: make(chan struct{}), poke: make(chan struct{}, 1),
		turned: make(chan struct{}), outcome: engine.Outcome{Run: id, Status: engine.StatusRunning},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r.end = cancel
	go r.follow(ctx)
	return r
}

// Close ends the following, not the run.
func (r *remoteRun) Close() {
	r.end()
	<-r.done
}

func (r *remoteRun) follow(ctx context.Context) {
	defer close(r.done)
	at, again, behind := ops.FollowAll, pokedLook, time.Now().Add(movedWithin)
	for reached := time.Now(); ; {
		told := false
		outcome, err := r.runs.Follow(ctx, r.id, at, func(n engine.Notice, place string) {
			at, reached = place, time.Now()
			if r.past.has(n) {
				return
			}
			if n.Seq > 0 && !told {
				told = true
				r.turn(engine.Outcome{Run: r.id, Status: engine.StatusRunning}, nil)
			}
			r.tell(n)
		})
		if told {
			again, behind = pausedLook, time.Time{}
		}
		if !errors.Is(err, ops.ErrUnavailable) {
			reached = time.Now()
		}
		if !isBehind(err, behind, reached) { // else it is looked at again, as if nothing was seen
			if r.turn(outcome, err); err != nil || outcome.Status != engine.StatusPaused {
				return
			}
		}
		select {
		case <-r.poke:
			again = pokedLook
		case <-time.After(again):
			again = min(2*again, pausedLook)
		case <-ctx.Done():
			r.turn(outcome, ctx.Err())
			return
		}
	}
}

// awayFor is how long a server is waited for that does not answer any more: it may be
// started anew.
const awayFor = time.Minute

// isBehind tells whether what was seen says nothing: it is of a time before something was
// done to the run, or of a server that is started anew.
func isBehind(err error, behind, reached time.Time) bool {
	if errors.Is(err, ops.ErrUnavailable) {
		return time.Since(reached) < awayFor
	}
	return (err == nil || errors.Is(err, engine.ErrNotFound)) && time.Now().Before(behind)
}

// turn notes how the run stands.
func (r *remoteRun) turn(o engine.Outcome, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcome, r.err = o, err
	close(r.turned)
	r.turned = make(chan struct{})
}

func (r *remoteRun) stands() (engine.Outcome, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcome, r.turned, r.err
}

// Wait implements drivenRun.
func (r *remoteRun) Wait(ctx context.Context) (engine.Outcome, error) {
	for {
		o, turned, err := r.stands()
		if err != nil || o.Status != engine.StatusRunning {
			return o, err
		}
		select {
		case <-turned:
		case <-ctx.Done():
			return o, ctx.Err()
		}
	}
}

// Outcome implements drivenRun.
func (r *remoteRun) Outcome() engine.Outcome {
	o, _, _ := r.stands()
	return o
}

// Done implements drivenRun.
func (r *remoteRun) Done() <-chan struct{} { return r.done }

// Cancel implements drivenRun.
func (r *remoteRun) Cancel(message string) error {
	defer tell(r.poke)
	return r.runs.Cancel(context.Background(), r.id, message)
}

// Resume implements drivenRun.
func (r *remoteRun) Resume(name string, answer json.RawMessage) error {
	defer tell(r.poke)
	err := r.runs.Answer(context.Background(), r.id, name, answer)
	if err != nil && control.Status(err) == http.StatusUnprocessableEntity {
		return &misfit{err}
	}
	return err
}
