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
)

func TestKeepersBeginOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for range 5 {
			defer keep(t, w.config())()
		}
		s := every(10 * time.Second)
		s.Input = []byte(`{"a":1}`)
		w.put(t, s)
		time.Sleep(35 * time.Second)
		w.want(t, 0, "10s", "20s", "30s")
		last := w.runs.all[2]
		if got := w.show(t); got.LastRun != last.run || !got.Last.Equal(w.began.Add(30*time.Second)) || !got.Next.Equal(w.began.Add(40*time.Second)) {
			t.Errorf("it tells %+v of %s", got, last.run)
		}
		if !strings.HasPrefix(last.run, "x-20000101T000030Z-") || string(last.submission.Input) != `{"a":1}` || last.submission.Flow != "f" {
			t.Errorf("submitted %+v", last.submission)
		}
	})
}

// TestMissed is away from 00:09 until 01:05:30.
func TestMissed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		missed  ops.Missed
		overlap ops.Overlap
		every   time.Duration
		skipped int
		begun   []string
	}{
		{"skip", ops.MissedSkip, "", 10 * time.Minute, 6, nil},
		{"skip, and the last is just late", ops.MissedSkip, "", 13 * time.Minute, 4, []string{"1h5m30s"}},
		{"once", ops.MissedOnce, "", 10 * time.Minute, 5, []string{"1h5m30s"}},
		{"all", ops.MissedAll, ops.OverlapAllow, 20 * time.Minute, 0, []string{"1h5m30s", "1h5m30s", "1h5m30s"}},
		{"all, of which the second overlaps", ops.MissedAll, "", 20 * time.Minute, 2, []string{"1h5m30s"}},
		{"all, of which the second waits", ops.MissedAll, ops.OverlapWait, 20 * time.Minute, 1, []string{"1h5m30s", "1h5m32s"}},
		{"all, of which each would replace another", ops.MissedAll, ops.OverlapReplace, 20 * time.Minute, 2, []string{"1h5m30s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.runs.lasts = 1500 * time.Millisecond
				stop := keep(t, w.config())
				s := every(test.every)
				s.Missed, s.Overlap = test.missed, test.overlap
				w.put(t, s)
				time.Sleep(9 * time.Minute)
				stop()
				time.Sleep(56*time.Minute + 30*time.Second)
				defer keep(t, w.config())()
				time.Sleep(5 * time.Second)
				w.want(t, test.skipped, test.begun...)
			})
		})
	}
}

func TestMissedAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		s := every(time.Second)
		s.Missed, s.Overlap = ops.MissedAll, ops.OverlapAllow
		w.put(t, s)
		time.Sleep(1234*time.Second + 500*time.Millisecond)
		stop := keep(t, w.config())
		time.Sleep(100 * time.Millisecond)
		stop()
		if got := w.show(t); got.Begun != 100 || got.Skipped != 1134 || len(w.runs.all) != 100 {
			t.Errorf("%d begun (%d), %d skipped; want 100 and 1134", got.Begun, len(w.runs.all), got.Skipped)
		}
		if first := w.runs.all[0].run; !strings.HasPrefix(first, "x-20000101T001855Z-") {
			t.Errorf("the first is %s, want that of 1135 s", first)
		}
	})
}

// TestAwayForYears counts what was missed in the last one.
func TestAwayForYears(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.put(t, cronIn("Europe/Berlin", "0 6 * * *"))
		w.store.jump(10 * 365 * 24 * time.Hour)
		defer keep(t, w.config())()
		time.Sleep(time.Second)
		if got := w.show(t); got.Begun != 1 || got.Skipped != 365 {
			t.Errorf("%d begun, %d skipped; want 1 and 365", got.Begun, got.Skipped)
		}
	})
}

// TestOverlap has runs that last 25 s, every 10 s, for 60 s.
func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		overlap ops.Overlap
		skipped int
		begun   []string
	}{
		{"", 4, []string{"10s", "40s"}},
		{ops.OverlapAllow, 0, []string{"10s", "20s", "30s", "40s", "50s", "1m0s"}},
		{ops.OverlapReplace, 0, []string{"10s-20s", "20s-30s", "30s-40s", "40s-50s", "50s-1m0s", "1m0s"}},
		{ops.OverlapWait, 2, []string{"10s", "35s", "1m0s"}}, // 30 and 50 overlap what waits
	} {
		t.Run(string(test.overlap), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.runs.lasts = 25 * time.Second
				defer keep(t, w.config())()
				defer keep(t, w.config())()
				s := every(10 * time.Second)
				s.Overlap = test.overlap
				w.put(t, s)
				time.Sleep(61 * time.Second)
				w.want(t, test.skipped, test.begun...)
			})
		})
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		s := ops.Schedule{Name: "x", Target: ops.Target{Flow: "f"}, At: w.began.Add(90 * time.Second)}
		w.put(t, s)
		time.Sleep(5 * time.Minute)
		w.want(t, 0, "1m30s")
		if got := w.show(t); !got.Next.IsZero() {
			t.Errorf("it comes again at %s", got.Next)
		}
		w.put(t, s) // as it is: no fault
		s.At = w.began.Add(time.Minute)
		var invalid *ops.Invalid
		if _, err := w.schedules.Put(t.Context(), s); !errors.As(err, &invalid) || invalid.Faults[0].Where != "at" {
			t.Errorf("a time that has gone by: %v, want an Invalid at it", err)
		}
		s.At = w.began.Add(10 * time.Minute)
		w.put(t, s)
		time.Sleep(10 * time.Minute)
		w.want(t, 0, "1m30s", "10m0s")
	})
}

func TestSummerTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.store.jump(time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC).Sub(w.began))
		w.began = w.store.now()
		defer keep(t, w.config())()
		w.put(t, cronIn("Europe/Berlin", "30 2 * * *"))
		time.Sleep(72 * time.Hour)
		w.want(t, 0, "1h30m0s", "25h0m0s", "48h30m0s")
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(time.Minute))
		w.runs.fail(fmt.Errorf("flow f: %w", engine.ErrNotFound))
		time.Sleep(65 * time.Second)
		if got := w.show(t); !strings.Contains(got.Fault, "flow f: not found") || strings.Contains(got.Fault, "again") || got.Begun != 0 {
			t.Errorf("it tells %+v, want the fault", got)
		}
		w.runs.fail(nil)
		time.Sleep(time.Minute)
		w.want(t, 0, "2m0s")
		w.runs.fail(ops.ErrUnavailable)
		time.Sleep(time.Minute)
		if got := w.show(t); !strings.Contains(got.Fault, "which is tried again: not available now") {
			t.Errorf("it tells %+v, want that it is tried again", got)
		}
		w.runs.fail(nil)
		time.Sleep(50 * time.Second)
		if got := w.show(t); got.Fault != "" || got.Begun != 2 {
			t.Errorf("it tells %+v, want a run late", got)
		}
	})
}

func TestGiveUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		w.put(t, every(45*time.Minute))
		w.runs.fail(ops.ErrUnavailable)
		time.Sleep(107 * time.Minute)
		if got := w.show(t); !strings.Contains(got.Fault, "begin run x-20000101T013000Z-") || got.Skipped != 0 {
			t.Errorf("after an hour it tells %+v, want the fault of the next", got)
		}
		w.runs.fail(nil)
		time.Sleep(time.Minute)
		if got := w.show(t); got.Begun != 1 || got.Fault != "" { // that of 1h30m, which is late
			t.Errorf("it tells %+v, want one run", got)
		}
	})
}

func TestClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		defer keep(t, w.config())()
		s := every(time.Minute)
		s.Missed = ops.MissedSkip
		w.put(t, s)
		time.Sleep(90 * time.Second)
		w.want(t, 0, "1m0s")
		w.store.jump(10*time.Minute + 10*time.Second) // to 11:40
		time.Sleep(15 * time.Second)
		w.want(t, 9, "1m0s", "11m41s") // that of 11:00 is just late
		w.runs.all[1].at = w.began.Add(11 * time.Minute)
		w.store.jump(-2 * time.Minute)
		time.Sleep(2*time.Minute + 20*time.Second) // 12:15
		w.want(t, 9, "1m0s", "11m0s", "12m0s")     // 10:00 and 11:00 came again
	})
}

// TestClockFarAhead has the time jump far ahead and back: what was taken then does not
// keep the schedule from going on.
func TestClockFarAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		defer keep(t, w.config())()
		s := every(time.Minute)
		s.Overlap = ops.OverlapAllow
		w.put(t, s)
		time.Sleep(90 * time.Second)
		w.store.jump(1000 * time.Hour)
		time.Sleep(15 * time.Second)
		w.store.jump(-1000 * time.Hour)
		time.Sleep(2 * time.Minute)
		got := w.runs.begun(w.began)
		if len(got) != 4 || got[2] != "2m0s" || got[3] != "3m0s" {
			t.Errorf("began at %q, want one ahead, and those of 2 and 3 minutes", got)
		}
	})
}
