package natsbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// Retention says for how long what of a run is kept. The zero value is the default.
type Retention struct {
	// ArchiveAfter is how long after a run's last change its log is archived; 0 is a
	// minute, less is never.
	ArchiveAfter time.Duration
	// Keep is how long after its end a run is forgotten; 0 is 7 days, less is never.
	Keep time.Duration
	// Every is how long after one pass the next begins; 0 is 15 s.
	Every time.Duration
}

// sweepers is how many runs are archived, or forgotten, at a time.
const sweepers = 4

// Tidy archives runs of this process's share that have ended, and forgets them in
// the end, until ctx is done. It leaves the server half of the time to others.
func (c *Cluster) Tidy(ctx context.Context, r Retention) error {
	if r.ArchiveAfter == 0 {
		r.ArchiveAfter = time.Minute
	}
	if r.Keep == 0 {
		r.Keep = 7 * 24 * time.Hour
	}
	if r.Every == 0 {
		r.Every = 15 * time.Second
	}
	for {
		mine, _ := c.shares.now()
		err := c.bus.sweep(ctx, r, mine)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, engine.ErrClosed):
			return fmt.Errorf("tidy runs: %w", err)
		case err != nil:
			c.bus.log.Warn("runs that ended were not all archived or forgotten", "err", err)
		}
		if err := pause(ctx, r.Every); err != nil {
			return err
		}
	}
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// sweep is one pass over the partitions given.
func (b *Bus) sweep(ctx context.Context, r Retention, mine map[int]bool) error {
	var errs []error
	if r.ArchiveAfter >= 0 {
		for _, p := range slices.Sorted(maps.Keys(mine)) {
			errs = append(errs, b.sweepLogs(ctx, p, time.Now().Add(-r.ArchiveAfter)))
		}
	}
	if r.Keep >= 0 && len(mine) > 0 {
		errs = append(errs, b.sweepIndex(ctx, mine, time.Now().Add(-r.Keep)))
	}
	return errors.Join(errs...)
}

// sweepLogs archives the runs of a partition that ended before a time, those that
// began first first. It looks at the logs that are there, and so at no run that was
// archived.
func (b *Bus) sweepLogs(ctx context.Context, partition int, before time.Time) error {
	starts := "gf.run." + strconv.Itoa(partition) + "." + token(b.cfg.Namespace) + ".*" + leafStart
	var errs []error
	for after := uint64(0); ; {
		begin := time.Now()
		found, err := b.gather(ctx, streamRuns, wanted{Seq: after + 1, Next: starts, Batch: directBatch})
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		runs := map[string]uint64{}
		for _, m := range found {
			after = m.seq
			run, err := runOf(m.subject)
			if err != nil || m.time.After(before) {
				continue
			}
			runs[run] = m.seq
		}
		errs = append(errs, b.archiveRuns(ctx, runs, before))
		if len(found) < directBatch || len(runs) == 0 || ctx.Err() != nil {
			return errors.Join(errs...)
		}
		if err := pause(ctx, time.Since(begin)); err != nil {
			return err
		}
	}
}

// archiveRuns archives those of the runs, given with the sequences of their starts,
// that ended before a time.
func (b *Bus) archiveRuns(ctx context.Context, runs map[string]uint64, before time.Time) error {
	if len(runs) == 0 {
		return nil
	}
	marks, err := b.marks(ctx, slices.Collect(maps.Keys(runs)))
	if err != nil {
		return err
	}
	var due []indexed
	for run, m := range marks {
		if !m.Ended.IsZero() && m.message.time.Before(before) {
			m.start = runs[run]
			due = append(due, m)
		}
	}
	slices.SortFunc(due, func(x, y indexed) int { return cmp.Compare(x.start, y.start) })
	return several(ctx, due, func(m indexed) error {
		_, err := b.archiveRun(ctx, m, before)
		return err
	})
}

// several calls f for each, a few at a time.
func several(ctx context.Context, due []indexed, f func(indexed) error) error {
	var (
		all  sync.WaitGroup
		mu   sync.Mutex // guards errs
		errs []error
		todo = make(chan indexed)
	)
	for range min(sweepers, len(due)) {
		all.Go(func() {
			for m := range todo {
				if err := f(m); err != nil {
					mu.Lock()
					errs = append(errs, fmt.Errorf("run %q: %w", m.Run, err))
					mu.Unlock()
				}
			}
		})
	}
	for _, m := range due {
		if ctx.Err() != nil {
			break
		}
		todo <- m
	}
	close(todo)
	all.Wait()
	if len(errs) > 10 {
		errs = append(errs[:10], fmt.Errorf("and %d more", len(errs)-10))
	}
	return errors.Join(errs...)
}

// sweepIndex forgets the runs of partitions that ended before a time. The index has
// those first that did not change for the longest.
func (b *Bus) sweepIndex(ctx context.Context, mine map[int]bool, before time.Time) error {
	at, err := b.indexFrom(ctx, 1)
	for err == nil && at > 0 {
		var found []*kept
		if found, err = b.indexWindow(ctx, at); err != nil {
			break
		}
		var due []indexed
		for _, m := range found {
			if m.time.After(before) {
				return b.forgetRuns(ctx, due)
			}
			mark, err := m.mark()
			if err == nil && !mark.Ended.IsZero() && mark.Ended.Before(before) && mine[partition(b.cfg.Namespace, mark.Run)] {
				due = append(due, indexed{Mark: mark, message: m})
			}
		}
		begin := time.Now()
		if err = b.forgetRuns(ctx, due); err != nil {
			break
		}
		if err = pause(ctx, time.Since(begin)); err != nil {
			break
		}
		at, err = b.indexFrom(ctx, at+indexBatch)
	}
	return err
}

// indexWindow reads the entries from a sequence on, a window of them.
func (b *Bus) indexWindow(ctx context.Context, from uint64) ([]*kept, error) {
	wants := make([]wanted, indexBatch)
	for i := range wants {
		wants[i].Seq = from + uint64(i)
	}
	found, err := b.pick(ctx, streamIndex, wants)
	return slices.DeleteFunc(found, func(m *kept) bool {
		return m == nil || !strings.HasPrefix(m.subject, b.indexPrefix())
	}), err
}

func (b *Bus) forgetRuns(ctx context.Context, due []indexed) error {
	return several(ctx, due, func(m indexed) error { return b.forgetAged(ctx, m.Run) })
}

// Forget drops a run at once, with all that is kept of it. One that has not ended is
// to be canceled first: whoever drives it would go on.
func (b *Bus) Forget(ctx context.Context, run string) error {
	end := token(b.cfg.Namespace) + "." + token(run)
	for _, part := range []struct{ stream, subject string }{
		{streamTasks, "gf.task.*.*.*." + end + ".>"},
		{streamDead, "gf.dead." + end + ".>"},
	} {
		if err := b.purge(ctx, part.stream, part.subject); err != nil {
			return fmt.Errorf("forget run %q: stream %s: %w", run, part.stream, err)
		}
	}
	return b.forgetAged(ctx, run)
}

// forgetAged drops what does not go by itself: dead letters do, and of a run that
// ended long ago no ticket is queued. The index goes last: until then the run is
// found again, should this not come to its end.
func (b *Bus) forgetAged(ctx context.Context, run string) error {
	end := token(b.cfg.Namespace) + "." + token(run)
	for _, part := range []struct{ stream, subject string }{
		{streamRuns, b.runPrefix(run) + ".>"},
		{streamArchive, b.archiveSubject(run, ">")},
		{streamBlobs, "gf.blob." + end + ".>"},
		{streamChannel, channelRoot + end + ".>"},
		{streamNotices, b.noticeSubject(run)},
		{streamIndex, b.indexPrefix() + token(run)},
	} {
		if err := b.purge(ctx, part.stream, part.subject); err != nil {
			return fmt.Errorf("forget run %q: stream %s: %w", run, part.stream, err)
		}
	}
	return nil
}
