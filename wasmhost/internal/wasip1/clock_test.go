package wasip1_test

import (
	"testing"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

func (g *guest) now(id uint64) uint64 {
	g.t.Helper()
	out := g.room(8)
	g.must("clock_time_get", id, 0, out)
	return g.u64(out)
}

func TestVirtualClock(t *testing.T) {
	t.Parallel()
	elapsed := uint64(0)
	g := newGuest(t, wasip1.Config{Clock: wasip1.Clock{
		Kind: wasip1.VirtualClock, Elapsed: func() uint64 { return elapsed },
	}})
	const epoch = wasip1.VirtualEpoch * 1_000_000_000
	if got := time.Unix(wasip1.VirtualEpoch, 0).UTC().String(); got != "2026-01-01 00:00:00 +0000 UTC" {
		t.Errorf("got epoch %s", got)
	}
	want := func(wall, monotonic, cpu uint64) {
		t.Helper()
		if got := g.now(0); got != wall {
			t.Errorf("got time %d, want %d", got, wall)
		}
		if got := g.now(1); got != monotonic {
			t.Errorf("got monotonic time %d, want %d", got, monotonic)
		}
		if a, b := g.now(2), g.now(3); a != cpu || b != cpu {
			t.Errorf("got CPU times %d, %d, want %d", a, b, cpu)
		}
	}
	want(epoch, 1e9, 0)
	elapsed = 12345
	want(epoch+12345, 1e9+12345, 12345)
	g.mustPoll(subscription{timeout: 5e9})
	want(epoch+5e9+12345, 6e9+12345, 12345)
	g.mustPoll(subscription{timeout: 1<<64 - 1})
	want(1<<64-1, 1<<64-1, 12345)
	g.mustPoll(subscription{timeout: 1<<64 - 1, absolute: 1})
}

// A clock that is set, and goes on while others work: every attempt of an instance
// begins later than the one before.
func TestVirtualClockIsSet(t *testing.T) {
	t.Parallel()
	const epoch = wasip1.VirtualEpoch * 1_000_000_000
	for _, c := range []struct {
		offset          time.Duration
		wall, monotonic uint64
	}{
		{0, epoch, 1e9},
		{time.Hour, epoch + 3600e9, 1e9 + 3600e9},
		{-time.Hour, epoch - 3600e9, 1e9},
		{-100 * 365 * 24 * time.Hour, 0, 1e9}, // before 1970
	} {
		var elapsed, waited uint64
		offset := time.Duration(0)
		g := newGuest(t, wasip1.Config{Clock: wasip1.Clock{
			Kind:    wasip1.VirtualClock,
			Elapsed: func() uint64 { return elapsed },
			Waited:  func() uint64 { return waited },
			Offset:  func() time.Duration { return offset },
		}})
		if got := g.now(0); got != epoch {
			t.Errorf("got %d before it is set", got)
		}
		offset = c.offset
		want := func(later uint64) {
			t.Helper()
			if wall, monotonic := g.now(0), g.now(1); wall != c.wall+later || monotonic != c.monotonic+later {
				t.Errorf("set by %v: got %d, %d, want %d, %d", c.offset, wall, monotonic, c.wall+later, c.monotonic+later)
			}
			if got := g.state.Now().UnixNano(); got != int64(c.wall+later) {
				t.Errorf("set by %v: Now is %d, want %d", c.offset, got, c.wall+later)
			}
			if cpu := g.now(2); cpu != elapsed {
				t.Errorf("got CPU time %d, want %d", cpu, elapsed)
			}
		}
		want(0)
		waited = 5e9
		want(5e9)
		elapsed = 7
		want(5e9 + 7)
		g.mustPoll(subscription{id: 1, timeout: g.now(1) + 1e9, absolute: 1})
		want(6e9 + 7)
		g.mustPoll(subscription{id: 0, timeout: g.now(0) + 1e9, absolute: 1})
		want(7e9 + 7)
		g.mustPoll(subscription{id: 0, timeout: g.now(0) - min(1, g.now(0)), absolute: 1}) // past
		want(7e9 + 7)
		g.mustPoll(subscription{id: 1, timeout: 1e9})
		want(8e9 + 7)
	}
}

func TestRealClock(t *testing.T) {
	t.Parallel()
	for kind, step := range map[wasip1.ClockKind]uint64{
		wasip1.RealClock: 1, wasip1.CoarseClock: 1e6,
	} {
		g := newGuest(t, wasip1.Config{Clock: wasip1.Clock{Kind: kind}})
		before := uint64(time.Now().UnixNano())
		got := g.now(0)
		after := uint64(time.Now().UnixNano())
		if got < before-before%step || got > after || got%step != 0 {
			t.Errorf("got %d, want a multiple of %d in %d to %d", got, step, before, after)
		}
		// Another attempt's clock goes on where the last was, not from 0.
		first := g.now(1)
		second := newGuest(t, wasip1.Config{Clock: wasip1.Clock{Kind: kind}}).now(1)
		if first < 1e9 || second < first || second > first+60e9 {
			t.Errorf("got %d, then %d in another attempt", first, second)
		}
		if cpu := g.now(2); cpu > 60e9 {
			t.Errorf("got CPU time %d in an attempt that just began", cpu)
		}
		out := g.room(8)
		g.must("clock_res_get", 1, out)
		if got := g.u64(out); got != step {
			t.Errorf("got resolution %d, want %d", got, step)
		}
		for _, id := range []uint64{4, 1<<32 - 1} {
			g.want(guestfs.EINVAL, "clock_res_get", id, out)
			g.want(guestfs.EINVAL, "clock_time_get", id, 0, out)
		}
	}
}
