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
	wait    sync.WaitGroup
	last    uint64 // that was told; of the goroutine, until it has ended
}

// tellLogs has the hub told of a run's logs from a time on, until Close.
func (s *session) tellLogs(ctx context.Context, run string, since time.Time) *farLogs {
	l := &farLogs{session: s, run: run, since: since}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l.end = cancel
	l.wait.Go(func() { l.read(ctx, true) })
	return l
}

// restOfLogs bounds the reading of what was logged in the end.
const restOfLogs = 2 * time.Second

// Close tells the rest. It is for runs that have ended, or are paused.
func (l *farLogs) Close() {
	l.end()
	l.wait.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), restOfLogs)
	defer cancel()
	l.read(ctx, false)
}

func (l *farLogs) read(ctx context.Context, follow bool) {
	for n, err := range l.session.bus.Notices(ctx, l.run, l.last, follow) {
		if err != nil {
			if ctx.Err() == nil {
				slog.Default().Warn("read the log of a run", "run", l.run, "err", err)
			}
			return
		}
		l.last = n.Seq
		n.Seq = 0 // it is of no event
		if !n.Time.Before(l.since) {
			l.session.feed.Observe(n)
		}
	}
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
