package wasmhost_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost"
)

// times is what the task times saw, in ns.
type times struct {
	Before, After, Monotonic, File int64
}

func timesOf(t *testing.T, sleep time.Duration, opt wasmhost.Options) (times, wasmhost.Ledger) {
	t.Helper()
	opt.Grants.Mounts = []wasmhost.Mount{{Guest: "/tmp", Memory: true}}
	r := call(t, system(t), "times", fmt.Sprint(int64(sleep)), opt)
	var got times
	if err := json.Unmarshal(r.Output, &got); err != nil {
		t.Fatal(err)
	}
	return got, r.Ledger
}

func TestVirtualClockStarts(t *testing.T) {
	t.Parallel()
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, start := range []time.Time{
		{},
		epoch, epoch.Add(time.Microsecond), time.Date(1970, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(1999, 12, 31, 23, 59, 59, 5, time.UTC),
		time.Date(2031, 5, 6, 7, 8, 9, 10, time.FixedZone("east", 3600)), time.Date(2261, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		opt := options()
		opt.Grants.Clock, opt.Grants.Start = wasmhost.ClockVirtual, start
		got, ledger := timesOf(t, 90*time.Minute, opt)
		want, slack := start, time.Duration(ledger.Fuel)
		if start.IsZero() {
			want, slack = epoch, time.Second // with what initialization took
		}
		if before := time.Unix(0, got.Before).Sub(want); before < 0 || before > slack {
			t.Errorf("%v: the task begins %v later, want at most %v", start, before, slack)
		}
		for name, d := range map[string]int64{"wall": got.After - got.Before, "monotonic": got.Monotonic} {
			if slept := time.Duration(d); slept < 90*time.Minute || slept > 90*time.Minute+slack {
				t.Errorf("%v: slept %v by the %s clock", start, slept, name)
			}
		}
		if file := time.Duration(got.File - got.After); file < 0 || file > slack {
			t.Errorf("%v: a file was made %v after it slept", start, file)
		}
		again, _ := timesOf(t, 90*time.Minute, opt)
		if again != got {
			t.Errorf("%v: got %+v, then %+v", start, got, again)
		}
	}
	for _, year := range []int{1, 1969, 2262} {
		opt := options()
		opt.Grants.Clock, opt.Grants.Start = wasmhost.ClockVirtual, time.Date(year, 2, 1, 0, 0, 0, 0, time.UTC)
		if _, err := system(t).Call(t.Context(), "times", nil, opt); err == nil || !strings.Contains(err.Error(), "want a time in the years 1970 to 2261") {
			t.Errorf("%d: got %v", year, err)
		}
	}
}

// The same start is the same time, whether the instance comes from a snapshot or
// was initialized for the call.
func TestVirtualClockIgnoresInitialization(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	opt := options()
	opt.Grants.Clock, opt.Grants.Start = wasmhost.ClockVirtual, start
	want, _ := timesOf(t, 0, opt)
	opt.Grants.Env = map[string]string{"UNSOUND": "1"}
	got, _ := timesOf(t, 0, opt)
	for _, at := range []int64{got.Before, want.Before} {
		if late := time.Unix(0, at).Sub(start); late < 0 || late > time.Millisecond {
			t.Errorf("the task begins %v after the start", late)
		}
	}
	if got.After-got.Before < 0 || got.Monotonic < 0 {
		t.Errorf("time goes back: %+v", got)
	}
}

func TestVirtualClockWaits(t *testing.T) {
	t.Parallel()
	if isolate() != nil {
		t.Skip("a cell is told with the answers of services, of which there are none here")
	}
	// Its answers go up, then back: that is no time.
	answers := []time.Duration{0, time.Hour, 2 * time.Hour, time.Minute, -time.Hour}
	asked := 0
	opt := options()
	opt.Grants.Clock = wasmhost.ClockVirtual
	opt.Services.Waited = func() time.Duration {
		asked++
		return answers[min(asked, len(answers))-1]
	}
	got, ledger := timesOf(t, 0, opt)
	if asked < 2 {
		t.Fatalf("asked %d times", asked)
	}
	wall := time.Duration(got.After - got.Before)
	if wall < time.Hour || wall > 2*time.Hour+time.Duration(ledger.Fuel) || got.Monotonic < int64(time.Hour) {
		t.Errorf("got %v, monotonic %v", wall, time.Duration(got.Monotonic))
	}
	if file := got.File - got.After; file < 0 {
		t.Errorf("a file was made %v before", time.Duration(-file))
	}
	opt.Grants.Clock = wasmhost.ClockReal
	asked = 0
	if timesOf(t, 0, opt); asked > 0 {
		t.Error("a real clock waits for nobody")
	}
}

// A guest on a real clock sleeps as long as it says, and not when it is stopped.
func TestRealClockSleeps(t *testing.T) {
	t.Parallel()
	got, ledger := timesOf(t, 20*time.Millisecond, options())
	if slept := time.Duration(got.Monotonic); slept < 20*time.Millisecond || ledger.Wall < 20*time.Millisecond {
		t.Errorf("slept %v within %v", slept, ledger.Wall)
	}
	ctx, cancel := context.WithCancel(t.Context())
	opt := options()
	opt.Grants.Mounts = []wasmhost.Mount{{Guest: "/tmp", Memory: true}}
	timer := time.AfterFunc(20*time.Millisecond, cancel)
	defer timer.Stop()
	start := time.Now()
	_, err := system(t).Call(ctx, "times", []byte(fmt.Sprint(int64(time.Hour))), opt)
	if took := time.Since(start); !errors.Is(err, context.Canceled) || took > 10*time.Second {
		t.Errorf("got %v after %v", err, took)
	}
}
