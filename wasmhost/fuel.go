package wasmhost

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/tetratelabs/wazero/api"
)

// fuelSlice is the fuel handed out between two yields. It takes cheap code some tens
// of microseconds, and code that misses every cache some thirty milliseconds:
// that bounds how late a deadline is seen, and how long a guest keeps Go's
// scheduler and garbage collector waiting. A slice that adapted to the guest's
// speed could be gamed: cheap code first, dear code then.
const fuelSlice = 100_000

// yieldEvery is how long a guest computes before others get their turn.
const yieldEvery = time.Millisecond

// fuelTank hands fuel to one instance for one call, a slice at a time. What is
// used depends on the guest alone, not on the slices.
type fuelTank struct {
	fuel, stack api.MutableGlobal
	budget      int64     // what the call may use
	granted     int64     // handed out so far
	since       time.Time // others had their turn
}

// bind fills an instance for a call.
func (t *fuelTank) bind(fuel, stack api.MutableGlobal, limits Limits) {
	t.fuel, t.stack = fuel, stack
	t.budget, t.since = limits.Fuel, time.Now()
	t.granted = min(fuelSlice, t.budget)
	t.fuel.Set(uint64(t.granted))
	t.stack.Set(uint64(limits.Stack))
}

// used is what the guest was charged.
func (t *fuelTank) used() int64 {
	if t.fuel == nil {
		return 0
	}
	return t.granted - int64(t.fuel.Get())
}

// refill hands out the next slice, or reports that the budget is used up.
func (t *fuelTank) refill() bool {
	used := t.used()
	if used > t.budget {
		return false
	}
	more := min(fuelSlice, t.budget-used)
	t.granted = used + more
	t.fuel.Set(uint64(more))
	return true
}

// yield is what a guest calls when its slice is used up: here it ends for want
// of fuel, stack or time, and here the Go scheduler gets its turn.
func yield(ctx context.Context, mod api.Module, _ []uint64) {
	a := attemptOf(ctx)
	if a.tank.fuel == nil { // within a start function: nobody could bind before
		a.tank.bind(mod.ExportedGlobal(meter.FuelExport).(api.MutableGlobal),
			mod.ExportedGlobal(meter.StackExport).(api.MutableGlobal), a.opt.Limits)
		return
	}
	if int64(a.tank.stack.Get()) < 0 {
		a.stop(KindStack, fmt.Sprintf("recursion exceeds the stack limit of %d bytes", a.opt.Limits.Stack), ErrStack)
	}
	now := time.Now()
	if now.Sub(a.tank.since) > yieldEvery {
		runtime.Gosched()
		now = time.Now()
		a.tank.since = now
	}
	a.checkTime(ctx, now)
	if !a.tank.refill() {
		a.stop(KindFuel, fmt.Sprintf("fuel limit of %d reached", a.opt.Limits.Fuel), ErrFuel)
	}
}

// checkTime ends a guest whose context has ended or whose deadline has passed.
// The clock is read here because the context's timer may be late.
func (a *attempt) checkTime(ctx context.Context, now time.Time) {
	deadline, ok := ctx.Deadline()
	if ctx.Err() == nil && (!ok || now.Before(deadline)) {
		return
	}
	a.stopped = a.interrupted(ctx)
	panic(errStopped)
}
