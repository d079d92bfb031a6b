package natsbus

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// BenchmarkFinishedRuns is what finished runs of 5 events cost the server, live and
// archived: its memory, what is on the disk, and the time of archiving them. As many
// as RUNS says, or 10 000. Meant for -benchtime 1x.
func BenchmarkFinishedRuns(b *testing.B) {
	runs := 10_000
	if n, err := strconv.Atoi(os.Getenv("RUNS")); err == nil {
		runs = n
	}
	for b.Loop() {
		s, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		bus, err := Open(b.Context(), Config{Connect: s.Connect})
		if err != nil {
			b.Fatal(err)
		}
		if err := bus.Setup(b.Context()); err != nil {
			b.Fatal(err)
		}
		empty := memory(b)
		finish(b, bus, runs)
		live := memory(b) - empty
		b.ReportMetric(float64(live)/float64(runs), "B/live-run")
		b.ReportMetric(float64(streamState(b, bus, streamRuns).Bytes)/float64(runs), "disk-B/live-run")
		began := time.Now()
		listRuns(b, bus, "list-live-ms")
		if err := bus.sweep(b.Context(), Retention{ArchiveAfter: 1, Keep: -1}, allPartitions()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(runs)/time.Since(began).Seconds(), "archived/s")
		if left := streamState(b, bus, streamRuns).Msgs; left > 0 {
			b.Fatalf("%d messages of logs are left", left)
		}
		b.ReportMetric(float64(memory(b)-empty)/float64(runs), "B/archived-run")
		b.ReportMetric(float64(streamState(b, bus, streamArchive).Bytes+streamState(b, bus, streamIndex).Bytes)/float64(runs), "disk-B/archived-run")
		began = time.Now()
		if err := bus.sweep(b.Context(), Retention{ArchiveAfter: 1, Keep: time.Hour}, allPartitions()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/1e3, "idle-sweep-ms")
		listRuns(b, bus, "list-ms")
		bus.Close()
		s.Shutdown()
	}
}

// listRuns measures a page of 100 runs.
func listRuns(b *testing.B, bus *Bus, name string) {
	b.Helper()
	began := time.Now()
	page, _, err := bus.Runs(b.Context(), RunsQuery{})
	if err != nil || len(page) != 100 {
		b.Fatal(len(page), err)
	}
	b.ReportMetric(float64(time.Since(began).Microseconds())/1e3, name)
}

// finish stores the logs and marks of runs.
func finish(b *testing.B, bus *Bus, runs int) {
	b.Helper()
	at := time.Now()
	send := func(subject string, v any) {
		data, err := json.Marshal(v)
		if err == nil {
			_, err = bus.js.PublishMsgAsync(&nats.Msg{Subject: subject, Data: data}, jetstream.WithStallWait(time.Minute))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for i := range runs {
		run := fmt.Sprintf("01JC%022d", i)
		send(bus.runPrefix(run)+leafStart, &engine.Event{Type: engine.EventStarted, Time: at, Input: json.RawMessage(`{"n":1}`), Basis: &engine.Basis{Graph: "sha256:" + strings.Repeat("0", 64)}})
		for a := range 4 {
			name := fmt.Sprintf("task-%d", a)
			send(bus.runPrefix(run)+leafTask+token(name), &engine.Event{Type: engine.EventCompleted, Time: at, Started: at, Activation: name, Attempt: 1, Value: json.RawMessage(`{"ok":true,"rows":17}`)})
		}
		send(bus.indexPrefix()+token(run), engine.Mark{Run: run, Flow: "f", Status: engine.StatusSucceeded, Started: at, Ended: at, Tasks: 4})
	}
	<-bus.js.PublishAsyncComplete()
}

func streamState(b *testing.B, bus *Bus, name string) jetstream.StreamState {
	b.Helper()
	s, err := bus.js.Stream(b.Context(), name)
	if err != nil {
		b.Fatal(err)
	}
	return s.CachedInfo().State
}

// fill stores the logs of runs, of ten events each, with as many of n messages.
func fill(b *testing.B, bus *Bus, n int) {
	b.Helper()
	for i := range n {
		run := strconv.Itoa(i / 10)
		m := &nats.Msg{Subject: bus.runPrefix(run) + leafTask + token(fmt.Sprint("task-", i%10)), Data: []byte(`{"seq":0,"type":"completed","activation":"task","attempt":1,"value":{"ok":true,"rows":17}}`)}
		if i%10 == 0 {
			m.Subject = bus.runPrefix(run) + leafStart
		}
		m.Header = nats.Header{jetstream.ExpectedLastSubjSeqHeader: {"0"}}
		if _, err := bus.js.PublishMsgAsync(m, jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	<-bus.js.PublishAsyncComplete()
}
