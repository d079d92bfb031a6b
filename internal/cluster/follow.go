package cluster

import (
	"context"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
)

// followed is a run that somebody follows: its log is read once, for all who do.
type followed struct {
	cluster *Cluster
	run     string
	end     context.CancelFunc
	done    chan struct{} // closed when nothing is read any more

	mu      sync.Mutex // guards what follows
	readers int
	told    []told
	at      place
	more    chan struct{} // closed when there is more, or the end
	over    bool
	outcome engine.Outcome
	err     error
}

// told is one thing that happened, and the place after it.
type told struct {
	notice engine.Notice
	at     place
	log    bool
	added  bool // the start of an attempt, which has no place of its own
}

// Follow implements ops.Runs.
func (r *runs) Follow(ctx context.Context, run, after string, f func(engine.Notice, string)) (engine.Outcome, error) {
	from, err := r.placeOf(ctx, run, after)
	if err != nil {
		return engine.Outcome{}, err
	}
	followed, err := (*Cluster)(r).follow(ctx, run)
	if err != nil {
		return engine.Outcome{}, fault(control.Missing(run, err))
	}
	defer followed.leave()
	at := from
	for next := 0; ; {
		fresh, more, over := followed.from(next)
		for i := range fresh {
			if from.isBefore(&fresh[i]) {
				at = at.past(&fresh[i])
				f(fresh[i].notice, at.String())
			}
		}
		next += len(fresh)
		if over {
			return followed.outcome, fault(control.Missing(run, followed.err))
		}
		select {
		case <-more:
		case <-ctx.Done():
			return engine.Outcome{}, ctx.Err()
		}
	}
}

// Place implements ops.Runs.
func (r *runs) Place(ctx context.Context, run string) (string, error) {
	p, err := r.now(ctx, run)
	if err != nil {
		return "", err
	}
	return p.String(), nil
}

// placeOf reads where to go on.
func (r *runs) placeOf(ctx context.Context, run, after string) (place, error) {
	if after == ops.FollowNew {
		return r.now(ctx, run)
	}
	return parsePlace(after)
}

// now is the place after what has happened. What happens meanwhile comes after it.
func (r *runs) now(ctx context.Context, run string) (place, error) {
	line, err := r.bus.LastNotice(ctx, run)
	if err != nil {
		return place{}, fault(err)
	}
	h, err := r.desk.History(ctx, run)
	if err != nil {
		return place{}, fault(err)
	}
	p := place{part: -1, line: line}
	if len(h.Events) > 0 {
		p.event = h.Events[len(h.Events)-1].Seq
	}
	return p, nil
}

// follow joins those who follow a run. The caller leaves.
func (c *Cluster) follow(ctx context.Context, run string) (*followed, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, engine.ErrClosed
	}
	if f := c.followed[run]; f != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.over {
			f.readers++
			return f, nil
		}
	}
	f := &followed{cluster: c, run: run, readers: 1, more: make(chan struct{}), done: make(chan struct{})}
	ctx, f.end = context.WithCancel(context.WithoutCancel(ctx))
	c.followed[run] = f
	go f.read(ctx)
	return f, nil
}

// leave ends the reading once nobody follows.
func (f *followed) leave() {
	f.mu.Lock()
	f.readers--
	last := f.readers == 0
	if last {
		f.over = true // who comes from now on begins another
	}
	f.mu.Unlock()
	if !last {
		return
	}
	c := f.cluster
	c.mu.Lock()
	if c.followed[f.run] == f {
		delete(c.followed, f.run)
	}
	c.mu.Unlock()
	f.stop()
}

// stop ends the reading, and waits for that.
func (f *followed) stop() {
	f.end()
	<-f.done
}

// from is what was told from an index on, and what tells of more. At the end outcome
// and err say how it ended.
func (f *followed) from(next int) (fresh []told, more <-chan struct{}, over bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[next:], f.more, f.over
}

// read reads the run's journal and its log until it has ended or is paused.
func (f *followed) read(ctx context.Context) {
	defer close(f.done)
	feed := control.NewFeed(f.tell)
	outcome, err := f.watch(ctx, feed)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over, f.outcome, f.err = true, outcome, err
	close(f.more)
	f.more = nil
}

func (f *followed) watch(ctx context.Context, feed *control.Feed) (engine.Outcome, error) {
	e, err := f.cluster.newEngine(feed.Observe)
	if err != nil {
		return engine.Outcome{}, err
	}
	defer e.Close() //nolint:errcheck,contextcheck // it had nothing to lose; closing has no context to end by
	o, err := e.Follow(ctx, f.run)
	if err != nil {
		return engine.Outcome{}, err
	}
	// What has happened comes first: so the starts of attempts that have ended are told
	// with their ends, not by the log.
	if err := o.CatchUp(ctx); err != nil {
		return engine.Outcome{}, err
	}
	var logs sync.WaitGroup
	over := make(chan struct{})
	reading, enough := context.WithCancel(ctx)
	defer enough()
	logs.Go(func() { f.logs(reading, feed, over) })
	outcome, err := o.Wait(ctx)
	close(over)
	defer time.AfterFunc(restOfLogs, enough).Stop()
	logs.Wait()
	return outcome, err
}

// restOfLogs bounds the reading of what was logged in the end.
const restOfLogs = 5 * time.Second

// logs tells what the run's tasks log until over is closed, and what they had logged by
// then. It begins anew then if it could not be read.
func (f *followed) logs(ctx context.Context, feed *control.Feed, over <-chan struct{}) {
	last, err := f.logsAfter(ctx, 0, feed, over)
	if err == nil || ctx.Err() != nil {
		return
	}
	f.cluster.log.Warn("read the log of a run", "run", f.run, "err", err)
	select {
	case <-over:
		_, _ = f.logsAfter(ctx, last, feed, over) // it was told
	case <-ctx.Done():
	}
}

// logsAfter tells what follows a line, and returns the sequence of the last.
func (f *followed) logsAfter(ctx context.Context, line uint64, feed *control.Feed, over <-chan struct{}) (uint64, error) {
	for n, err := range f.cluster.bus.NoticesUntil(ctx, f.run, line, over) {
		if err != nil {
			return line, err
		}
		line = n.Seq
		f.reached(n.Seq)
		n.Seq = 0 // it is of no event
		feed.Observe(n)
	}
	return line, nil
}

// reached notes the line of the log that is told next.
func (f *followed) reached(line uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at.line = line
}

// tell keeps what happened. It fits control.NewFeed.
func (f *followed) tell(n engine.Notice, added bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	isLog := n.Seq == 0
	if !isLog && !added {
		f.at = f.at.after(n.Seq)
	}
	f.told = append(f.told, told{notice: n, at: f.at, log: isLog, added: added})
	close(f.more)
	f.more = make(chan struct{})
}
