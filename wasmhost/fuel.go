package wasmhost

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/tetratelabs/wazero/api"
)

// The slice of fuel between two yields: as much as takes a guest about
// yieldEvery. That bounds how late a deadline is seen, and how long a guest
// keeps the garbage collector waiting.
const (
	yieldEvery = time.Millisecond
	firstSlice = 100_000
	leastSlice = 10_000
	mostSlice  = 8_000_000
)

// fuelTank hands fuel to one instance for one call, a slice at a time. What is
// used depends on the guest alone, not on the slices.
type fuelTank struct {
	fuel, stack api.MutableGlobal
	budget      int64 // what the call may use
	granted     int64 // handed out so far
	slice       int64
	last        time.Time // of the last yield
}

// bind fills an instance for a call.
func (t *fuelTank) bind(fuel, stack api.MutableGlobal, limits Limits) {
	t.fuel, t.stack = fuel, stack
	t.budget, t.slice, t.last = limits.Fuel, firstSlice, time.Now()
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

// refill hands out the next slice, or reports that the budget is used up.
func (t *fuelTank) refill(now time.Time) bool {
	used := t.used()
	if used > t.budget {
		return false
	}
	switch took := now.Sub(t.last); {
	case took < yieldEvery/2:
		t.slice = min(2*t.slice, mostSlice)
	case took > 2*yieldEvery:
		t.slice = max(t.slice/2, leastSlice)
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
	runtime.Gosched()
	now := time.Now()
	a.checkTime(ctx, now)
	if !a.tank.refill(now) {
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
