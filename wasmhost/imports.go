package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/graflow/graflow-wasm/sdk/abi"
	"github.com/graflow/graflow-wasm/wasmhost/internal/extism"
	"github.com/graflow/graflow-wasm/wasmhost/internal/meter"
	"github.com/graflow/graflow-wasm/wasmhost/internal/wasip1"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The modules that guests may import from, beside abi.Module.
const (
	wasiModule   = "wasi_snapshot_preview1"
	extismModule = extism.Module
)

// hostFunction is one function that guests may import. run finds its arguments
// in args and leaves its result there.
type hostFunction struct {
	module, name    string
	capability      string
	params, results []api.ValueType
	run             func(ctx context.Context, a *attempt, mod api.Module, args []uint64)
}

// hostFunctions is everything that a guest may import.
var hostFunctions = slices.Concat(graflowFunctions(), wasiFunctions(), extismFunctions())

type importName struct{ module, name string }

var hostFunctionsByName = func() map[importName]*hostFunction {
	byName := make(map[importName]*hostFunction, len(hostFunctions))
	for i := range hostFunctions {
		f := &hostFunctions[i]
		byName[importName{f.module, f.name}] = f
	}
	return byName
}()

// capabilityOf is the word for an import, "" for an unknown one.
func capabilityOf(module, name string) string {
	if f := hostFunctionsByName[importName{module, name}]; f != nil {
		return f.capability
	}
	return ""
}

func graflowFunctions() []hostFunction {
	var all []hostFunction
	for _, f := range functions {
		all = append(all, hostFunction{abi.Module, f.name, f.capability, f.params, f.results, f.serve})
	}
	return all
}

// serve checks the grant and answers with a length or code.
func (f function) serve(ctx context.Context, a *attempt, mod api.Module, args []uint64) {
	g := guest{args: args}
	if a.memory != nil {
		g.mem = mod.Memory()
	}
	var answer int64
	if a.opt.Grants.allows(f.capability) {
		answer = f.told(ctx, a, g)
	} else {
		answer = a.refuse(f.capability)
	}
	switch {
	case len(f.results) == 0:
	case f.results[0] == api.ValueTypeI32:
		args[0] = api.EncodeI32(int32(answer))
	default:
		args[0] = api.EncodeI64(answer)
	}
}

func wasiFunctions() []hostFunction {
	var all []hostFunction
	for _, f := range wasip1.Functions() {
		all = append(all, hostFunction{
			wasiModule, f.Name, CapabilityWASI, f.Params, f.Results,
			func(ctx context.Context, a *attempt, mod api.Module, args []uint64) {
				errno := f.Run(ctx, a.wasi, linear(a, mod), args)
				if len(f.Results) > 0 {
					args[0] = uint64(errno)
				}
			},
		})
	}
	return all
}

func extismFunctions() []hostFunction {
	var all []hostFunction
	for _, f := range extism.Functions() {
		all = append(all, hostFunction{
			extismModule, f.Name, extismCapability(f.Name), f.Params, f.Results,
			func(ctx context.Context, a *attempt, _ api.Module, args []uint64) { f.Run(ctx, a.extism, args) },
		})
	}
	return all
}

// linear is the whole memory of the guest, valid until it grows.
func linear(a *attempt, mod api.Module) []byte {
	if a.memory == nil {
		return nil
	}
	mem := mod.Memory()
	all, _ := mem.Read(0, mem.Size())
	return all
}

// instantiateImports offers all functions to the modules of the host.
func (h *Host) instantiateImports(ctx context.Context) error {
	builders := map[string]wazero.HostModuleBuilder{}
	export := func(module, name string, f api.GoModuleFunc, params, results []api.ValueType) {
		if builders[module] == nil {
			builders[module] = h.runtime.NewHostModuleBuilder(module)
		}
		builders[module].NewFunctionBuilder().WithGoModuleFunction(f, params, results).Export(name)
	}
	for i := range hostFunctions {
		f := &hostFunctions[i]
		export(f.module, f.name, h.guarded(i, f), f.params, f.results)
	}
	export(meter.YieldModule, meter.YieldName, yield, nil, nil)
	for name, b := range builders {
		if _, err := b.Instantiate(ctx); err != nil {
			return fmt.Errorf("instantiate %s: %w", name, err)
		}
	}
	return nil
}

// guarded is the one way from a guest into the host: it counts, and turns
// panics into the end of the attempt.
func (h *Host) guarded(i int, f *hostFunction) api.GoModuleFunc {
	return func(ctx context.Context, mod api.Module, args []uint64) {
		a := attemptOf(ctx)
		defer func() {
			if r := recover(); r != nil {
				h.unwind(ctx, a, f.name, r)
			}
		}()
		a.enter(ctx, i)
		f.run(ctx, a, mod, args)
	}
}

// unwind goes on unwinding the guest after a panic in a host function.
func (h *Host) unwind(ctx context.Context, a *attempt, name string, r any) {
	switch r := r.(type) {
	case wasip1.Exit:
		a.exit = &r.Code
	case wasip1.Interrupted:
		a.stopped = a.interrupted(ctx)
	case *extism.Trap:
		a.stopped = a.extismTrap(ctx, r)
	default:
		if a.stopped == nil {
			h.config.Logger.ErrorContext(ctx, "host function panicked", "module", a.opt.Name, "function", name, "err", r, "stack", string(debug.Stack()))
			a.stopped = a.trapError(KindTrap, fmt.Sprintf("host function %s panicked: %v", name, r), nil)
		}
	}
	if e := a.stopped; e != nil && ctx.Err() != nil && (errors.Is(e, context.Canceled) || errors.Is(e, context.DeadlineExceeded)) {
		a.stopped = a.interrupted(ctx) // a service told so in its own words
	}
	panic(errStopped)
}
