package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// farLogs tells what the attempts of a run log, and how far they are, wherever they
// run.
type farLogs struct {
	session *session
	run     string
	since   time.Time // nothing from before
	end     context.CancelFunc
	over    chan struct{} // closed when the run has ended, or is paused
	wait    sync.WaitGroup
}

// tellLogs has the hub told of a run's logs from a time on, until Close.
func (s *session) tellLogs(ctx context.Context, run string, since time.Time) *farLogs {
	l := &farLogs{session: s, run: run, since: since, over: make(chan struct{})}
	ctx, l.end = context.WithCancel(context.WithoutCancel(ctx))
	l.wait.Go(func() { l.read(ctx) })
	return l
}

// restOfLogs bounds the reading of what was logged in the end.
const restOfLogs = 5 * time.Second

// Close tells the rest. It is for runs that have ended, or are paused.
func (l *farLogs) Close() {
	close(l.over)
	defer l.end()
	defer time.AfterFunc(restOfLogs, l.end).Stop()
	l.wait.Wait()
}

// read tells what is logged until the end. If it can't be read it begins anew then.
func (l *farLogs) read(ctx context.Context) {
	last, err := l.readAfter(ctx, 0)
	if err == nil || ctx.Err() != nil {
		return
	}
	slog.Default().Warn("read the log of a run", "run", l.run, "err", err)
	select {
	case <-l.over:
		_, _ = l.readAfter(ctx, last) // it was told
	case <-ctx.Done():
	}
}

// readAfter tells what follows a line, and returns the sequence of the last.
func (l *farLogs) readAfter(ctx context.Context, line uint64) (uint64, error) {
	for n, err := range l.session.bus.NoticesUntil(ctx, l.run, line, l.over) {
		if err != nil {
			return line, err
		}
		line = n.Seq
		n.Seq = 0 // it is of no event
		if !n.Time.Before(l.since) {
			l.session.feed.Observe(n)
		}
	}
	return line, nil
}

// followLogs has a job's logs told that come from now on, until stop is called.
func (s *session) followLogs(ctx context.Context, j job) (stop func()) {
	var since time.Time
	if j.past != nil {
		since = j.past.moved
	}
	return s.tellLogs(ctx, j.run, since).Close
}

// lastSeq is the last event of a history.
func lastSeq(h *engine.History) uint64 {
	if len(h.Events) == 0 {
		return 0
	}
	return h.Events[len(h.Events)-1].Seq
}

// lastOf is the time of the last event of a history.
func lastOf(h *engine.History) time.Time {
	if len(h.Events) == 0 {
		return time.Time{}
	}
	return h.Events[len(h.Events)-1].Time
}
