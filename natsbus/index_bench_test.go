package natsbus

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// BenchmarkListRuns is a page of 100 of the runs that a cluster keeps: 1 000 000, or as
// many as RUNS says. One in 1000 has failed, and one in 50 000 is of a rare flow.
func BenchmarkListRuns(b *testing.B) {
	runs := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("RUNS")); err == nil {
		runs = n
	}
	s, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Shutdown)
	bus := openBus(b, s.Connect, "main")
	if err := bus.Setup(b.Context()); err != nil {
		b.Fatal(err)
	}
	fillIndex(b, bus, runs)
	for _, c := range []struct {
		name  string
		q     RunsQuery
		first bool // of a process that has not listed any
	}{
		{name: "newest"},
		{name: "middle", q: RunsQuery{Before: strconv.Itoa(runs / 2)}},
		{name: "failed", q: RunsQuery{Status: engine.StatusFailed}},
		{name: "failed-first", q: RunsQuery{Status: engine.StatusFailed}, first: true},
		{name: "running", q: RunsQuery{Status: engine.StatusRunning}},
		{name: "rare-flow", q: RunsQuery{Flow: "rare"}},
		{name: "rare-flow-first", q: RunsQuery{Flow: "rare"}, first: true},
		{name: "last-hour", q: RunsQuery{Since: time.Now().Add(-time.Hour)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			listBefore(b, bus, c.q)
			var all []time.Duration
			for b.Loop() {
				if c.first {
					bus.digest.blocks = nil
				}
				began := time.Now()
				if _, _, err := bus.Runs(b.Context(), c.q); err != nil {
					b.Fatal(err)
				}
				all = append(all, time.Since(began))
			}
			slices.Sort(all)
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1e3, "p50-ms")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1e3, "p99-ms")
		})
	}
}

// listBefore reads some pages, as far as one page reaches.
func listBefore(b *testing.B, bus *Bus, q RunsQuery) {
	b.Helper()
	for range indexReach/indexScan + 1 {
		var err error
		if _, q.Before, err = bus.Runs(b.Context(), q); err != nil {
			b.Fatal(err)
		}
		if q.Before == "" {
			return
		}
	}
}

// fillIndex marks runs as ended, one a millisecond until now.
func fillIndex(b *testing.B, bus *Bus, runs int) {
	b.Helper()
	js, err := jetstream.New(bus.nc, jetstream.WithPublishAsyncMaxPending(4000))
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now().Add(-time.Duration(runs) * time.Millisecond)
	for i := range runs {
		at := began.Add(time.Duration(i) * time.Millisecond)
		m := engine.Mark{Run: fmt.Sprintf("run-%08d", i), Flow: "usual", Status: engine.StatusSucceeded, Started: at, Ended: at.Add(time.Second), Tasks: 7, Seq: uint64(9 * i)}
		if i%1000 == 7 {
			m.Status = engine.StatusFailed
		}
		if i%50_000 == 9 {
			m.Flow = "rare"
		}
		data, err := json.Marshal(m)
		if err == nil {
			_, err = js.PublishAsync(bus.indexPrefix()+token(m.Run), data, jetstream.WithStallWait(time.Minute))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}
