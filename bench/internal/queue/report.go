package queue

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/graflow/graflow-wasm/bench/internal/measure"
)

// report prints the tables, one for each class, and keeps them.
func (b *Bench) report(ctx context.Context, results []result) error {
	var text strings.Builder
	if err := b.head(ctx, &text); err != nil {
		return err
	}
	for _, c := range []Class{Later, Synced} {
		b.table(&text, c, slices.DeleteFunc(slices.Clone(results), func(r result) bool { return r.peer.Class != c }))
	}
	fmt.Fprint(b.Out, text.String())
	if b.Results == "" {
		return nil
	}
	if err := os.MkdirAll(b.Results, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.Results, "queue.txt"), []byte(text.String()), 0o644)
}

// head says what was measured, on what.
func (b *Bench) head(ctx context.Context, text *strings.Builder) error {
	fsync, err := b.fsync(ctx)
	if err != nil {
		return fmt.Errorf("measure fsync: %w", err)
	}
	fmt.Fprintf(text, "%s, %s/%s, %d processors; fsync of 4 KiB on that disk: %s (median)\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), measure.Duration(fsync))
	fmt.Fprintf(text, `
A job does nothing. %d rounds; in each, every system on a server that starts empty, alone.
tasks/s   %d jobs, each by its own call, %d calls at the same time, while %d workers run: first call until the last job is completed in the queue
submit/s  as many jobs, submitted in the same way before there are workers
drain/s   these, from the start of %d workers until the last is completed in the queue
start     %d jobs at %d a second to %d idle workers, from before the call until the job begins
apart     how far tasks/s of the fastest and the slowest round are from one another
twice     runs beyond one of each job; none was lost, or there is no row
`, b.Rounds, b.Jobs, b.Concurrency, b.Concurrency, b.Concurrency, b.Paced, b.Pace, b.Concurrency)
	return nil
}

func (b *Bench) table(text *strings.Builder, c Class, results []result) {
	fmt.Fprintf(text, "\n### %s\n\n", c)
	t := measure.Table{{
		"system", "on", "settings", "durability", "SIGKILL loses", "power cut loses",
		"tasks/s", "submit/s", "drain/s", "start p50", "p99", "apart", "twice",
	}}
	for _, r := range results {
		if len(r.samples) > 0 {
			b.row(&t, r)
		}
	}
	if len(t) > 1 {
		fmt.Fprint(text, t)
	}
	for _, r := range results {
		if r.missing != nil {
			fmt.Fprintf(text, "%s: %s: %v\n", r.verdict(), r.peer.title(), r.missing)
		}
	}
}

// row puts all rounds together.
func (b *Bench) row(t *measure.Table, r result) {
	var flow, submit, drain time.Duration
	var started, flows measure.Times
	again := 0
	for _, s := range r.samples {
		flow, submit, drain = flow+s.flow, submit+s.submit, drain+s.drain
		started, flows = append(started, s.started...), append(flows, s.flow)
		again += s.again
	}
	n := time.Duration(len(r.samples))
	apart := measure.Ratio(flows.Percentile(100), flows.Percentile(0)) - 1
	t.Add(r.peer.Name+" "+r.peer.version(), r.samples[0].server, r.peer.settings(), r.peer.Config, r.peer.Loses.Killed, r.peer.Loses.Power,
		b.rate(flow/n), b.rate(submit/n), b.rate(drain/n), started.Median(), started.Percentile(99), fmt.Sprintf("%.0f %%", 100*apart), again)
}

// fsync is how long this disk takes to keep a page: where it takes no time, the
// classes are one.
func (b *Bench) fsync(ctx context.Context) (time.Duration, error) {
	f, err := os.CreateTemp(b.Dir, "queue-fsync")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.Remove(f.Name()) }() // a temporary one
	defer func() { _ = f.Close() }()           // likewise
	var times measure.Times
	page := make([]byte, 4096)
	for len(times) < 100 && ctx.Err() == nil {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begin))
	}
	return times.Median(), nil
}
