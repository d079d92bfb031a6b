package receipt

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// order has the attempts of a repetition commit in the order in which they did, so that
// each finds the channel and the results as it found them. It is safe for concurrent
// use.
type order struct {
	Repetition

	slots chan struct{} // one for each attempt that may run

	mu        sync.Mutex     // guards what follows
	places    map[string]int // of steps, by key
	seen      map[string]int // executions that have begun, by activation and attempt
	ended     map[string]int // and that were committed
	done      []bool         // steps that were committed
	turn      int            // the first step that was not
	turns     map[int]chan struct{}
	free      chan struct{} // closed once the order is given up
	unordered bool
	moves     int // counts what goes on
	busy      int // attempts that run
	missing   map[string]string
	paused    []engine.Notice // that may have an answer
	asked     chan struct{}   // has one when there are any
	given     map[string]int  // answers given, by activation and pause
	over      chan struct{}   // closed once all was committed that is recorded, or nothing goes on
}

func newOrder(c Repetition) *order {
	o := &order{
		Repetition: c, slots: make(chan struct{}, c.Concurrency), places: map[string]int{}, seen: map[string]int{}, ended: map[string]int{},
		done: make([]bool, len(c.Receipt.Steps)), turns: map[int]chan struct{}{}, free: make(chan struct{}),
		missing: map[string]string{}, asked: make(chan struct{}, 1), given: map[string]int{}, over: make(chan struct{}),
	}
	count := map[string]int{}
	for i, s := range c.Receipt.Steps {
		at := attemptKey(s.Activation, s.Attempt)
		o.places[executionKey(at, count[at])] = i
		count[at]++
		if s.End == EndStopped { // nobody waits for it
			o.done[i] = true
		}
	}
	o.skip()
	return o
}

// attemptKey and executionKey tell executions apart.
func attemptKey(activation string, attempt int) string {
	return activation + "\x00" + strconv.Itoa(attempt)
}

func executionKey(attempt string, n int) string { return attempt + "\x00" + strconv.Itoa(n) }

// begin is the step of the execution that begins, -1 if the receipt has none.
func (o *order) begin(call *engine.Call) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moves++
	at := attemptKey(call.Activation, call.Attempt)
	n := o.seen[at]
	o.seen[at]++
	if i, ok := o.places[executionKey(at, n)]; ok {
		return i
	}
	return -1
}

// await waits for the turn of a step to be committed.
func (o *order) await(ctx context.Context, step int) {
	for {
		turn, moves := o.turnOf(step)
		timer := time.NewTimer(o.Patience)
		select {
		case <-turn:
		case <-o.free:
		case <-ctx.Done():
		case <-timer.C:
			if o.stands(moves) {
				o.giveUp()
			}
			continue
		}
		timer.Stop()
		return
	}
}

func (o *order) turnOf(step int) (turn chan struct{}, moves int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	turn = o.turns[step]
	if turn == nil {
		turn = make(chan struct{})
		o.turns[step] = turn
	}
	if step <= o.turn {
		closeOnce(turn)
	}
	return turn, o.moves
}

// stands tells that nothing has gone on since.
func (o *order) stands(moves int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.moves == moves && o.busy == 0
}

// giveUp lets all attempts commit as they come.
func (o *order) giveUp() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unordered = true
	closeOnce(o.free)
}

// closeOnce closes a channel that may be closed; the caller holds mu.
func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}

// committed takes note of the end of an execution.
func (o *order) committed(e *engine.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moves++
	at := attemptKey(e.Activation, e.Attempt)
	n := o.ended[at]
	o.ended[at]++
	if i, ok := o.places[executionKey(at, n)]; ok {
		o.done[i] = true
		o.skip()
	}
}

// skip goes on to the first step that was not committed. The caller holds mu, or is
// alone.
func (o *order) skip() {
	for o.turn < len(o.done) && o.done[o.turn] {
		o.turn++
	}
	if turn := o.turns[o.turn]; turn != nil {
		closeOnce(turn)
	}
	if o.turn == len(o.done) && o.Receipt.Disturbed != "" {
		closeOnce(o.over)
	}
}

// linger waits until the attempt is stopped, as it was. If nothing else goes on, and
// nothing stops it, the run is ended: what did then is not repeated.
func (o *order) linger(ctx context.Context) {
	for moves := -1; ctx.Err() == nil; {
		timer := time.NewTimer(o.Patience)
		select {
		case <-ctx.Done():
		case <-timer.C:
			if o.stands(moves) {
				o.mu.Lock()
				closeOnce(o.over)
				o.mu.Unlock()
			}
			o.mu.Lock()
			moves = o.moves
			o.mu.Unlock()
		}
		timer.Stop()
	}
}

// run counts attempts that run; the returned function ends that.
func (o *order) run(ctx context.Context) (done func(), err error) {
	select {
	case o.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	o.count(1)
	return func() {
		o.count(-1)
		<-o.slots
	}, nil
}

func (o *order) count(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.busy += n
	o.moves++
}

// miss takes note of what can't be repeated for want of what the receipt has not. The
// order is worth nothing from then on.
func (o *order) miss(activation, what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.missing[activation] = what
	closeOnce(o.free)
}

// watched is a journal that tells what is committed.
type watched struct {
	engine.Journal

	order *order
}

// Append implements engine.Journal.
func (w *watched) Append(ctx context.Context, run, chain string, expect uint64, e *engine.Event) (uint64, error) {
	seq, err := w.Journal.Append(ctx, run, chain, expect, e)
	if err != nil {
		return seq, err
	}
	switch e.Type {
	case engine.EventCompleted, engine.EventFailed, engine.EventPaused, engine.EventCalled:
		w.order.committed(e)
	}
	return seq, nil
}

// answerOf is the n-th answer to a pause, if it is known.
func (o *order) answerOf(activation, pause string, n int) (json.RawMessage, bool) {
	for _, a := range o.Receipt.Answers {
		if a.Activation != activation || a.Pause != pause {
			continue
		}
		if n > 0 {
			n--
			continue
		}
		if a.Answer.Value != nil {
			return a.Answer.Value, true
		}
		break
	}
	answer, ok := o.Answers[pause]
	return answer, ok
}
