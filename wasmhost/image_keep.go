package wasmhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/graflow/graflow-wasm/wasmhost/internal/linmem"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasmbin"
)

// imaged reports whether a call begins with an image or is to leave one.
func (o Options) imaged() bool { return o.From != nil || o.Keep }

// begin is a sandbox for an attempt in the state that it begins with.
func (a *attempt) begin(ctx context.Context) (*sandbox, error) {
	s, err := a.module.tryAcquire(ctx, a)
	if err != nil || a.opt.From == nil {
		return s, err
	}
	if err := a.acceptable(s); err != nil {
		a.module.host.release(ctx, s)
		return nil, err
	}
	if err := a.resume(s); err != nil {
		s.close(ctx)
		return nil, err
	}
	return s, nil
}

// acceptable wants the attempt's image to be of what a pristine sandbox is, and no
// larger than the call may become.
func (a *attempt) acceptable(s *sandbox) error {
	if err := a.opt.From.fits(s.pool, s); err != nil {
		return fmt.Errorf("call module %q export %q: %w", a.opt.Name, a.export, err)
	}
	if size := a.opt.From.delta.Size(); size > a.opt.Limits.Memory {
		return a.cramped(fmt.Sprintf("its image needs %d bytes of memory", size))
	}
	return nil
}

// resume makes a pristine sandbox what the attempt's image is of.
func (a *attempt) resume(s *sandbox) error {
	i := a.opt.From
	if s.memory != nil {
		err := s.memory.Apply(i.delta)
		switch {
		case errors.Is(err, linmem.ErrBudget):
			return a.noMemory(i.delta.Size())
		case errors.Is(err, linmem.ErrTooLarge): // for what the module itself declares
			return fmt.Errorf("call module %q export %q: %w: %w", a.opt.Name, a.export, ErrImageMismatch, err)
		case err != nil:
			return fmt.Errorf("begin with an image: %w", err)
		}
		if err := linmem.Shrink(s.instance.Memory(), s.memory); err != nil {
			return fmt.Errorf("begin with an image: %w", err)
		}
	}
	for n, g := range s.globals {
		value := i.globals[n]
		if t := a.module.globals[n].Type; t == wasmbin.I32 || t == wasmbin.F32 {
			value = uint64(uint32(value))
		}
		g.Set(value)
	}
	a.goOn(time.Duration(i.clock))
	return nil
}

// goOn has the guest's clock go on from what it has seen go by.
func (a *attempt) goOn(seen time.Duration) {
	a.before = seen // on a virtual clock
	if a.wasi != nil {
		a.wasi.GoOn(uint64(seen)) // on the machine's
	}
}

// seen is what has gone by on the guest's clock.
func (a *attempt) seen() uint64 {
	if a.wasi == nil {
		return 0
	}
	return min(a.wasi.Seen(), mostClock)
}

// keep makes an image of how the guest has left its sandbox, or notes why there is
// none.
func (a *attempt) keep(s *sandbox) {
	most := cmp.Or(max(0, a.opt.KeepBytes), DefaultKeepBytes)
	switch {
	case !a.ended:
		a.noImage = "the guest was ended before it returned"
	case a.exit != nil:
		a.noImage = "the guest has exited"
	case s.dirty.Get() != 0:
		a.noImage = "the guest has changed tables or dropped segments"
	default:
		var delta linmem.Delta
		if s.memory != nil {
			var err error
			delta, err = s.memory.Delta(most)
			if errors.Is(err, linmem.ErrTooLarge) {
				a.noImage = fmt.Sprintf("the guest has changed more than %d bytes", most)
				return
			} else if err != nil {
				a.noImage = err.Error()
				return
			}
		}
		a.image = &Image{base: s.pool.identify(s), clock: a.seen(), globals: s.save(), delta: delta}
	}
}

// refused is the error of a call that needs images of a module that has none, or
// nil.
func (a *attempt) refused(why string) error {
	if !a.opt.imaged() {
		return nil
	}
	return fmt.Errorf("call module %q export %q: %w: %s", a.opt.Name, a.export, ErrNoImage, why)
}

// cramped is the error of a call that needs images and has less memory than its
// module's snapshot, or nil.
func (a *attempt) cramped(why string) error {
	if !a.opt.imaged() {
		return nil
	}
	return a.trapError(KindMemory, fmt.Sprintf("%s, the limit is %d bytes", why, a.opt.Limits.Memory), ErrMemory)
}
