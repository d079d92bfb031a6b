package natsbus

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// benchEvent is one of an ordinary size.
func benchEvent(chain string) *engine.Event {
	return &engine.Event{
		Time: time.Now(), Started: time.Now(), Type: engine.EventCompleted, Activation: chain, Attempt: 1,
		Value: json.RawMessage(`{"n":1,"text":"some result"}`),
	}
}

// Runs of ordinary length: none has more than a hundred events.
func benchRun(i int64) (run, chain string) {
	return fmt.Sprint("run-", i/100), fmt.Sprint("task-", i%100)
}

func BenchmarkAppend(b *testing.B) {
	j, i := testJournal(b), int64(0)
	for b.Loop() {
		run, chain := benchRun(i)
		mustAppend(b, j, run, chain, 0, benchEvent(chain))
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkAppendParallel(b *testing.B) {
	j, i := testJournal(b), atomic.Int64{}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			run, chain := benchRun(i.Add(1))
			mustAppend(b, j, run, chain, 0, benchEvent(chain))
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// moves passes on what an owner is told.
type moves chan string

func (m moves) Moved(run string) { m <- run }
func (moves) Gone(string)        {}

func ownForBench(b *testing.B, j *Journal, o engine.Owner) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- j.own(ctx, o, nil) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	eventually(b, "all is owned", func() bool { return following(j) == Partitions })
}

// An append of one process, the owner told in another, and the event read there.
func BenchmarkAppendToMoved(b *testing.B) {
	ns := newNamespace()
	here, there := newJournal(sharedBus(b, ns), nil), newJournal(sharedBus(b, ns), nil)
	moved := make(moves, 100)
	ownForBench(b, there, moved)
	mustAppend(b, here, "run", "", 0, &engine.Event{Type: engine.EventStarted})
	<-moved
	last := uint64(0)
	for b.Loop() {
		last = mustAppend(b, here, "run", "a", last, benchEvent("a"))
		for events := []*engine.Event(nil); len(events) == 0; { // the run may be told of for what was before
			var err error
			if events, err = there.Read(b.Context(), <-moved, last-1); err != nil {
				b.Fatal(err)
			}
		}
	}
}

type counts struct{ n atomic.Int64 }

func (c *counts) Moved(string) { c.n.Add(1) }
func (c *counts) Gone(string)  {}

// How fast events that are there come in, and are decoded.
func BenchmarkFollow(b *testing.B) {
	j := testJournal(b)
	const n = 20_000
	i := atomic.Int64{}
	done := make(chan bool)
	for range 64 {
		go func() {
			for k := i.Add(1); k <= n; k = i.Add(1) {
				run, chain := benchRun(k)
				mustAppend(b, j, run, chain, 0, benchEvent(chain))
			}
			done <- true
		}()
	}
	for range 64 {
		<-done
	}
	for b.Loop() {
		c := &counts{}
		ctx, cancel := context.WithCancel(b.Context())
		ended := make(chan bool)
		fs := make([]*follower, Partitions)
		for p := range Partitions {
			f := newFollower(j.bus, p, c)
			f.begin(0)
			fs[p] = f
			in := &feed{bus: j.bus, stream: streamRuns, filter: f.prefix + ">", handle: f.take}
			go func() { in.run(ctx); ended <- true }()
		}
		for c.n.Load() < n {
			<-time.After(50 * time.Microsecond) // a channel would be part of what is measured
		}
		for _, f := range fs {
			for _, l := range f.tails.by {
				for _, e := range l.entries {
					if _, err := j.decode(ctx, "r", e); err != nil {
						b.Fatal(err)
					}
				}
			}
		}
		cancel()
		for range fs {
			<-ended
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
}

// How fast runs are read from the stream.
func BenchmarkReadStream(b *testing.B) {
	j := testJournal(b)
	for i := range 100 {
		mustAppend(b, j, "run", fmt.Sprint(i), 0, benchEvent(fmt.Sprint(i)))
	}
	for b.Loop() {
		if events, err := j.Read(b.Context(), "run", 0); err != nil || len(events) != 100 {
			b.Fatalf("%d events, %v", len(events), err)
		}
	}
}
