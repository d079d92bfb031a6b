package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/internal/control"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
	"pgregory.net/rapid"
)

var errDead = errors.New("killed")

// life ends at a step of what a process does to the outside: before its effect, or
// after it, and before the process hears of it. What comes then has none.
type life struct {
	mu    sync.Mutex
	steps int // that are left; less than 0: it lives for ever
	dead  bool
}

// step has a process do something, if it lives.
func (l *life) step(deed func() error) error {
	if l.ends() {
		return errDead
	}
	err := deed()
	if l.ends() {
		return errDead
	}
	return err
}

func (l *life) ends() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.steps == 0 {
		l.dead = true
	} else {
		l.steps--
	}
	return l.dead
}

// kill ends it, and tells whether it had ended.
func (l *life) kill() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.dead
	l.steps, l.dead = 0, true
	return was
}

// mortalStore and mortalRuns are those of a process.
type mortalStore struct {
	schedule.Store
	*life
}

func (m mortalStore) Load(ctx context.Context, name string) (data []byte, revision uint64, err error) {
	err = m.step(func() error { data, revision, err = m.Store.Load(ctx, name); return err })
	return data, revision, err
}

func (m mortalStore) Each(ctx context.Context, f func(string, []byte, uint64)) error {
	return m.step(func() error { return m.Store.Each(ctx, f) })
}

func (m mortalStore) Put(ctx context.Context, name string, data []byte, revision uint64) (put uint64, err error) {
	err = m.step(func() error { put, err = m.Store.Put(ctx, name, data, revision); return err })
	return put, err
}

type mortalRuns struct {
	ops.Runs
	*life
}

func (m mortalRuns) Submit(ctx context.Context, s ops.Submission) (done ops.Submitted, err error) {
	err = m.step(func() error { done, err = m.Runs.Submit(ctx, s); return err })
	return done, err
}

func (m mortalRuns) Show(ctx context.Context, run string) (story control.Story, err error) {
	err = m.step(func() error { story, err = m.Runs.Show(ctx, run); return err })
	return story, err
}

func (m mortalRuns) Cancel(ctx context.Context, run, message string) (err error) {
	return m.step(func() error { return m.Runs.Cancel(ctx, run, message) })
}

// mortal is the world of a process that is killed after some steps.
func (w *world) mortal(steps int) (schedule.Config, *life) {
	return mortal(w.config(), steps)
}

func mortal(c schedule.Config, steps int) (schedule.Config, *life) {
	l := &life{steps: steps}
	c.Store, c.Runs = mortalStore{c.Store, l}, mortalRuns{c.Runs, l}
	return c, l
}

// TestKilledAtEachStep kills a keeper at each of its steps, alone and with another one
// there. What was due began, and no time twice.
func TestKilledAtEachStep(t *testing.T) {
	t.Parallel()
	for _, overlap := range []ops.Overlap{ops.OverlapSkip, ops.OverlapAllow, ops.OverlapReplace, ops.OverlapWait} {
		for _, alone := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, alone %v", overlap, alone), func(t *testing.T) {
				t.Parallel()
				steps := 0
				for died := true; died; steps++ {
					synctest.Test(t, func(t *testing.T) { died = killAfter(t, steps, overlap, alone) })
					if t.Failed() {
						t.Fatalf("when killed after %d steps", steps)
					}
				}
				if steps < 20 {
					t.Errorf("killed at %d steps only", steps)
				}
			})
		}
	}
}

func killAfter(t *testing.T, steps int, overlap ops.Overlap, alone bool) bool {
	t.Helper()
	w := newWorld()
	w.runs.lasts = 20 * time.Second
	c, l := w.mortal(steps)
	s := every(15 * time.Second)
	s.Overlap, s.Missed = overlap, ops.MissedAll
	w.put(t, s)
	defer keep(t, c)()
	if alone {
		time.Sleep(50 * time.Second)
	}
	defer keep(t, w.config())()
	if !alone {
		time.Sleep(50 * time.Second)
	}
	time.Sleep(13 * time.Second)
	died := l.kill()
	time.Sleep(11500 * time.Millisecond) // 74.5: those of 15, 30, 45 and 60 are done, with some help
	if fault := w.inconsistent(4); fault != "" {
		t.Fatal(fault)
	}
	return died
}

// inconsistent holds what has begun against what was due, and tells what is wrong.
func (w *world) inconsistent(due int) string {
	s, err := w.schedules.Show(context.Background(), "x")
	if err != nil {
		return err.Error()
	}
	waits := 0
	if s.Overlap == ops.OverlapWait && s.Begun+s.Skipped < due {
		waits = 1 // for an end
	}
	if s.Begun != len(w.runs.all) || s.Begun+s.Skipped+waits != due || s.Fault != "" {
		return fmt.Sprintf("%d begun (%d), %d skipped, %d wait, of %d; fault %q", s.Begun, len(w.runs.all), s.Skipped, waits, due, s.Fault)
	}
	if s.Overlap == ops.OverlapAllow && s.Begun != due {
		return fmt.Sprintf("%d begun, want all %d", s.Begun, due)
	}
	for i, e := range w.runs.all {
		if i > 0 && s.Overlap != ops.OverlapAllow && e.at.Before(w.runs.all[i-1].end) {
			return fmt.Sprintf("%s began before the end of %s", e.run, w.runs.all[i-1].run)
		}
		for _, other := range w.runs.all[:i] {
			if e.run[:18] == other.run[:18] {
				return fmt.Sprintf("%s and %s are of one time", e.run, other.run)
			}
		}
	}
	return ""
}

// TestKeepersThatComeAndGo has keepers come, be killed and be stopped at any time, and
// compares what began with all times that were due.
func TestKeepersThatComeAndGo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		// Of less than 100 times, so that all missed ones begin.
		interval := rapid.IntRange(1, 40).Draw(r, "interval")
		lives := rapid.SliceOfN(rapid.IntRange(0, 60), 1, 12).Draw(r, "lives")
		gaps := rapid.SliceOfN(rapid.IntRange(0, 6), len(lives), len(lives)).Draw(r, "gaps")
		fault := ""
		synctest.Test(t, func(t *testing.T) { fault = comeAndGo(t, interval, lives, gaps) })
		if fault != "" {
			r.Fatal(fault)
		}
	})
}

func comeAndGo(t *testing.T, interval int, lives, gaps []int) string {
	t.Helper()
	w := newWorld()
	s := every(time.Duration(interval) * time.Second)
	s.Overlap, s.Missed = ops.OverlapAllow, ops.MissedAll
	w.put(t, s)
	var all []*life
	for i, steps := range lives {
		c, l := w.mortal(steps)
		defer keep(t, c)()
		all = append(all, l)
		time.Sleep(time.Duration(gaps[i]) * time.Second)
	}
	defer keep(t, w.config())()
	time.Sleep(5 * time.Second)
	for _, l := range all {
		l.kill()
	}
	time.Sleep(20*time.Second + 500*time.Millisecond)
	due := int(w.store.now().Sub(w.began).Seconds()) / interval
	var runs []string
	for _, e := range w.runs.all {
		runs = append(runs, e.run[:18])
	}
	slices.Sort(runs)
	for i, run := range runs {
		if want := "x-" + w.began.Add(time.Duration((i+1)*interval)*time.Second).Format("20060102T150405Z"); run != want {
			return fmt.Sprintf("began %q, the one of place %d is not %s", runs, i, want)
		}
	}
	return w.inconsistent(due)
}
