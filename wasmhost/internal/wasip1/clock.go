package wasip1

import (
	"context"
	"math"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/guestfs"
)

// Clock is the time a guest sees. The zero value is the real time.
type Clock struct {
	Kind ClockKind
	// Elapsed is how long a guest with a virtual clock has computed, in ns; it
	// never goes back. An instance that starts from a snapshot has computed what
	// its initialization took, or its monotonic clock would go back. Nil is 0.
	Elapsed func() uint64
	// Waited is how long such a guest has waited for others beside, in ns; it never
	// goes back. Nil is 0.
	Waited func() uint64
	// Offset is by how much wall time is ahead of VirtualEpoch beside all that, or
	// behind. Where it is ahead, so is the monotonic clock: an instance whose
	// attempts start one after the other never sees it go back. Nil is 0.
	Offset func() time.Duration
}

// ClockKind says where time comes from.
type ClockKind uint8

const (
	// RealClock is the machine's clock. The monotonic one starts at the start of
	// the process, so that it goes on over attempts and snapshots.
	RealClock ClockKind = iota
	// CoarseClock is the machine's clock in steps of CoarseStep, rounded down.
	CoarseClock
	// VirtualClock starts at VirtualEpoch and Clock.Offset, and goes on by
	// Clock.Elapsed, by Clock.Waited and by what the guest slept. Sleeping takes no
	// real time.
	VirtualClock
)

const (
	// CoarseStep is the resolution of CoarseClock.
	CoarseStep = time.Millisecond
	// VirtualEpoch is where VirtualClock starts, in seconds of Unix time:
	// 2026-01-01 00:00:00 UTC.
	VirtualEpoch = 1767225600
)

const (
	clockRealtime uint32 = iota
	clockMonotonic
	clockProcessCPU
	clockThreadCPU
	clockCount

	// monotonicStart keeps the monotonic clock from 0, which Go's runtime takes
	// for a missing clock.
	monotonicStart = uint64(time.Second)
)

var processStart = time.Now()

// now reads a clock, in ns. The CPU clocks tell the time since New, or what was
// computed on the virtual clock.
func (s *State) now(id uint32) uint64 {
	switch s.config.Clock.Kind {
	case VirtualClock:
		return s.virtualNow(id)
	case CoarseClock:
		now := s.realNow(id)
		return now - now%uint64(CoarseStep)
	default:
		return s.realNow(id)
	}
}

func (s *State) realNow(id uint32) uint64 {
	switch id {
	case clockRealtime:
		return nanoseconds(time.Now())
	case clockMonotonic:
		return add(monotonicStart+s.ahead, uint64(max(0, time.Since(processStart))))
	default:
		return uint64(max(0, time.Since(s.started)))
	}
}

func (s *State) virtualNow(id uint32) uint64 {
	clock := &s.config.Clock
	var elapsed, waited uint64
	var offset time.Duration
	if clock.Elapsed != nil {
		elapsed = clock.Elapsed()
	}
	if clock.Waited != nil {
		waited = clock.Waited()
	}
	if clock.Offset != nil {
		offset = clock.Offset()
	}
	passed := add(elapsed, add(waited, s.slept))
	switch id {
	case clockRealtime:
		return add(uint64(max(0, VirtualEpoch*time.Second+offset)), passed)
	case clockMonotonic:
		return add(monotonicStart+uint64(max(0, offset)), passed)
	default:
		return elapsed
	}
}

// Now is what the guest's clock tells, in Unix time.
func (s *State) Now() time.Time { return instant(s.now(clockRealtime)) }

// instant is a time that WASI tells.
func instant(ns uint64) time.Time {
	return time.Unix(int64(ns/uint64(time.Second)), int64(ns%uint64(time.Second)))
}

// sleep waits for ns nanoseconds on one of the guest's clocks; Interrupted if ctx
// ends.
func (s *State) sleep(ctx context.Context, id uint32, ns uint64) {
	switch s.config.Clock.Kind {
	case VirtualClock:
		s.slept = add(s.slept, ns)
		return
	case CoarseClock:
		// Up to a step, lest the guest finds on waking that it is not yet time.
		step := uint64(CoarseStep)
		if late := add(s.realNow(id), ns) % step; late != 0 {
			ns = add(ns, step-late)
		}
	}
	timer := time.NewTimer(time.Duration(min(ns, math.MaxInt64)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		panic(Interrupted{})
	case <-timer.C:
	}
}

func (s *State) clockResGet(_ context.Context, g guest) guestfs.Errno {
	out, errno := g.record(1, 8)
	if errno != guestfs.OK {
		return errno
	}
	if g.u32(0) >= clockCount {
		return guestfs.EINVAL
	}
	resolution := uint64(1)
	if s.config.Clock.Kind == CoarseClock {
		resolution = uint64(CoarseStep)
	}
	le.PutUint64(out, resolution)
	return guestfs.OK
}

func (s *State) clockTimeGet(_ context.Context, g guest) guestfs.Errno {
	out, errno := g.record(2, 8)
	if errno != guestfs.OK {
		return errno
	}
	if g.u32(0) >= clockCount {
		return guestfs.EINVAL
	}
	le.PutUint64(out, s.now(g.u32(0)))
	return guestfs.OK
}

// add is a sum that stays at the largest number instead of wrapping.
func add(a, b uint64) uint64 {
	if a > math.MaxUint64-b {
		return math.MaxUint64
	}
	return a + b
}

// nanoseconds is a time as WASI tells it: since 1970, and 0 for what is before
// or unknown.
func nanoseconds(t time.Time) uint64 {
	seconds := t.Unix()
	if seconds < 0 || seconds > math.MaxInt64/int64(time.Second)-1 {
		return 0
	}
	return uint64(seconds)*uint64(time.Second) + uint64(t.Nanosecond())
}
