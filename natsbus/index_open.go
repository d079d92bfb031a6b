package natsbus

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
)

// openRuns is Runs of those that have not ended. They are found by their logs, of which
// there are few beside all that have ended: those are archived soon. Those that the
// index does not know yet are first, on the first page.
func (b *Bus) openRuns(ctx context.Context, q RunsQuery) (page []engine.Mark, next string, err error) {
	before := ^uint64(0)
	if q.Before != "" {
		if before, err = strconv.ParseUint(q.Before, 10, 64); err != nil || before == 0 {
			return nil, "", fmt.Errorf("list runs: %q is not where a page ended", q.Before)
		}
	}
	end, err := b.lastSeq(ctx, streamIndex)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	runs, err := b.loggedRuns(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	marks, err := b.marks(ctx, runs)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	if q.Before == "" {
		if page, err = b.unmarked(ctx, runs, marks); err != nil {
			return nil, "", fmt.Errorf("list runs: %w", err)
		}
		page = slices.DeleteFunc(page, func(m engine.Mark) bool { return !q.wants(m) })
		if len(page) >= q.Limit {
			return page[:q.Limit], strconv.FormatUint(end+1, 10), nil
		}
	}
	all := slices.Collect(maps.Values(marks))
	all = slices.DeleteFunc(all, func(m indexed) bool { return m.message.seq >= before || !m.Ended.IsZero() || !q.wants(m.Mark) })
	slices.SortFunc(all, func(x, y indexed) int { return cmp.Compare(y.message.seq, x.message.seq) })
	for _, m := range all {
		if page = append(page, m.Mark); len(page) == q.Limit {
			return page, strconv.FormatUint(m.message.seq, 10), nil
		}
	}
	return page, "", nil
}

// loggedRuns are the runs whose logs are not archived.
func (b *Bus) loggedRuns(ctx context.Context) ([]string, error) {
	var subjects map[string]uint64
	err := tries(ctx, func(ctx context.Context) error {
		s, err := b.openStream(ctx, streamRuns)
		if err != nil {
			return err
		}
		info, err := s.Info(ctx, jetstream.WithSubjectFilter("gf.run.*."+token(b.cfg.Namespace)+".*"+leafStart))
		if err == nil {
			subjects = info.State.Subjects
		}
		return err
	})
	runs := make([]string, 0, len(subjects))
	for subject := range subjects {
		parts := strings.Split(subject, ".")
		run, err := name(parts[4]) // gf.run.PARTITION.NAMESPACE.RUN.d.start
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, err
}
