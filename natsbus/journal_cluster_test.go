package natsbus

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/natsbus/embedded"
)

// Replicated, with owners that follow, and with the stream's leader stopped while all
// write: what was acked is there once, in order, for all that read; who appended
// reads it at once, and so does another who is told afterwards.
func TestJournalReplicated(t *testing.T) {
	t.Parallel()
	servers := startThree(t)
	buses, leader := replicated(t, servers)
	var journals []*Journal
	var mu sync.Mutex
	seen := map[string]map[uint64]bool{}
	see := func(run string, e *engine.Event) {
		mu.Lock()
		defer mu.Unlock()
		if seen[run] == nil {
			seen[run] = map[uint64]bool{}
		}
		seen[run][e.Seq] = true
	}
	for _, b := range buses {
		j := newJournal(b, nil)
		startDriver(t, j, see)
		journals = append(journals, j)
	}
	eventually(t, "two have a half each", func() bool { return following(journals[0]) == 8 && following(journals[1]) == 8 })

	const writers, rounds = 8, 60
	appended := make([][]uint64, writers)
	half, all := sync.WaitGroup{}, sync.WaitGroup{}
	half.Add(writers)
	for w := range writers {
		all.Go(func() {
			var once sync.Once
			defer once.Do(half.Done)
			appended[w] = writeRun(t, journals[w%2], journals[(w+1)%2], fmt.Sprint("run-", w), rounds, func(i int) {
				if i == rounds/3 {
					once.Do(half.Done)
				}
			})
		})
	}
	half.Wait()
	begin := time.Now()
	leader.Shutdown()
	all.Wait()
	t.Logf("written %s after the leader was stopped", time.Since(begin).Round(time.Millisecond))

	for w, seqs := range appended {
		run := fmt.Sprint("run-", w)
		for _, j := range journals {
			events, err := j.ReadThrough(t.Context(), run, 0, seqs[len(seqs)-1])
			if err != nil || len(events) != rounds {
				t.Fatalf("run %s has %d events, %v; want %d", run, len(events), err, rounds)
			}
			for i, e := range events {
				if e.Seq != seqs[i] || e.Attempt != i {
					t.Fatalf("event %d of run %s is %d, attempt %d; want %d", i, run, e.Seq, e.Attempt, seqs[i])
				}
			}
		}
		eventually(t, "the owners see all", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(seen[run]) == rounds
		})
	}
}

// writeRun appends to one chain, and reads what it appended here and elsewhere.
func writeRun(t *testing.T, here, there *Journal, run string, rounds int, did func(int)) (seqs []uint64) {
	t.Helper()
	last := uint64(0)
	for i := range rounds {
		before := last
		var err error
		if last, err = here.Append(t.Context(), run, "a", before, doneEvent(i)); err != nil {
			t.Errorf("append: %v", err)
			return seqs
		}
		seqs = append(seqs, last)
		if events, err := here.Read(t.Context(), run, before); err != nil || len(events) != 1 || events[0].Seq != last {
			t.Errorf("after the append of %d there are %d events, %v", last, len(events), err)
		}
		if events, err := there.ReadThrough(t.Context(), run, before, last); err != nil || len(events) != 1 || events[0].Seq != last {
			t.Errorf("elsewhere, after the append of %d, there are %d events, %v", last, len(events), err)
		}
		did(i)
	}
	return seqs
}

// replicated makes the streams of a cluster of three, and connects to the servers
// that do not lead that of runs.
func replicated(t *testing.T, servers []*embedded.Server) (buses []*Bus, leader *embedded.Server) {
	t.Helper()
	open := func(s *embedded.Server) *Bus {
		b, err := Open(t.Context(), Config{Connect: s.Connect, Replicas: 3})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	admin := open(servers[0])
	if err := admin.Setup(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := admin.js.Stream(t.Context(), streamRuns)
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range servers {
		if server.Name() == s.CachedInfo().Cluster.Leader {
			leader = server
			continue
		}
		buses = append(buses, open(server))
	}
	if len(buses) != 2 {
		t.Fatalf("the leader is %q", s.CachedInfo().Cluster.Leader)
	}
	return buses, leader
}
