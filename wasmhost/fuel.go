package wasmhost

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/tetratelabs/wazero/api"
)

// Fuel is handed out in slices, between which the guest yields: that bounds how
// late a deadline is seen, and how long a guest keeps Go's scheduler and garbage
// collector waiting. A unit of common code takes 0.2 to 1 ns, one that misses
// every cache or touches new memory up to a microsecond. Slices shrink for a
// guest that was slow, and grow again only to where the dearest code after the
// cheapest still yields in some 50 ms.
const (
	mostSlice  = 50_000
	leastSlice = 2_000
	slow       = 2 * time.Millisecond   // for a slice
	yieldEvery = 100 * time.Microsecond // how long a guest computes before others get their turn
)

// fuelTank hands fuel to one instance for one call, a slice at a time. What is
// used depends on the guest alone, not on the slices.
type fuelTank struct {
	fuel, stack api.MutableGlobal
	budget      int64 // what the call may use
	granted     int64 // handed out so far
	slice       int64
	last        time.Time // when the slice was handed out
	since       time.Time // others had their turn
}

// bind fills an instance for a call.
func (t *fuelTank) bind(fuel, stack api.MutableGlobal, limits Limits) {
	t.fuel, t.stack = fuel, stack
	t.budget, t.slice, t.since = limits.Fuel, mostSlice, time.Now()
	t.last = t.since
	t.granted = min(t.slice, t.budget)
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

// overdrawn reports whether the guest was charged more than its budget.
func (t *fuelTank) overdrawn() bool { return t.used() > t.budget }

// refill hands out the next slice, or reports that the budget is used up.
func (t *fuelTank) refill(now time.Time) bool {
	if t.overdrawn() {
		return false
	}
	used := t.used()
	if took := now.Sub(t.last); took > slow {
		t.slice = max(t.slice/8, leastSlice)
	} else {
		t.slice = min(2*t.slice, mostSlice)
	}
	t.last = now
	more := min(t.slice, t.budget-used)
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
	if !a.tank.refill(now) {
		a.stopped = a.outOfFuel()
		panic(errStopped)
	}
}

func (a *attempt) outOfFuel() *TrapError {
	return a.trapError(KindFuel, fmt.Sprintf("fuel limit of %d reached", a.opt.Limits.Fuel), ErrFuel)
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
