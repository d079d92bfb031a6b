package schedule_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/loopback"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
)

// three is a cluster of three servers, each with a clock for its keeper.
type three struct {
	*testing.T

	servers [3]*clustertest.Cluster
	stores  [3]*later
	leader  int // which of them leads the stream of schedules
}

func newThree(t *testing.T) *three {
	t.Helper()
	h := direct.New()
	direct.Func(h, "say", func(_ *direct.Context, in any) (any, error) { return in, nil })
	r := &three{T: t, leader: -1}
	// Nobody drives the runs, and no keepers are there but those of the test.
	r.servers = clustertest.Three(t, clustertest.Config{Direct: h, Idle: true}, [3]string{loopback.Free(t), loopback.Free(t), loopback.Free(t)})
	for i, s := range r.servers {
		r.stores[i] = &later{Store: s.Bus.Schedules()}
		if s.Server.Name() == r.leads() {
			r.leader = i
		}
	}
	if r.leader < 0 {
		t.Fatalf("%q leads, none of the servers", r.leads())
	}
	if _, err := r.servers[0].Service.Flows.Put(t.Context(), "name: says\ntasks:\n  one: {direct: {func: say}}\n", "test"); err != nil {
		t.Fatal(err)
	}
	return r
}

// leads is the server that leads the stream of schedules.
func (r *three) leads() string {
	r.Helper()
	health, err := r.servers[0].Bus.Health(r.Context())
	if err != nil {
		r.Fatal(err)
	}
	for _, s := range health.Streams {
		if s.Name == "GF_CFG" {
			return s.Leader
		}
	}
	return ""
}

func (r *three) config(i int) schedule.Config {
	return schedule.Config{Store: r.stores[i], Runs: r.servers[i].Service.Runs, Logger: slog.New(slog.DiscardHandler)}
}

// other is a server that does not lead.
func (r *three) other() int { return (r.leader + 1) % len(r.servers) }

// put stores an hourly schedule, through a server that does not lead.
func (r *three) put(name string, missed ops.Missed) {
	r.Helper()
	_, err := schedule.New(r.config(r.other())).Put(r.Context(), ops.Schedule{
		Name: name, Target: ops.Target{Flow: "says"}, Every: engine.Duration(time.Hour), Overlap: ops.OverlapAllow, Missed: missed,
	})
	if err != nil {
		r.Fatal(err)
	}
}

// handled waits until so many due times of a schedule are begun or skipped, and noted.
func (r *three) handled(name string, times int) ops.Schedule {
	r.Helper()
	for begin := time.Now(); ; {
		s, err := schedule.New(r.config(r.other())).Show(r.Context(), name)
		if err != nil {
			r.Fatal(err)
		}
		if s.Begun+s.Skipped >= times {
			return s
		}
		if time.Since(begin) > 2*time.Minute {
			r.Fatalf("%d of %d times are handled: %+v", s.Begun+s.Skipped, times, s)
		}
		<-time.After(20 * time.Millisecond) // nobody tells
	}
}

// begun are the due times of a schedule's runs, in hours, sorted, as soon as as many are
// listed as have begun.
func (r *three) begun(s ops.Schedule) []int {
	r.Helper()
	for begin := time.Now(); ; {
		page, err := r.servers[r.other()].Service.Runs.List(r.Context(), ops.RunsQuery{Statuses: []engine.Status{engine.StatusRunning}, Limit: 1000})
		if err != nil {
			r.Fatal(err)
		}
		var hours []int
		for _, run := range page.Runs {
			if name, rest, _ := strings.Cut(run.Run, "-"); name == s.Name {
				hours = append(hours, r.hour(s, rest))
			}
		}
		if len(hours) >= s.Begun || time.Since(begin) > 2*time.Minute {
			slices.Sort(hours)
			return hours
		}
		<-time.After(20 * time.Millisecond) // a replica may be behind
	}
}

// hour is the due time that the end of a run's id has.
func (r *three) hour(s ops.Schedule, id string) int {
	r.Helper()
	text, _, _ := strings.Cut(id, "-")
	due, err := time.Parse("20060102T150405Z", text)
	if err != nil {
		r.Fatal(err)
	}
	return int(due.Sub(s.Created) / time.Hour)
}

// TestThreeServersLoseOne has the server stop that leads what schedules are stored in, and
// with it the keeper that has claimed a due time, before its run begins or when that is
// not noted yet; two more times pass until others are there. Each has one run.
func TestThreeServersLoseOne(t *testing.T) {
	t.Parallel()
	for _, begins := range []bool{false, true} {
		t.Run(fmt.Sprint("begins ", begins), func(t *testing.T) {
			t.Parallel()
			r := newThree(t)
			r.put("all", ops.MissedAll)
			r.put("last", ops.MissedOnce)
			for i := range r.servers {
				if r.stores[i].ahead.Store(int64(90 * time.Minute)); i != r.leader {
					defer keep(t, r.config(i))()
				}
			}
			r.handled("all", 1)
			r.handled("last", 1)

			r.stores[r.leader].ahead.Store(int64(2 * time.Hour))
			r.loseLeader(begins)
			for _, s := range r.stores {
				s.ahead.Store(int64(4 * time.Hour))
			}
			r.want(r.handled("all", 4), 1, 2, 3, 4)
			s := r.handled("last", 4)
			if hours := r.begun(s); slices.Contains(hours, 2) { // if it was claimed before the server stopped
				r.want(s, 1, 2, 4)
			} else {
				r.want(s, 1, 4)
			}
		})
	}
}

// loseLeader has a keeper at the leading server begin what is due there, and stops both
// in the midst of it.
func (r *three) loseLeader(begins bool) {
	r.Helper()
	c, l := mortal(r.config(r.leader), -1)
	stopped := make(chan struct{})
	kill := sync.OnceFunc(func() {
		l.kill()
		r.servers[r.leader].Server.Shutdown()
		close(stopped)
	})
	c.Runs = &killing{Runs: c.Runs, begins: begins, kill: kill}
	stop := keep(r.T, c)
	defer stop()
	select {
	case <-stopped:
	case <-time.After(2 * time.Minute):
		r.Fatal("the keeper at the leading server begins nothing")
	}
}

// want wants a schedule to have begun a run for each of some hours, and no other, and
// to have skipped the rest.
func (r *three) want(s ops.Schedule, hours ...int) {
	r.Helper()
	got := r.begun(s)
	if !slices.Equal(got, hours) || s.Begun != len(hours) || s.Begun+s.Skipped != 4 || s.Fault != "" {
		r.Errorf("%s began runs of hours %d, %d counted and %d skipped, fault %q; want those of %d", s.Name, got, s.Begun, s.Skipped, s.Fault, hours)
	}
}
