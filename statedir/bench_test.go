package statedir_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/graflow/graflow-wasm/statedir"
)

// BenchmarkAppend appends to one run, from one writer and from many at once: an
// operation is one event stored.
func BenchmarkAppend(b *testing.B) {
	for name, sync := range map[string]statedir.Sync{"always": statedir.SyncAlways, "interval": statedir.SyncInterval, "never": statedir.SyncNever} {
		for _, writers := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", name, writers), func(b *testing.B) {
				d := openDir(b, b.TempDir(), statedir.Config{Sync: sync})
				b.ReportAllocs()
				b.ResetTimer()
				appendMany(b, d, writers)
			})
		}
	}
}

func appendMany(b *testing.B, d *statedir.Dir, writers int) {
	b.Helper()
	j := d.Backend().Journal
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			chain := fmt.Sprint(w)
			last := uint64(0)
			for n := w; n < b.N; n += writers {
				seq, err := j.Append(context.Background(), "r", chain, last, nth(chain, 1))
				if err != nil {
					b.Error(err)
					return
				}
				last = seq
			}
		})
	}
	all.Wait()
}

// BenchmarkOpen reads a journal of 100 000 events, as the first use of a run
// after a start does.
func BenchmarkOpen(b *testing.B) {
	const events = 100_000
	path := b.TempDir()
	d, err := statedir.Open(path, statedir.Config{Sync: statedir.SyncNever})
	check(b, err)
	last := uint64(0)
	for range events {
		last, err = d.Backend().Journal.Append(b.Context(), "r", "a", last, nth("a", 1))
		check(b, err)
	}
	check(b, d.Close())
	for _, what := range []string{"last", "read"} {
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				d, err := statedir.Open(path, statedir.Config{Sync: statedir.SyncNever})
				check(b, err)
				got := 0
				if what == "last" {
					seq, err := d.Backend().Journal.Last(b.Context(), "r", "a")
					check(b, err)
					got = int(seq)
				} else {
					all, err := statedir.ReadAll(b.Context(), d.Backend().Journal, "r", 0)
					check(b, err)
					got = len(all)
				}
				if got != events {
					b.Fatalf("%d events, want %d", got, events)
				}
				check(b, d.Close())
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
