package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/handlers/direct"
	"github.com/graflow/graflow-wasm/internal/cluster/clustertest"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
	"github.com/graflow/graflow-wasm/natsbus"
)

// later is a Store whose time is ahead of the cluster's.
type later struct {
	schedule.Store

	ahead atomic.Int64
}

func (l *later) Now(ctx context.Context) (time.Time, error) {
	now, err := l.Store.Now(ctx)
	return now.Add(time.Duration(l.ahead.Load())), err
}

// live is a cluster with a store whose time a test sets.
type live struct {
	*clustertest.Cluster

	store     *later
	schedules *schedule.Schedules
	release   chan struct{} // ends a run of the flow "waits" for each that it has
}

func newLive(t *testing.T) *live {
	t.Helper()
	r := &live{release: make(chan struct{})}
	h := direct.New()
	direct.Func(h, "say", func(_ *direct.Context, in any) (any, error) { return in, nil })
	direct.Func(h, "wait", func(c *direct.Context, in any) (any, error) {
		select {
		case <-r.release:
			return in, nil
		case <-c.Done():
			return nil, c.Err()
		}
	})
	r.Cluster = clustertest.Start(t, clustertest.Config{Direct: h})
	// Its own keeper keeps those of its namespace.
	bus, err := natsbus.Open(t.Context(), natsbus.Config{Connect: r.Server.Connect, Namespace: "other"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(bus.Close)
	r.store = &later{Store: bus.Schedules()}
	r.schedules = schedule.New(r.config())
	for _, source := range []string{"name: says\ntasks:\n  one: {direct: {func: say}}\n", "name: waits\ntasks:\n  one: {direct: {func: wait}}\n"} {
		r.flow(t, source)
	}
	return r
}

func (r *live) flow(t *testing.T, source string) {
	t.Helper()
	if _, err := r.Service.Flows.Put(t.Context(), source, "test"); err != nil {
		t.Fatal(err)
	}
}

func (r *live) config() schedule.Config {
	return schedule.Config{Store: r.store, Runs: r.Service.Runs, Logger: slog.New(slog.DiscardHandler)}
}

// put stores schedule x of a flow.
func (r *live) put(t *testing.T, flow string, s ops.Schedule) {
	t.Helper()
	s.Name, s.Target = "x", ops.Target{Flow: flow}
	if _, err := r.schedules.Put(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// reach waits until schedule x is as it should be.
func (r *live) reach(t *testing.T, what string, as func(ops.Schedule) bool) ops.Schedule {
	t.Helper()
	for begin := time.Now(); ; {
		s, err := r.schedules.Show(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case as(s):
			return s
		case time.Since(begin) > 15*time.Second:
			t.Fatalf("%s: not so for long: %+v", what, s)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func begunTimes(n int) func(ops.Schedule) bool {
	return func(s ops.Schedule) bool { return s.Begun >= n }
}

// outcome waits for a run's end.
func (r *live) outcome(t *testing.T, run string) engine.Outcome {
	t.Helper()
	o, err := r.Service.Runs.Follow(t.Context(), run, ops.FollowAll, func(engine.Notice, string) {})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// runs are the due times of all runs, sorted, as soon as as many are listed as have
// begun.
func (r *live) runs(t *testing.T, begun int) []string {
	t.Helper()
	for {
		page, err := r.Service.Runs.List(t.Context(), ops.RunsQuery{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, s := range page.Runs {
			all = append(all, strings.Split(s.Run, "-")[1])
		}
		if slices.Sort(all); len(all) >= begun {
			return all
		}
		<-time.After(10 * time.Millisecond)
	}
}

// TestClusterOneRunForATime has keepers killed at all their steps next to some that go
// on.
func TestClusterOneRunForATime(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	r.put(t, "says", ops.Schedule{Every: engine.Duration(time.Second), Overlap: ops.OverlapAllow, Missed: ops.MissedAll, Input: []byte(`"a"`)})
	defer keep(t, r.config())()
	defer keep(t, r.config())()
	for steps := 2; r.reach(t, "begun", begunTimes(0)).Begun < 3; steps++ {
		c, l := mortal(r.config(), steps)
		stop := keep(t, c)
		<-time.After(50 * time.Millisecond)
		l.kill()
		stop()
	}
	if _, err := r.schedules.Pause(t.Context(), "x", true); err != nil {
		t.Fatal(err)
	}
	s := r.reach(t, "what was claimed begins", func(s ops.Schedule) bool { return s.Last.Equal(s.Created.Add(time.Duration(s.Begun) * time.Second)) })
	if o := r.outcome(t, s.LastRun); string(o.Output) != `"a"` {
		t.Errorf("the last came to %s %s", o.Status, o.Output)
	}
	got := r.runs(t, s.Begun)
	for i, due := range got {
		if want := s.Created.Add(time.Duration(i+1) * time.Second).Format("20060102T150405Z"); due != want {
			t.Fatalf("runs of %q, since %s", got, s.Created)
		}
	}
}

// TestClusterKilledBeforeSubmit kills the only keeper when the run was claimed, and has
// not begun; and one when it has, and that was not noted.
func TestClusterKilledBeforeSubmit(t *testing.T) {
	t.Parallel()
	for _, begins := range []bool{false, true} {
		t.Run(fmt.Sprint(begins), func(t *testing.T) {
			t.Parallel()
			r := newLive(t)
			r.put(t, "says", ops.Schedule{Every: engine.Duration(time.Hour)})
			r.store.ahead.Store(int64(time.Hour))
			c, l := mortal(r.config(), -1)
			killed := make(chan struct{})
			c.Runs = &killing{Runs: r.Service.Runs, begins: begins, kill: func() {
				l.kill()
				close(killed)
			}}
			stop := keep(t, c)
			<-killed
			stop()
			if s := r.reach(t, "", begunTimes(0)); s.Begun != 0 {
				t.Fatalf("the one that was killed noted %+v", s)
			}
			defer keep(t, r.config())()
			s := r.reach(t, "begun", begunTimes(1))
			if o, all := r.outcome(t, s.LastRun), r.runs(t, 1); o.Status != engine.StatusSucceeded || len(all) != 1 || s.Fault != "" {
				t.Errorf("it came to %s, runs of %q, %+v", o.Status, all, s)
			}
		})
	}
}

// killing kills who begins a run, before or after it has begun.
type killing struct {
	ops.Runs

	begins bool
	kill   func()
}

func (k *killing) Submit(ctx context.Context, s ops.Submission) (ops.Submitted, error) {
	if k.begins {
		if _, err := k.Runs.Submit(ctx, s); err != nil {
			return ops.Submitted{}, err
		}
	}
	k.kill()
	return ops.Submitted{}, errDead
}

func TestClusterDowntime(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	for missed, want := range map[ops.Missed]int{ops.MissedSkip: 0, ops.MissedOnce: 1, ops.MissedAll: 6} {
		r.store.ahead.Store(0)
		r.put(t, "says", ops.Schedule{Every: engine.Duration(10 * time.Minute), Missed: missed, Overlap: ops.OverlapAllow})
		r.store.ahead.Store(int64(65 * time.Minute))
		stop := keep(t, r.config())
		s := r.reach(t, string(missed), func(s ops.Schedule) bool { return s.Begun+s.Skipped == 6 })
		stop()
		if got := len(r.runs(t, s.Begun)); s.Begun != want || got != want {
			t.Errorf("%s: %d runs, %+v; want %d", missed, got, s, want)
		}
		if err := r.schedules.Remove(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		page, err := r.Service.Runs.List(t.Context(), ops.RunsQuery{})
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range page.Runs {
			r.outcome(t, run.Run)
			if err := r.Service.Runs.Delete(t.Context(), run.Run, true); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestClusterOverlap goes from time to time while runs go on.
func TestClusterOverlap(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	hours := 0
	next := func() (stop func()) {
		hours++
		r.store.ahead.Store(int64(hours) * int64(time.Hour))
		return keep(t, r.config())
	}
	hourly := ops.Schedule{Every: engine.Duration(time.Hour), Overlap: ops.OverlapSkip}
	r.put(t, "waits", hourly)
	stop := next()
	first := r.reach(t, "begun", begunTimes(1)).LastRun
	stop()
	stop = next()
	r.reach(t, "skipped", func(s ops.Schedule) bool { return s.Skipped == 1 && s.Begun == 1 })
	stop()

	hourly.Overlap = ops.OverlapReplace
	r.put(t, "waits", hourly)
	stop = next()
	second := r.reach(t, "replaced", begunTimes(2)).LastRun
	if o := r.outcome(t, first); o.Status != engine.StatusCanceled {
		t.Errorf("the run that was replaced came to %s", o.Status)
	}
	stop()

	hourly.Overlap = ops.OverlapWait
	r.put(t, "waits", hourly)
	stop = next()
	defer func() { stop() }()
	r.reach(t, "waits", func(s ops.Schedule) bool {
		return s.Last.After(s.Created.Add(time.Duration(hours)*time.Hour-time.Second)) && s.Begun == 2
	})
	r.release <- struct{}{}
	r.outcome(t, second)
	third := r.reach(t, "has waited", begunTimes(3))
	r.release <- struct{}{}
	if o := r.outcome(t, third.LastRun); o.Status != engine.StatusSucceeded || third.Skipped != 1 {
		t.Errorf("the run that waited came to %s, %+v", o.Status, third)
	}
}

// TestClusterLatestFlow has a schedule mean the version of a flow that was stored last,
// and tell what is wrong.
func TestClusterLatestFlow(t *testing.T) {
	t.Parallel()
	r := newLive(t)
	r.put(t, "says", ops.Schedule{Every: engine.Duration(time.Hour), Input: []byte("1")})
	r.flow(t, "name: says\ntasks:\n  two: {direct: {func: say}}\n  one: {direct: {func: say}}\n")
	run, err := r.schedules.Trigger(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	r.outcome(t, run)
	story, err := r.Service.Runs.Show(t.Context(), run)
	if err != nil || len(story.Tasks) != 2 {
		t.Errorf("it has %d tasks, %v; want those of the version stored last", len(story.Tasks), err)
	}
	if err := r.Service.Flows.Remove(t.Context(), "says"); err != nil {
		t.Fatal(err)
	}
	r.store.ahead.Store(int64(time.Hour))
	defer keep(t, r.config())()
	s := r.reach(t, "told", func(s ops.Schedule) bool { return s.Fault != "" })
	if s.Begun != 1 || !strings.Contains(s.Fault, "says") {
		t.Errorf("it tells %+v", s)
	}
	s.Target = ops.Target{Flow: "nowhere"}
	if _, err := r.Service.Schedules.Put(t.Context(), s); err == nil || !strings.Contains(err.Error(), "target.flow: ") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("without its flow: %v", err)
	}
	s.Target = ops.Target{Graph: []byte(`{"name": "x", "tasks": [{"id": "a", "handler": "direct", "spec": {"func": "nothing"}}]}`)}
	var invalid *ops.Invalid
	if _, err := r.Service.Schedules.Put(t.Context(), s); !errors.As(err, &invalid) || !strings.HasPrefix(invalid.Faults[0].Where, "tasks.a") {
		t.Errorf("of what is not there: %v", err)
	}
}
