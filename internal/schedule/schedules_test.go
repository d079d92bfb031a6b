package schedule_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graflow/graflow-wasm/engine"
	"github.com/graflow/graflow-wasm/internal/ops"
	"github.com/graflow/graflow-wasm/internal/schedule"
)

func TestPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		stop := keep(t, w.config())
		first := w.put(t, every(time.Minute))
		if first.Overlap != ops.OverlapSkip || first.Missed != ops.MissedOnce || !first.Created.Equal(w.began) || !first.Next.Equal(w.began.Add(time.Minute)) {
			t.Errorf("stored %+v", first)
		}
		time.Sleep(150 * time.Second)
		w.want(t, 0, "1m0s", "2m0s")
		stop()
		time.Sleep(time.Minute) // 3:30; that of 3:00 is missed
		changed := every(time.Minute)
		changed.Input = []byte("1")
		changed.Begun, changed.Skipped, changed.Fault, changed.LastRun = 100, 100, "x", "x" // told, not set
		if got := w.put(t, changed); got.Begun != 2 || got.Skipped != 0 || got.Fault != "" || !got.Next.Equal(w.began.Add(3*time.Minute)) || !got.Created.Equal(w.began) {
			t.Errorf("of the same times stored %+v", got)
		}
		changed.Every = engine.Duration(7 * time.Second)
		if got := w.put(t, changed); !got.Next.Equal(w.began.Add(210*time.Second)) && !got.Next.Equal(w.began.Add(217*time.Second)) {
			t.Errorf("of other times comes at %s, want a multiple of 7 s after %s", got.Next, w.store.now())
		}
		changed.Paused = true
		if got := w.put(t, changed); !got.Next.IsZero() || !got.Paused {
			t.Errorf("paused stored %+v", got)
		}
		changed.Cron, changed.Every, changed.Paused = "@daily", 0, false
		if got := w.put(t, changed); got.Next.Sub(w.began) != 24*time.Hour || got.Zone != "UTC" || got.Begun != 2 {
			t.Errorf("daily stored %+v", got)
		}
		all, err := w.schedules.List(t.Context())
		if err != nil || len(all) != 1 || all[0].Cron != "@daily" {
			t.Errorf("list %+v, %v", all, err)
		}
	})
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld()
	big := every(time.Minute)
	big.Target = ops.Target{Source: strings.Repeat("x", 600<<10)}
	for what, s := range map[string]ops.Schedule{"no times": {Name: "x", Target: ops.Target{Flow: "f"}}, "large": big} {
		var invalid *ops.Invalid
		if _, err := w.schedules.Put(t.Context(), s); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, want an Invalid", what, err)
		}
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(time.Minute))
		time.Sleep(90 * time.Second)
		s, err := w.schedules.Pause(t.Context(), "x", true)
		if err != nil || !s.Paused || !s.Next.IsZero() {
			t.Errorf("paused it is %+v, %v", s, err)
		}
		time.Sleep(10 * time.Minute) // 11:30
		s, err = w.schedules.Pause(t.Context(), "x", false)
		if err != nil || s.Paused || !s.Next.Equal(w.began.Add(12*time.Minute)) {
			t.Errorf("let go it is %+v, %v", s, err)
		}
		time.Sleep(time.Minute)
		w.want(t, 0, "1m0s", "12m0s")
		time.Sleep(20 * time.Second) // 12:50
		if again, err := w.schedules.Pause(t.Context(), "x", false); err != nil || !again.Next.Equal(w.began.Add(13*time.Minute)) {
			t.Errorf("let go twice it is %+v, %v", again, err)
		}
	})
}

func TestTrigger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.runs.lasts = time.Minute
		defer keep(t, w.config())()
		w.put(t, every(time.Minute))
		time.Sleep(30 * time.Second)
		run, err := w.schedules.Trigger(t.Context(), "x")
		if err != nil || !strings.HasPrefix(run, "x-20000101T000030Z-") {
			t.Fatalf("triggered %q, %v", run, err)
		}
		other, err := w.schedules.Trigger(t.Context(), "x")
		if err != nil || run == other {
			t.Fatalf("triggered again %q after %q, %v", other, run, err)
		}
		w.want(t, 0, "30s", "30s")
		time.Sleep(100 * time.Second) // 2:10; at 1:00 they still ran
		w.want(t, 1, "30s", "30s", "2m0s")
		w.runs.fail(&ops.Invalid{What: "the flow"})
		if _, err := w.schedules.Trigger(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "not valid") {
			t.Errorf("triggered what can't begin: %v", err)
		}
		w.runs.fail(nil)
		time.Sleep(20 * time.Second)
		w.want(t, 1, "30s", "30s", "2m0s")
		for what, err := range map[string]error{
			"trigger": func() error { _, err := w.schedules.Trigger(t.Context(), "y"); return err }(),
			"pause":   func() error { _, err := w.schedules.Pause(t.Context(), "y", true); return err }(),
			"show":    func() error { _, err := w.schedules.Show(t.Context(), "y"); return err }(),
			"remove":  w.schedules.Remove(t.Context(), "y"),
		} {
			if !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("%s what is not there: %v, want ErrNotFound", what, err)
			}
		}
	})
}

// TestTriggerDenied is by who may write schedules, and begin no runs.
func TestTriggerDenied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(time.Hour))
		time.Sleep(2 * time.Second)
		c := w.config()
		c.Runs = &ledger{fails: ops.ErrDenied}
		run, err := schedule.New(c).Trigger(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		w.want(t, 0, "2s")
		if got := w.show(t).LastRun; got != run {
			t.Errorf("%s began, want %s", got, run)
		}
	})
}

func TestRemove(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(time.Minute))
		time.Sleep(65 * time.Second)
		if err := w.schedules.Remove(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if got := w.runs.begun(w.began); len(got) != 1 {
			t.Errorf("began at %q, want nothing after it was removed", got)
		}
		w.put(t, every(time.Minute)) // another of its name
		time.Sleep(65 * time.Second)
		s := w.show(t)
		if s.Begun != 1 || !s.Created.Equal(w.began.Add(665*time.Second)) {
			t.Errorf("stored anew it is %+v", s)
		}
	})
}

// TestRemoveAndPut has a keeper find a schedule gone, and there again, between two looks
// at all.
func TestRemoveAndPut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(3*time.Second))
		time.Sleep(5 * time.Second) // the last look was at 4 s
		if err := w.schedules.Remove(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		w.put(t, every(3*time.Second))
		time.Sleep(4 * time.Second)
		if got := w.runs.begun(w.began); fmt.Sprint(got) != "[3s 10s]" {
			t.Errorf("began at %q, want one of each", got)
		}
	})
}

// TestUnreadable leaves out what a newer program has stored, and lists it.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		if _, err := w.store.Put(t.Context(), "new", []byte(`{"version":2}`), 0); err != nil {
			t.Fatal(err)
		}
		defer keep(t, w.config())()
		w.put(t, every(time.Minute))
		time.Sleep(65 * time.Second)
		w.want(t, 0, "1m0s")
		all, err := w.schedules.List(t.Context())
		if err != nil || len(all) != 2 || all[0].Name != "new" || !strings.Contains(all[0].Fault, "version 2") {
			t.Errorf("list %+v, %v", all, err)
		}
		if err := w.schedules.Remove(t.Context(), "new"); err != nil {
			t.Error(err)
		}
	})
}
