package natsbus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
)

// BenchmarkQueueLatency is the time from before a ticket is enqueued until a
// receiver has it, while all are idle.
func BenchmarkQueueLatency(b *testing.B) {
	for _, classes := range []int{1, 3} {
		for _, receivers := range []int{1, 8} {
			b.Run(fmt.Sprintf("classes=%d/receivers=%d", classes, receivers), func(b *testing.B) { latency(b, classes, receivers) })
		}
	}
}

func latency(b *testing.B, classes, receivers int) {
	b.Helper()
	s := queueServer(b)
	owner, worker := queueOf(b, s, Config{}), queueOf(b, s, Config{})
	priorities := []engine.Priority{engine.PriorityNormal, engine.PriorityHigh, engine.PriorityLow}[:classes]
	for i, p := range priorities {
		enqueue(b, owner, task(fmt.Sprintf("w%d", i), engine.Task{Priority: p}))
	}
	waitClasses(b, worker, classes)
	got := make(chan time.Time, 1)
	ctx, cancel := context.WithCancel(b.Context())
	var all sync.WaitGroup
	for range receivers {
		all.Go(func() {
			for {
				l, err := worker.Receive(ctx)
				if err != nil {
					return
				}
				at := time.Now()
				_ = l.Ack(ctx)
				select {
				case got <- at:
				case <-ctx.Done():
				}
			}
		})
	}
	for range priorities {
		<-got
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		begun := time.Now()
		enqueue(b, owner, task(fmt.Sprintf("a%d", n), engine.Task{Priority: priorities[n%classes]}))
		took = append(took, (<-got).Sub(begun))
	}
	cancel()
	all.Wait()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkQueueThroughput receives and acks what lies in the queue.
func BenchmarkQueueThroughput(b *testing.B) {
	for _, classes := range []int{1, 3} {
		for _, receivers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("classes=%d/receivers=%d", classes, receivers), func(b *testing.B) { throughput(b, classes, receivers) })
		}
	}
}

func throughput(b *testing.B, classes, receivers int) {
	b.Helper()
	const batch = 20000
	s := queueServer(b)
	owner, worker := queueOf(b, s, Config{}), queueOf(b, s, Config{})
	ds := make([]*engine.Delivery, batch)
	for i := range ds {
		ds[i] = task(fmt.Sprintf("a%d", i), engine.Task{Priority: []engine.Priority{engine.PriorityNormal, engine.PriorityHigh, engine.PriorityLow}[i%classes]})
	}
	var enqueued, received time.Duration
	var again int64
	for b.Loop() {
		begun := time.Now()
		enqueue(b, owner, ds...)
		enqueued += time.Since(begun)
		waitClasses(b, worker, classes)
		begun = time.Now()
		again += drainQueue(b, worker, receivers, batch)
		received += time.Since(begun)
		until(b, "all acks have arrived", func() bool {
			infos, err := owner.bus.Queues(b.Context())
			return err == nil && !slices.ContainsFunc(infos, func(i QueueInfo) bool { return i.Ready != 0 || i.InFlight != 0 })
		})
	}
	b.ReportMetric(float64(batch*b.N)/enqueued.Seconds(), "enqueued/s")
	b.ReportMetric(float64(batch*b.N)/received.Seconds(), "received/s")
	b.ReportMetric(float64(again)/float64(b.N), "again/op")
}

// drainQueue receives and acks n tickets, and returns how many of them had been
// delivered before.
func drainQueue(tb testing.TB, q *Queue, receivers, n int) int64 {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	defer cancel()
	var all sync.WaitGroup
	var done, again atomic.Int64
	for range receivers {
		all.Go(func() {
			for {
				l, err := q.Receive(ctx)
				if err != nil {
					return
				}
				if l.Delivered() != 1 {
					again.Add(1)
				}
				if err := l.Ack(tb.Context()); err != nil { //nolint:contextcheck // the last one cancels the receivers'
					tb.Error(err)
				}
				if done.Add(1) == int64(n) {
					cancel()
				}
			}
		})
	}
	all.Wait()
	return again.Load()
}
