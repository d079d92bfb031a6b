package wasmhost

import (
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
)

// clock is the guest's clock, as granted.
func (a *attempt) clock() (wasip1.Clock, error) {
	switch a.opt.Grants.Clock {
	case "", ClockReal:
		return wasip1.Clock{}, nil
	case ClockCoarse:
		return wasip1.Clock{Kind: wasip1.CoarseClock}, nil
	case ClockVirtual:
		return a.virtualClock()
	}
	return wasip1.Clock{}, fmt.Errorf("clock %q: want %s, %s or %s", a.opt.Grants.Clock, ClockReal, ClockCoarse, ClockVirtual)
}

func (a *attempt) virtualClock() (wasip1.Clock, error) {
	const firstYear, lastYear = 1970, 2261 // that WASI and Go's durations have in common
	if start := a.opt.Grants.Start.UTC(); !start.IsZero() && (start.Year() < firstYear || start.Year() > lastYear) {
		return wasip1.Clock{}, fmt.Errorf("a clock that starts at %s: want a time in the years %d to %d",
			start.Format(time.RFC3339), firstYear, lastYear)
	}
	return wasip1.Clock{
		Kind:    wasip1.VirtualClock,
		Elapsed: func() uint64 { return uint64(a.elapsed()) },
		Waited:  a.waited,
		Offset:  a.offset,
	}, nil
}

// offset sets a virtual clock to its start when the task begins. Before that all
// calls see the same.
func (a *attempt) offset() time.Duration {
	start := a.opt.Grants.Start
	if !a.begun || start.IsZero() {
		return 0
	}
	return start.Sub(time.Unix(wasip1.VirtualEpoch, 0)) - a.before
}

// waited asks what has gone by outside of the guest.
func (a *attempt) waited() uint64 {
	if ask := a.opt.Services.Waited; ask != nil && a.begun {
		a.away = max(a.away, ask())
	}
	return uint64(a.away)
}

// fileTime is the clock of trees in memory; nil is the machine's.
func (a *attempt) fileTime() func() time.Time {
	switch a.opt.Grants.Clock {
	case ClockVirtual:
		return func() time.Time {
			switch {
			case a.wasi != nil:
				return a.wasi.Now()
			case !a.opt.Grants.Start.IsZero():
				return a.opt.Grants.Start
			}
			return time.Unix(wasip1.VirtualEpoch, 0)
		}
	case ClockCoarse:
		return func() time.Time { return time.Now().Truncate(wasip1.CoarseStep) }
	}
	return nil
}

// elapsed is how long the guest has computed on a virtual clock: a nanosecond
// for each unit of fuel.
func (a *attempt) elapsed() time.Duration { return a.before + time.Duration(a.tank.used()) }
