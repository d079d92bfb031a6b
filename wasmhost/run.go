package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// run takes a pristine sandbox, runs the export in it and gives it back. Panics
// on the way are the attempt's failure, never the process's.
func (a *attempt) run(ctx context.Context) (err error) {
	if need := int64(a.module.layout.memoryMin) << 16; need > a.opt.Limits.Memory {
		return a.trapError(KindMemory, fmt.Sprintf("the module needs %d bytes of memory at start, the limit is %d", need, a.opt.Limits.Memory), ErrMemory)
	}
	defer func() {
		if r := recover(); r != nil {
			err = a.panicked(r)
		}
	}()
	defer a.lines.Flush() // into a service, which may panic
	if follows := a.module.host.config.Probe.Follows; follows != nil {
		a.followed = follows(ctx)
	}
	ctx = context.WithValue(ctx, attemptKey{}, a)
	if ctx.Err() != nil {
		return a.interrupted(ctx)
	}
	if a.module.abi != ABIGraflow {
		if err := a.refused("only " + ABIGraflow + " modules have"); err != nil {
			return err
		}
	}
	s, err := a.started(ctx)
	if err != nil {
		return err
	}
	intact := false
	defer func() { a.giveBack(ctx, s, intact) }()
	err = a.runExport(ctx, s)
	if err == nil && a.tank.overdrawn() { // by its last steps, after which it never looked
		err = a.outOfFuel()
	}
	// A guest that returned, or exited of its own will, left nothing behind but
	// its memory and globals. Whatever was stopped midway is thrown away.
	intact = err == nil || a.stopped == nil && a.trapped == nil
	a.ended = intact && a.begun && !errors.Is(err, ErrFuel) && !errors.Is(err, ErrMemory)
	if a.opt.Keep {
		a.keep(s)
	}
	return err
}

// giveBack resets the sandbox for the next call, or closes it.
func (a *attempt) giveBack(ctx context.Context, s *sandbox, intact bool) {
	a.used.fuel = a.tank.used()
	if s.memory != nil {
		a.used.memory = s.memory.Peak()
	}
	if s.pool == nil || !intact {
		s.close(ctx)
		return
	}
	pages, err := a.module.host.reset(s)
	a.used.pages = pages
	if err != nil {
		if !errors.Is(err, errDirty) {
			a.module.host.config.Logger.WarnContext(ctx, "sandbox thrown away", "module", a.opt.Name, "err", err)
		}
		s.close(ctx)
		return
	}
	a.module.host.release(ctx, s)
}

func (a *attempt) runExport(ctx context.Context, s *sandbox) error {
	a.bind(s)
	a.begun = true
	var stack [1]uint64
	if err := s.function(a.export).CallWithStack(ctx, stack[:]); err != nil {
		return a.trap(err)
	}
	if a.module.abi == ABIWASICommand {
		return nil
	}
	if a.module.returns[a.export] == 0 {
		stack[0] = 0
	}
	return a.failed(api.DecodeI32(stack[0]))
}

// bind prepares a sandbox for what the attempt runs next in it.
func (a *attempt) bind(s *sandbox) {
	a.before += time.Duration(a.tank.used()) // a virtual clock goes on from there
	a.tank.bind(s.fuel, s.stack, a.opt.Limits)
	// Tables don't shrink: what they grew by before the task counts.
	s.grown += s.mayGrow - int64(uint32(s.tables.Get()))
	s.mayGrow = min(max(0, a.opt.Limits.TableElements-a.module.layout.elements-s.grown), math.MaxUint32)
	s.tables.Set(uint64(s.mayGrow))
}

// interrupted says how the context ended, or that its deadline has passed.
func (a *attempt) interrupted(ctx context.Context) *TrapError {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, ErrTimeout) || cause == nil && a.opt.Limits.Timeout > 0 && time.Since(a.start) >= a.opt.Limits.Timeout:
		return a.trapError(KindTimeout, fmt.Sprintf("not done after %s", a.opt.Limits.Timeout), errors.Join(ErrTimeout, context.DeadlineExceeded))
	case cause == nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return a.trapError(KindTimeout, "the caller's deadline passed", errors.Join(ErrTimeout, context.DeadlineExceeded, cause))
	}
	return a.trapError(KindCanceled, cause.Error(), errors.Join(context.Canceled, cause))
}

// trap finds out why the guest did not return.
func (a *attempt) trap(err error) error {
	a.lines.Flush()
	message, stack := parseTrap(err.Error())
	switch {
	case a.stopped != nil:
		a.stopped.Stack = stack
		return a.stopped
	case a.exit != nil:
		return a.exited(*a.exit)
	}
	if a.failure != nil && message == "unreachable" && !a.exhausted() { // it has said why, and given up
		a.failure.Stack, a.trapped = stack, a.failure
		return a.blame(a.failure)
	}
	if line, frames := diagnosis(a.lines.Last()); len(frames) > 0 {
		message, stack = line, frames // a Go guest aborts after its own traceback
	}
	e := a.trapError(KindTrap, message, nil)
	switch {
	case message == "stack overflow":
		e.Kind, e.cause = KindStack, ErrStack
	case a.exhausted():
		e.Kind, e.Message, e.cause = KindMemory, a.memoryMessage(message), ErrMemory
	}
	e.Stack = stack
	a.trapped = e
	return e
}

// panicked is the failure of an attempt whose host panicked outside of the guest.
func (a *attempt) panicked(r any) error {
	a.module.host.config.Logger.Error("host panicked", "module", a.opt.Name, "err", r, "stack", string(debug.Stack()))
	if a.stopped != nil {
		return a.stopped
	}
	return a.trapError(KindTrap, fmt.Sprintf("the host panicked: %v", r), nil)
}

// exhausted reports whether the guest asked for more memory than it may have,
// or has grown to all that its own declaration allows; that much is no accident.
func (a *attempt) exhausted() bool {
	const much = 16 << 20
	if a.memory == nil {
		return false
	}
	l := a.module.layout
	declared := int64(l.memoryMax) << 16
	return a.memory.Refused() || l.memoryMax > l.memoryMin && a.memory.Size() >= max(declared, much)
}
