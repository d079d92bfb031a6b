package queue_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/graflow/graflow-wasm/bench/internal/queue"
	"github.com/graflow/graflow-wasm/bench/internal/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// jetstream is a peer that needs nothing installed.
func jetstream(t *testing.T) queue.Peer {
	t.Helper()
	for _, p := range queue.Peers() {
		if p.Name == "JetStream" && p.Class == queue.Later {
			return p
		}
	}
	t.Fatal("there is no JetStream")
	return queue.Peer{}
}

// faulty is a queue that now and then does what one must not.
type faulty struct {
	queue.System
	submit func(ctx context.Context, s queue.System, job queue.Job) error
	opened *atomic.Int32 // of them that are open
}

func (f faulty) Submit(ctx context.Context, job queue.Job) error { return f.submit(ctx, f.System, job) }

func (f faulty) Close(ctx context.Context) error {
	f.opened.Add(-1)
	return f.System.Close(ctx)
}

// run measures JetStream, through submit, briefly, and returns what was printed.
func run(t *testing.T, submit func(context.Context, queue.System, queue.Job) error) (out string, err error) {
	t.Helper()
	p, opened := jetstream(t), new(atomic.Int32)
	open := p.Open
	p.Open = func(ctx context.Context, dir string) (queue.System, error) {
		s, err := open(ctx, dir)
		if err != nil {
			return nil, err
		}
		opened.Add(1)
		return faulty{s, submit, opened}, nil
	}
	var text, log bytes.Buffer
	b := &queue.Bench{Scale: queue.Tiny, Peers: []queue.Peer{p}, Dir: t.TempDir(), Out: &text, Log: &log, Results: t.TempDir()}
	err = b.Run(t.Context())
	if n := opened.Load(); n != 0 {
		t.Errorf("got %d queues that are still open, want none", n)
	}
	if left, _ := os.ReadDir(b.Dir); len(left) != 0 {
		t.Errorf("got %v left behind, want nothing", left)
	}
	kept, readErr := os.ReadFile(filepath.Join(b.Results, "queue.txt"))
	if readErr != nil || string(kept) != text.String() {
		t.Errorf("got %v, kept\n%s\nwant what was printed:\n%s", readErr, kept, text.String())
	}
	return text.String(), err
}

// twice is the last column of the row.
func twice(t *testing.T, out string) string {
	t.Helper()
	for line := range strings.SplitSeq(out, "\n") {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| JetStream") {
			return strings.TrimSpace(cells[len(cells)-2])
		}
	}
	return "no row"
}

func TestEachJobRunsOnce(t *testing.T) {
	t.Parallel()
	var submitted atomic.Int64
	out, err := run(t, func(ctx context.Context, s queue.System, job queue.Job) error {
		submitted.Add(1)
		return s.Submit(ctx, job)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := twice(t, out); got != "0" {
		t.Errorf("got twice: %s, want 0, in\n%s", got, out)
	}
	scale := queue.Tiny
	want := scale.Rounds * (scale.Warm + scale.Paced + 2*scale.Jobs)
	if got := submitted.Load(); got != int64(want) {
		t.Errorf("got %d jobs, want %d", got, want)
	}
}

func TestTellsWhatRunsTwice(t *testing.T) {
	t.Parallel()
	out, err := run(t, func(ctx context.Context, s queue.System, job queue.Job) error {
		if job%100 == 7 { // 7, 107, … 607 of 670
			if err := s.Submit(ctx, job); err != nil {
				return err
			}
		}
		return s.Submit(ctx, job)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := twice(t, out); got != "14" { // 7 in each of 2 rounds
		t.Errorf("got twice: %s, want 14, in\n%s", got, out)
	}
}

func TestNothingIsLostOrInvented(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		submit func(context.Context, queue.System, queue.Job) error
		want   string
	}{
		"lost": {func(ctx context.Context, s queue.System, job queue.Job) error {
			if job == 200 {
				return nil
			}
			return s.Submit(ctx, job)
		}, "of 670 jobs 1 never ran, and 0 ran that nobody submitted"},
		"invented": {func(ctx context.Context, s queue.System, job queue.Job) error {
			if job == 200 {
				if err := s.Submit(ctx, 1_000_000); err != nil {
					return err
				}
			}
			return s.Submit(ctx, job)
		}, "of 670 jobs 0 never ran, and 1 ran that nobody submitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := run(t, tc.submit)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			if !strings.Contains(out, "FAILED: JetStream") || twice(t, out) != "no row" {
				t.Errorf("got\n%s\nwant it to say that JetStream failed, and no row", out)
			}
		})
	}
}

func TestSkipsLoudly(t *testing.T) {
	t.Parallel()
	p := jetstream(t)
	p.Name = "absent"
	p.Open = func(context.Context, string) (queue.System, error) { return nil, server.ErrMissing }
	var out, log bytes.Buffer
	b := &queue.Bench{Scale: queue.Tiny, Peers: []queue.Peer{p, jetstream(t)}, Dir: t.TempDir(), Out: &out, Log: &log}
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), log.String()} {
		if strings.Count(text, "SKIPPED: absent") != 1 || !strings.Contains(text, "apt-get install") {
			t.Errorf("got\n%s\nwant it to say once that one is skipped", text)
		}
	}
	if got := twice(t, out.String()); got != "0" {
		t.Errorf("got twice: %s, want the other measured, in\n%s", got, &out)
	}
}
