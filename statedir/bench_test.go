package statedir_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
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

// BenchmarkMillion reads back a journal of 1 000 000 events, each of a task of its
// own, as going on with a run does: in the parts in which it comes, keeping none.
// The memory is what is in use beyond what was before, at most and at the end;
// the latter is nearly all for the chains, that have ended.
func BenchmarkMillion(b *testing.B) {
	const events = 1_000_000
	path := b.TempDir()
	writeMillion(b, path, events)
	var most, left uint64
	for b.Loop() {
		before := inUse(true)
		d, err := statedir.Open(path, statedir.Config{Sync: statedir.SyncNever})
		check(b, err)
		stop := sampleMemory(&most, before)
		after := uint64(0)
		for {
			part, err := d.Backend().Journal.Read(b.Context(), "r", after)
			check(b, err)
			if len(part) == 0 {
				break
			}
			after = part[len(part)-1].Seq
		}
		stop()
		if after != events {
			b.Fatalf("read up to event %d, want %d", after, events)
		}
		left = inUse(true) - before
		check(b, d.Close())
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
	b.ReportMetric(float64(left)/events, "B/chain")
}

// writeMillion stores events of chains that end with their first.
func writeMillion(b *testing.B, path string, events int) {
	b.Helper()
	d, err := statedir.Open(path, statedir.Config{Sync: statedir.SyncNever})
	check(b, err)
	value := json.RawMessage(`{"n":12345,"text":"what a small task returns"}`)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for n := range events {
		chain := fmt.Sprintf("step-%d", n)
		e := &engine.Event{Type: engine.EventCompleted, Activation: chain, Attempt: 1, Time: at, Started: at, Value: value}
		_, err := d.Backend().Journal.Append(b.Context(), "r", chain, 0, e)
		check(b, err)
	}
	check(b, d.Close())
}

// inUse is the memory of objects, after a collection if so wanted.
func inUse(collect bool) uint64 {
	if collect {
		runtime.GC()
	}
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// sampleMemory notes the most memory that is in use beyond before, each
// millisecond, until stop returns.
func sampleMemory(most *uint64, before uint64) (stop func()) {
	ended, all := make(chan struct{}), sync.WaitGroup{}
	all.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			if now := inUse(false); now > before {
				*most = max(*most, now-before)
			}
			select {
			case <-tick.C:
			case <-ended:
				return
			}
		}
	})
	return func() { close(ended); all.Wait() }
}
